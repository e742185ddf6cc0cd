"""When the last of the calls that are left ends, as a probability over time.

Requests that are queued begin one after the other as slots free themselves; the job is done when the last call is.
So  P(done by t) = product over all calls of P(that call is done by t), where a queued one begins at its turn. Only
the turns near the end matter, and of those that begin about together one stands for all.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from backburner.policy.eta_calls import SHORTEST_S, Call, Law, Tail, log_s

HALVINGS = 16
GROUPS = 24
GROUP_GROWTH = 1.45
TAIL_PART = 4  # the last quarter of the queue says what its last calls are like
SURE = 1e-12
RARE = (
    1e-9  # a call that got this old against all experience: nothing but its age says how long it still takes
)


class Queue(msgspec.Struct, frozen=True):
    """`count` requests that wait for a slot; `sizes` is a sample in the order in which they go. `per_s` is the
    slot-seconds that are worked off in a second."""

    count: int
    sizes: Sequence[float]
    per_s: float


class Group(msgspec.Struct, frozen=True):
    count: float
    begin_s: float


class Finish:
    """`under_way` is a sample, each call of it standing for `weight`."""

    def __init__(
        self, law: Law, tail: Tail, under_way: Sequence[Call], weight: float, queue: Queue | None
    ) -> None:
        self._law = law
        self._tail = tail
        self._weight = weight
        self._calls = [(call.took_s, law.log_median(call.size)) for call in under_way]
        self._alive = [self._longer(age_s, middle, age_s) for age_s, middle in self._calls]
        self._groups: list[Group] = []
        self._middle, self._spread, self.last_begin_s = 0.0, law.spread, 0.0
        if queue is not None:
            self._enqueue(queue, weight * sum(law.rest_s(call) for call in under_way))

    def _longer(self, duration_s: float, middle: float, age_s: float) -> float:
        z = (log_s(duration_s) - middle) / self._law.spread
        return self._tail.standard(z) * self._tail.under_ceiling(duration_s, age_s)

    def _still_running(self, at_s: float, age_s: float, middle: float, alive: float) -> float:
        """P(a call under way is not done by then)."""
        if alive < RARE:
            return (age_s / (age_s + at_s)) ** 3
        return self._longer(age_s + at_s, middle, age_s) / alive

    def _enqueue(self, queue: Queue, rest_s: float) -> None:
        """`rest_s`: slot-seconds that the calls under way still take, together."""
        last = queue.sizes[-max(1, len(queue.sizes) // TAIL_PART) :]
        middles = [self._law.log_median(size) for size in last]
        self._middle = sum(middles) / len(middles)
        apart = sum((middle - self._middle) ** 2 for middle in middles) / len(middles)
        self._spread = math.sqrt(self._law.spread**2 + apart)
        mean_s = math.exp(self._middle + self._spread**2 / 2)
        steady_s = mean_s * math.exp(self._spread**2) / 2  # what a call met at any moment still takes
        work_s = queue.count * sum(map(self._law.mean_s, queue.sizes)) / len(queue.sizes)
        self.last_begin_s = max(0.0, (work_s + rest_s) / queue.per_s - steady_s)
        taken, size = 0, 1.0
        while taken < queue.count and len(self._groups) < GROUPS:
            count = min(queue.count - taken, int(size))
            before_s = (taken + (count - 1) / 2) * mean_s / queue.per_s
            self._groups.append(Group(count, max(0.0, self.last_begin_s - before_s)))
            taken, size = taken + count, size * GROUP_GROWTH

    def _log_done(self, at_s: float) -> float:
        """log P(done by then)."""
        total = 0.0
        for (age_s, middle), alive in zip(self._calls, self._alive, strict=True):
            total += self._weight * _log_not(self._still_running(at_s, age_s, middle, alive))
        for group in self._groups:
            if at_s <= group.begin_s:
                return -math.inf
            z = (log_s(at_s - group.begin_s) - self._middle) / self._spread
            longer = self._tail.standard(z) * self._tail.under_ceiling(at_s - group.begin_s)
            total += group.count * _log_not(longer)
        return total

    def quantile_s(self, part: float) -> float:
        """The time by which the last call is done with probability `part`."""
        wanted = math.log(part)
        high = math.log(2 * self.last_begin_s + sum(age_s for age_s, _ in self._calls) + SHORTEST_S)
        return math.exp(_solved(lambda log_t: self._log_done(math.exp(log_t)) >= wanted, high))


def _solved(reached: Callable[[float], bool], high: float) -> float:
    """The place from which on `reached` is true, which it is for ever after."""
    while not reached(high) and high < 60:
        high += 1.0
    low = high - 1.0
    while reached(low) and low > -30:
        low -= 2.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if reached(middle):
            high = middle
        else:
            low = middle
    return high


def _log_not(part: float) -> float:
    return math.log(max(SURE, 1 - part))
