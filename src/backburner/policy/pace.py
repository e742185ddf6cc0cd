"""How many calls one model of one engine is given at once, and how many of them jobs may make.

Where the slots are known it starts there. Where the limit is hidden it starts low and doubles until the first refusal;
from then on additive increase while saturated, multiplicative decrease on a refusal, at most once per cooling time.
After a decrease it is soon back near the limit that was too much, and slow from there: additive all the way up it
would be at five sixths of an engine on the average. Engines that queue instead: policy/knee.py. Figures:
anchors/scheduling.md 3.4.

Calls that somebody waits for go first: while people call, jobs leave `reserved` slots alone, and a caller who finds
none free has the next one. Jobs keep a floor of their own, so that they are never starved to nothing.
"""

import dataclasses

from backburner.core.exchange import Capabilities
from backburner.policy.knee import Knee

DECREASE = 0.7
COOLING_S = 2.0
FIRST = 8  # calls at once where the limit is hidden
NEAR = 0.95  # of the limit that was too much: up to there it rises quickly
QUICK = 0.25  # more at each answer
RESERVED = 0.5  # of the slots, where the settings say nothing; bench/interactive_curve.py has the curve
PEOPLE_S = 60.0  # as long after a person's last call the reserved slots are kept free
FLOOR = 1 / 16  # of the slots, that people leave to jobs which want them
PASSED_OVER = 10  # calls of people in a row, after which the only slot of an engine is a job's


@dataclasses.dataclass
class Pace:
    """`limit` calls of jobs may be in flight together with those of people, between 1 and `cap`; people may go up
    to the cap. `people` are their calls among those `in_flight`. Instants are the caller's monotonic clock."""

    limit: float
    cap: int
    reserved: int = 0
    in_flight: int = 0
    people: int = 0
    knee: Knee | None = None
    too_much: float = float("inf")  # the limit at the last refusal
    _people_until: float = float("-inf")
    _passed_over: int = 0
    _decreased_at: float = float("-inf")

    @property
    def found(self) -> bool:
        """Whether the limit was found out: it was too much once, or more did not pay."""
        return self.too_much < float("inf") if self.knee is None else not self.knee.leaping

    @property
    def of_jobs(self) -> int:
        """Calls in flight that nobody waits for."""
        return self.in_flight - self.people

    def room(self, now: float) -> int:
        """How many calls jobs may begin."""
        limit = int(self.limit)
        reserved = min(self.reserved, limit - 1) if self.people or now < self._people_until else 0
        return max(0, min(limit - self.in_flight, limit - reserved - self.of_jobs))

    def admits(self, *, wanted: bool) -> bool:
        """Whether somebody may call now. `wanted`: jobs want slots too, so their floor is not to be taken."""
        owed = max(0, self._floor() - self.of_jobs) if wanted else 0
        return self.in_flight + owed < self.cap

    def _floor(self) -> int:
        if self.cap == 1:
            return int(self._passed_over >= PASSED_OVER)
        return max(1, int(self.cap * FLOOR))

    def start(self) -> None:
        self.in_flight += 1
        self._passed_over = 0

    def answered(self, call_s: float = 0.0, tokens: float = 0.0) -> None:
        """A call brought an answer: after how long, and of how many tokens together with what it was asked."""
        saturated = self.in_flight >= self.limit / 2
        full = self.in_flight >= int(self.limit)
        self.in_flight -= 1
        if self.knee is not None:
            if full and tokens:
                self.knee.note(call_s, tokens)
                self.limit = self.knee.limit
        elif saturated and self.limit < self.cap:
            self.limit = min(float(self.cap), self.limit + self._step())

    def _step(self) -> float:
        if self.too_much == float("inf"):
            return 1.0
        return QUICK if self.limit < NEAR * self.too_much else 1.0 / self.limit

    def failed(self) -> None:
        """Trouble that says nothing about load."""
        self.in_flight -= 1

    def refused(self, now: float) -> None:
        """The engine has no room: 429, 503, nobody there."""
        self.in_flight -= 1
        if now - self._decreased_at >= COOLING_S:
            self._decreased_at = now
            self.too_much = self.limit
            self.limit = max(1.0, self.limit * DECREASE)
            if self.knee is not None:
                self.knee.refused(self.limit)

    def enter(self, now: float) -> None:
        """A person's call begins."""
        self.in_flight += 1
        self.people += 1
        self._passed_over += 1
        self._people_until = now + PEOPLE_S

    def leave(self, now: float) -> None:
        """It has ended. How, is told by `answered`, `failed` or `refused`, as of any other."""
        self.people -= 1
        self._people_until = now + PEOPLE_S


def begun(can: Capabilities, reserved: int, known: float = 0.0) -> Pace:
    """The pace of an engine's model before its first call. `reserved` below 0: a share of the slots. `known`: the
    limit that was found before a restart, 0 for none; it goes on from there, and does not leap."""
    kept = int(can.slots * RESERVED) if reserved < 0 else reserved
    if not can.hidden:
        return Pace(limit=float(can.slots), cap=can.slots, reserved=kept)
    first = float(min(max(known, 1.0) if known else FIRST, can.slots))
    pace = Pace(
        first, can.slots, kept, knee=Knee(first, can.slots, leaping=not known) if can.queues else None
    )
    return dataclasses.replace(pace, too_much=known) if known else pace
