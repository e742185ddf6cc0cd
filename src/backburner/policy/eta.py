"""When a job will be done: a time with a 90 % interval.

    remaining requests / recent rate + what the last calls still take

The rate is that of the last third of the work, because capacity drifts; the last term is a long call, because
a job ends with its slowest calls. The interval is split-conformal: the spread of log(actual / predicted) over
simulated jobs at the same progress. `bench/eta_calibration.py` makes the table and measures its coverage on
jobs it has not seen. Method and figures: anchors/scheduling.md 3.6.
"""

from collections.abc import Sequence

import msgspec

RECENT = 1 / 3
TAIL = 0.9  # of a long call: on the average the last ones are under way already

# progress -> (low, high): 90 % of jobs ended between low and high times the remaining time predicted
BAND: tuple[tuple[float, float, float], ...] = (
    (0.01, 0.38, 9.14),
    (0.05, 0.66, 3.75),
    (0.10, 0.69, 2.85),
    (0.25, 0.72, 2.57),
    (0.50, 0.67, 2.66),
    (0.75, 0.61, 2.75),
    (0.90, 0.51, 2.95),
)


class Sample(msgspec.Struct, frozen=True):
    """How many requests had their outcome at an instant (seconds, any clock that does not jump)."""

    at: float
    done: int


class Estimate(msgspec.Struct, frozen=True):
    """Seconds from now until the end: the likely one, and an interval that holds 90 % of jobs."""

    earliest_s: float
    likely_s: float
    latest_s: float


def rate(samples: Sequence[Sample]) -> float:
    """Requests per second over the last third of the work, 0 while nothing can be said. `samples` in order."""
    if len(samples) < 2:
        return 0.0
    newest = samples[-1]
    wanted = newest.done * (1 - RECENT)
    since = next((sample for sample in reversed(samples[:-1]) if sample.done <= wanted), samples[0])
    passed_s = newest.at - since.at
    return (newest.done - since.done) / passed_s if passed_s > 0 else 0.0


def long_call_s(recent_s: Sequence[float], in_flight: int) -> float:
    """What the longest of the calls under way at the end will take: the 1 - 1/(n + 1) quantile of recent ones."""
    if not recent_s:
        return 0.0
    ordered = sorted(recent_s)
    return ordered[min(len(ordered) - 1, int((1 - 1 / (in_flight + 1)) * len(ordered)))]


def estimate(samples: Sequence[Sample], total: int, longest_s: float) -> Estimate | None:
    """None while no request has its outcome. `longest_s` is what `long_call_s` says."""
    per_s = rate(samples)
    if not per_s or total <= 0:
        return None
    done = samples[-1].done
    likely_s = max(0, total - done) / per_s + (TAIL * longest_s if done < total else 0.0)
    low, high = band(done / total)
    return Estimate(likely_s * low, likely_s, likely_s * high)


def band(progress: float) -> tuple[float, float]:
    """The factors at a progress of 0 to 1, between the rows of the table by straight lines."""
    below = BAND[0]
    for row in BAND:
        if row[0] > progress:
            weight = (progress - below[0]) / (row[0] - below[0]) if row is not BAND[0] else 0.0
            return below[1] + weight * (row[1] - below[1]), below[2] + weight * (row[2] - below[2])
        below = row
    return below[1], below[2]
