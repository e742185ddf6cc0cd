"""When a job will be done: a time with an interval around it and how sure it is.

    work that is left, in seconds of a slot / slot-seconds worked off in a second, and then the last calls' ends

What a request takes is learned from the job's own calls by size (eta_calls.py), how fast it goes from the slots it
has and from the last third of its work (eta_rate.py), the last calls' ends follow from how long they are under way
(eta_finish.py), the interval from simulated jobs (eta_band.py). Method and figures: anchors/scheduling.md 3.6,
docs/decisions/0017.
"""

import math
from collections.abc import Sequence

import msgspec

from backburner.policy.eta_band import band
from backburner.policy.eta_calls import Call, Law, Tail, fit
from backburner.policy.eta_finish import Finish, Queue
from backburner.policy.eta_rate import Rate

CALLS = 256  # a sample of so many calls is enough
QUEUED = 64
UNDER_WAY = 64
STEADY_WAVES = 4  # from so many requests per slot on the rate is one
MOST_S = 366 * 86400.0  # more is no forecast
STEADY_MADE = 50.0  # requests that weigh as much as the number of slots in saying how fast it goes
QUARTILES = 1.349  # between the quartiles of a normal law there are so many standard deviations
OWN_DOUBT, CALLS_DOUBT, SIZE_DOUBT, DRIFT_DOUBT = 1.5, 1.5, 0.15, 0.15  # fitted by bench/eta_calibration.py


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job. `ended` is a sample of the `made` calls that ended, evenly over the order of their
    begin; `under_way` one of `under_way_count` calls with their ages; `queued` the sizes of some of the
    `queued_count` requests that wait, in the order in which they go. `slots` is how many go at once;
    `rate` is that of the last third."""

    ended: Sequence[Call]
    made: int
    under_way: Sequence[Call]
    under_way_count: int
    queued: Sequence[float]
    queued_count: int
    slots: int
    rate: Rate


class Estimate(msgspec.Struct, frozen=True):
    """Seconds from now until the end: the likely one, and an interval that holds it with `confidence`."""

    earliest_s: float
    likely_s: float
    latest_s: float
    confidence: float


class Forecast(msgspec.Struct, frozen=True):
    """Before the band: the median, the standard deviation of its logarithm, and the part of the work that is done."""

    median_s: float
    doubt: float
    progress: float


def estimate(view: View) -> Estimate | None:
    """None while no call has ended, and where the calls so far say nothing: calls that took no time at all, beside
    some that do, promise any end one likes."""
    found = forecast(view)
    if found is None or not found.median_s < MOST_S:
        return None
    around = band(found.progress, found.doubt)
    return Estimate(
        found.median_s * around.low,
        found.median_s * around.middle,
        found.median_s * around.high,
        around.confidence,
    )


def forecast(view: View) -> Forecast | None:
    if not view.ended:
        return None
    if not view.under_way_count and not view.queued_count:
        return Forecast(0.0, 0.0, 1.0)
    law = fit(view.ended, view.under_way, min(1.0, len(view.ended) / view.made))
    tail = Tail(law, view.ended, view.made, view.under_way_count)
    queue = Queue(view.queued_count, view.queued, _speed(view, law)) if view.queued_count else None
    weight = view.under_way_count / max(1, len(view.under_way))
    finish = Finish(law, tail, view.under_way, weight, queue)
    spread = math.log(finish.quantile_s(0.75) / finish.quantile_s(0.25)) / QUARTILES
    doubt = math.hypot(
        OWN_DOUBT * spread,
        CALLS_DOUBT * law.spread / math.sqrt(view.made),
        SIZE_DOUBT * _unlike(view),
        DRIFT_DOUBT,
    )
    return Forecast(finish.quantile_s(0.5), doubt, _progress(view, law))


def _speed(view: View, law: Law) -> float:
    """Slot-seconds a second: the slots in use at first; the more was made the more what the rate says, which knows
    of closed doors, of refusals and of what is lost between two calls."""
    slots = float(max(1, view.slots))
    if view.rate.made <= STEADY_WAVES * slots:
        return slots
    recent = view.ended[-max(1, len(view.ended) // 3) :]
    measured = view.rate.per_s * sum(law.mean_s(call.size) for call in recent) / len(recent)
    weight = view.rate.made / (view.rate.made + STEADY_MADE)
    return math.exp(weight * math.log(measured) + (1 - weight) * math.log(slots))


def _unlike(view: View) -> float:
    """How far the sizes of what is left are from those of what ended (logarithm): the law is stretched as far."""
    left = view.queued or [call.size for call in view.under_way]
    return abs(_mean_log(left) - _mean_log([call.size for call in view.ended]))


def _mean_log(sizes: Sequence[float]) -> float:
    return sum(math.log(max(1.0, size)) for size in sizes) / len(sizes)


def _progress(view: View, law: Law) -> float:
    """By the work, or by the count where that is more: of the first wave the short ones end first."""
    done_s = view.made * sum(law.mean_s(call.size) for call in view.ended) / len(view.ended)
    left_s = sum(law.mean_s(call.size) for call in view.under_way)
    left_s *= view.under_way_count / max(1, len(view.under_way))
    if view.queued_count:
        left_s += view.queued_count * sum(map(law.mean_s, view.queued)) / len(view.queued)
    counted = view.made / (view.made + view.under_way_count + view.queued_count)
    return max(counted, done_s / (done_s + left_s))
