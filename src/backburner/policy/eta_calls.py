"""How long a job's calls take: a log-normal law by size of the request, fitted to the job's own calls.

    log(seconds) = level + slope * log(bytes of the request) + spread * a normal draw

Work is measured in seconds of a slot, not in tokens: what a token costs differs from engine to engine, and the calls
say it themselves. Calls under way count too, as "longer than so far" (censored): of the first wave only the short
ones have ended, and whoever looks at those alone promises half the time. Few calls lean on a prior.
"""

import bisect
import math
from collections.abc import Sequence

import msgspec

ROUNDS = 40  # of expectation and maximisation, at most; it goes slowly where most calls are under way
STILL = 0.01  # of a spread: a round that moves the middle by less is the last
SPREAD_PRIOR = 0.6
SPREAD_PRIOR_CALLS = 4.0
SLOPE_PRIOR_SD = 0.5
SHORTEST_S = 1e-6
NORMAL_CALLS = 20.0  # what the normal law counts for beside the calls that ended
ENDED_PER_CALL = 3.0  # ended calls for each under way from which on those that ended are no selection
CEILING = 1.1  # of the longest call that ended: caps on answers make longer ones rare
CEILING_POWER = 12
_ROOT_2 = math.sqrt(2)
_ROOT_2_PI = math.sqrt(2 * math.pi)


class Call(msgspec.Struct, frozen=True):
    """A call of a request of `size` bytes that took, or is at, `took_s` seconds."""

    size: float
    took_s: float


class Law(msgspec.Struct, frozen=True):
    """`spread` is the standard deviation of the logarithm."""

    level: float
    slope: float
    spread: float

    def at(self, log_size: float) -> float:
        return self.level + self.slope * log_size

    def log_median(self, size: float) -> float:
        return self.at(math.log(max(1.0, size)))

    def mean_s(self, size: float) -> float:
        return math.exp(self.log_median(size) + self.spread * self.spread / 2)

    def rest_s(self, call: Call) -> float:
        """What a call under way still takes, expected."""
        middle = self.log_median(call.size)
        z = (log_s(call.took_s) - middle) / self.spread
        alive = upper_tail(z)
        if alive < 1e-9:
            return call.took_s / 5
        return max(0.0, self.mean_s(call.size) * upper_tail(z - self.spread) / alive - call.took_s)


def log_s(duration_s: float) -> float:
    return math.log(max(SHORTEST_S, duration_s))


def upper_tail(z: float) -> float:
    """P(normal > z)."""
    return 0.5 * math.erfc(z / _ROOT_2)


class Tail:
    """P(a call takes longer), where the normal law is bent to what the calls that ended show."""

    def __init__(self, law: Law, ended: Sequence[Call], made: int, under_way: int) -> None:
        """`ended` is a sample of `made` calls."""
        self._offs = sorted((log_s(call.took_s) - law.log_median(call.size)) / law.spread for call in ended)
        self._trust = min(1.0, made / (ENDED_PER_CALL * max(1, under_way)))
        longest_s = max(call.took_s for call in ended)
        self._ceiling_s = longest_s * CEILING if self._trust == 1.0 else math.inf

    def standard(self, z: float) -> float:
        """P(longer than z spreads above the median)."""
        offs = self._offs
        place = bisect.bisect_right(offs, z)
        above = float(len(offs) - place)
        if 0 < place < len(offs) and offs[place] > offs[place - 1]:
            above += 0.5 - (z - offs[place - 1]) / (offs[place] - offs[place - 1])
        all_of_it = self._trust * len(offs) + NORMAL_CALLS
        return (self._trust * above + NORMAL_CALLS * upper_tail(z)) / all_of_it

    def under_ceiling(self, duration_s: float, age_s: float = 0.0) -> float:
        """By how much less likely a long call is because none was longer yet. One that is older shows the ceiling
        to be higher."""
        return 1 / (1 + (duration_s / max(self._ceiling_s, 1.05 * age_s, SHORTEST_S)) ** CEILING_POWER)


def fit(ended: Sequence[Call], under_way: Sequence[Call], weight: float = 1.0) -> Law:
    """`ended` is not empty. `weight` is what a call under way counts for where `ended` is a sample: the part of the
    ended calls that is in it."""
    xs = [math.log(max(1.0, call.size)) for call in ended]
    ys = [log_s(call.took_s) for call in ended]
    far = [(math.log(max(1.0, call.size)), log_s(call.took_s)) for call in under_way]
    weights = [1.0] * len(ys)
    law = _line(xs, ys, weights, 0.0)
    if not far:
        return law
    xs += [x for x, _ in far]
    weights += [weight] * len(far)
    for _ in range(ROUNDS):
        expected, variance = _beyond(law, far)
        before, law = law, _line(xs, ys + expected, weights, weight * variance)
        middle = _dot(weights, xs) / sum(weights)
        if abs(law.at(middle) - before.at(middle)) < STILL * law.spread:
            break
    return law


def _beyond(law: Law, far: Sequence[tuple[float, float]]) -> tuple[list[float], float]:
    """The logarithms of what calls under way will have taken, expected, and the sum of the variances left in them."""
    expected: list[float] = []
    variance = 0.0
    for x, y in far:
        middle = law.at(x)
        z = min(6.0, (y - middle) / law.spread)
        hazard = math.exp(-z * z / 2) / _ROOT_2_PI / upper_tail(z)
        expected.append(max(y, middle + law.spread * hazard))
        variance += law.spread * law.spread * max(0.0, 1 + z * hazard - hazard * hazard)
    return expected, variance


def _line(xs: Sequence[float], ys: Sequence[float], weights: Sequence[float], variance: float) -> Law:
    """Least squares, slope and spread pulled to their priors. `variance` adds to the sum of squares."""
    total = sum(weights)
    middle_x = _dot(weights, xs) / total
    middle_y = _dot(weights, ys) / total
    across = along = up = 0.0
    for x, y, weight in zip(xs, ys, weights, strict=True):
        x, y = x - middle_x, y - middle_y
        across += weight * x * x
        along += weight * x * y
        up += weight * y * y
    slope = along / (across + (SPREAD_PRIOR / SLOPE_PRIOR_SD) ** 2)
    squares = variance + up - 2 * slope * along + slope * slope * across
    prior = SPREAD_PRIOR_CALLS * SPREAD_PRIOR**2
    return Law(
        middle_y - slope * middle_x, slope, math.sqrt((squares + prior) / (total + SPREAD_PRIOR_CALLS))
    )


def _dot(xs: Sequence[float], ys: Sequence[float]) -> float:
    return sum([x * y for x, y in zip(xs, ys, strict=True)])
