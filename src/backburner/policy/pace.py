"""How many calls one model of one engine is given at once, and how many of them jobs may make.

Additive increase while saturated, multiplicative decrease on a refusal, at most once per cooling time. Starts at
the engine's slots where it queues by itself (local), low where the limit is hidden. Figures:
anchors/scheduling.md 3.4.

Calls that somebody waits for go first: while people call, jobs leave `reserved` slots alone, and a caller who finds
none free has the next one. Jobs keep a floor of their own, so that they are never starved to nothing.
"""

import dataclasses

DECREASE = 0.7
COOLING_S = 2.0
RESERVED = 0.25  # of the slots, where the settings say nothing: docs/decisions/0017
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
    _people_until: float = float("-inf")
    _passed_over: int = 0
    _decreased_at: float = float("-inf")

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

    def answered(self) -> None:
        saturated = self.in_flight >= self.limit / 2
        self.in_flight -= 1
        if saturated and self.limit < self.cap:
            self.limit = min(float(self.cap), self.limit + 1.0 / self.limit)

    def failed(self) -> None:
        """Trouble that says nothing about load."""
        self.in_flight -= 1

    def refused(self, now: float) -> None:
        """The engine has no room: 429, 503, nobody there."""
        self.in_flight -= 1
        if now - self._decreased_at >= COOLING_S:
            self._decreased_at = now
            self.limit = max(1.0, self.limit * DECREASE)

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
