"""How many calls one model of one engine is given at once.

Additive increase while saturated, multiplicative decrease on a refusal, at most once per cooling time; a
Retry-After closes the door until then. Starts at the engine's slots where it queues by itself (local), low
where the limit is hidden. Figures: anchors/scheduling.md 3.4.
"""

import dataclasses

DECREASE = 0.7
COOLING_S = 2.0


@dataclasses.dataclass
class Pace:
    """`limit` calls may be in flight, between 1 and `cap`. Instants are the caller's monotonic clock."""

    limit: float
    cap: int
    in_flight: int = 0
    closed_until: float = 0.0
    _decreased_at: float = float("-inf")

    def room(self, now: float) -> int:
        return 0 if now < self.closed_until else max(0, int(self.limit) - self.in_flight)

    def start(self) -> None:
        self.in_flight += 1

    def answered(self) -> None:
        saturated = self.in_flight >= self.limit / 2
        self.in_flight -= 1
        if saturated and self.limit < self.cap:
            self.limit = min(float(self.cap), self.limit + 1.0 / self.limit)

    def failed(self) -> None:
        """Trouble that says nothing about load."""
        self.in_flight -= 1

    def refused(self, now: float, retry_after_s: float | None) -> None:
        self.in_flight -= 1
        if now - self._decreased_at >= COOLING_S:
            self._decreased_at = now
            self.limit = max(1.0, self.limit * DECREASE)
        if retry_after_s is not None:
            self.closed_until = max(self.closed_until, now + retry_after_s)
