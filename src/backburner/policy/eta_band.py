"""The interval around the likely time, and how sure it is. Split-conformal, scaled by how hard the job is.

The score of a forecast is log(actual / predicted) in units of the doubt that the job's own calls leave. Its
quantiles over simulated jobs at the same progress are in the table; `bench/eta_calibration.py` makes it and measures
it on jobs it has not seen. From a tenth of the work on no interval is wider than 1 : 3, because a wider one is of no
use to anybody who plans; where that is narrower than the doubt, the confidence says so.
"""

import bisect
import math

import msgspec

WIDEST = 3.0  # latest : earliest
WIDEST_FROM = 0.05
PARTS = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
CONFIDENCE = 0.9

# progress -> the PARTS quantiles of the score
SCORES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.01, (-1.43, -1.17, -0.62, -0.18, 0.38, 0.98, 1.71)),
    (0.05, (-1.59, -1.08, -0.60, 0.02, 0.77, 1.44, 2.28)),
    (0.10, (-1.69, -1.15, -0.64, 0.00, 0.63, 1.38, 2.42)),
    (0.25, (-2.53, -1.44, -0.59, 0.06, 0.73, 1.51, 2.37)),
    (0.50, (-2.69, -1.57, -0.73, -0.02, 0.65, 1.51, 2.98)),
    (0.75, (-2.50, -1.42, -0.77, -0.11, 0.62, 1.38, 2.53)),
    (0.90, (-2.38, -1.33, -0.74, -0.15, 0.53, 1.17, 2.73)),
    (0.97, (-2.57, -1.36, -0.70, -0.10, 0.49, 1.16, 3.37)),
)


class Band(msgspec.Struct, frozen=True):
    """Factors of the predicted time, and with which probability the actual one lies between `low` and `high`."""

    low: float
    middle: float
    high: float
    confidence: float


def band(progress: float, doubt: float) -> Band:
    """At a progress of 0 to 1. `doubt` is the standard deviation of log(actual / predicted) that is expected."""
    scores = quantiles(progress)
    low, middle, high = scores[0], scores[len(scores) // 2], scores[-1]
    confidence = PARTS[-1] - PARTS[0]
    width = (high - low) * doubt
    if progress >= WIDEST_FROM and width > math.log(WIDEST):
        part = math.log(WIDEST) / width
        low, high = middle + part * (low - middle), middle + part * (high - middle)
        confidence = _below(scores, high) - _below(scores, low)
    return Band(
        math.exp(doubt * low), math.exp(doubt * middle), math.exp(doubt * high), min(CONFIDENCE, confidence)
    )


def quantiles(progress: float) -> tuple[float, ...]:
    """Between the rows of the table by straight lines."""
    above = bisect.bisect_left([at for at, _ in SCORES], progress)
    if above == 0 or above == len(SCORES):
        return SCORES[min(above, len(SCORES) - 1)][1]
    (begin, before), (end, after) = SCORES[above - 1], SCORES[above]
    weight = (progress - begin) / (end - begin)
    return tuple(one + weight * (other - one) for one, other in zip(before, after, strict=True))


def _below(scores: tuple[float, ...], score: float) -> float:
    place = min(len(scores) - 1, max(1, bisect.bisect_left(scores, score)))
    low, high = scores[place - 1], scores[place]
    return PARTS[place - 1] + (score - low) / (high - low) * (PARTS[place] - PARTS[place - 1])
