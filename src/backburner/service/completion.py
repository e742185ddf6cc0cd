"""When a running job will be done: gathers what policy/eta.py asks for, from memory and from the job's ledger."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from backburner.core.clock import Clock
from backburner.core.lanes import Lanes
from backburner.policy import eta
from backburner.policy.eta_calls import Call
from backburner.policy.eta_rate import Rate, rate
from backburner.service.pulse import Pulse
from backburner.store.stores import Stores
from backburner.work.run import JobRun

KEPT_S = 2.0  # at most: an estimate is told to everybody who asks meanwhile
KEPT_LEAST_S = 0.2
KEPT_PART = 0.03  # of the time left
MADE_MORE = 1.2  # times what was made then: early a few calls tell much
LOOKED_AT = 4 * eta.QUEUED  # requests of the whole job, to find some that wait

T = TypeVar("T")


class Completion(msgspec.Struct, frozen=True):
    """Instants: the likely end of the job, and an interval that holds the end with `confidence`."""

    earliest_at: float
    likely_at: float
    latest_at: float
    confidence: float

    def behind(self, other: "Completion", now: float) -> "Completion":
        """Where the job begins, or goes on, once another one has ended; the instants so far were from `now` on."""
        return Completion(
            self.earliest_at + max(0.0, other.earliest_at - now),
            self.likely_at + max(0.0, other.likely_at - now),
            self.latest_at + max(0.0, other.latest_at - now),
            min(self.confidence, other.confidence),
        )


class _Asked(msgspec.Struct, frozen=True):
    """What memory knows of a job, for a lane to go on with: the ordinals of `queued` in the order in which they go,
    (ordinal, age in seconds) of calls `under_way`."""

    job: str
    first_attempt: int
    made: int
    queued: Sequence[int]
    queued_count: int
    under_way: Sequence[tuple[int, float]]
    under_way_count: int
    slots: int
    rate: Rate


class _Kept(msgspec.Struct, frozen=True):
    """Of this pulse, until an instant or until more was made."""

    pulse: Pulse
    until: float
    made_most: float
    completion: Completion | None


class Forecaster:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._kept: dict[str, _Kept] = {}

    def forget(self, job: str) -> None:
        self._kept.pop(job, None)

    async def completion(self, run: JobRun, pulse: Pulse) -> Completion | None:
        """None before the first of its calls has ended, as far as this process made them."""
        now = self._clock.monotonic()
        kept = self._kept.get(run.job.id)
        if kept is not None and kept.pulse is pulse and now < kept.until and pulse.made <= kept.made_most:
            return kept.completion
        found: eta.Estimate | None = None
        if pulse.made > 0:
            asked = self._asked(run, pulse, now)
            found = await self._lanes.read.run(self._estimate, asked)
        at = self._clock.now()
        told = (
            Completion(at + found.earliest_s, at + found.likely_s, at + found.latest_s, found.confidence)
            if found is not None
            else None
        )
        keep_s = min(KEPT_S, max(KEPT_LEAST_S, KEPT_PART * found.likely_s if found is not None else 0.0))
        self._kept[run.job.id] = _Kept(pulse, now + keep_s, MADE_MORE * pulse.made, told)
        return told

    def _asked(self, run: JobRun, pulse: Pulse, now: float) -> _Asked:
        flying = run.in_flight
        left = expected(run) - outcomes_made(run) - len(flying)
        seen = spread(range(run.ledger.progress.next_ordinal), LOOKED_AT)
        waiting = [
            ordinal
            for ordinal in seen
            if not (ordinal in flying or ordinal in run.ledger.followers or run.ledger.has_outcome(ordinal))
        ]
        if len(waiting) < eta.QUEUED // 2:  # near the end most of them are read ahead
            ahead = sorted(run.open - flying.keys())
            waiting = sorted({*waiting, *spread(ahead, eta.QUEUED)})
        ages = sorted((now - begin, ordinal) for ordinal, begin in pulse.begun.items() if ordinal in flying)
        return _Asked(
            job=run.job.id,
            first_attempt=pulse.first_attempt,
            made=pulse.made,
            queued=spread(waiting, eta.QUEUED),
            queued_count=max(0, left),
            under_way=[(ordinal, age_s) for age_s, ordinal in spread(ages, eta.UNDER_WAY)],
            under_way_count=len(ages),
            slots=pulse.slots,
            rate=rate(pulse.samples),
        )

    def _estimate(self, asked: _Asked) -> eta.Estimate | None:
        try:
            with self._stores.ledgers.view(asked.job) as view:
                ended = [Call(*call) for call in view.calls(asked.first_attempt, eta.CALLS)]
                sizes = view.lengths([*asked.queued, *(ordinal for ordinal, _ in asked.under_way)])
        except FileNotFoundError:  # deleted meanwhile
            return None
        queued = [sizes[ordinal] for ordinal in asked.queued if ordinal in sizes]
        under_way = [Call(sizes[ordinal], age_s) for ordinal, age_s in asked.under_way if ordinal in sizes]
        return eta.estimate(
            eta.View(
                ended=ended,
                made=max(asked.made, len(ended)),
                under_way=under_way,
                under_way_count=asked.under_way_count if under_way else 0,
                queued=queued or [call.size for call in ended],  # the input is still being read
                queued_count=asked.queued_count,
                slots=asked.slots,
                rate=asked.rate,
            )
        )


def outcomes_made(run: JobRun) -> int:
    """Requests with an outcome, without those that took no time: what intake refused, and answers that were reused."""
    counts, ledger = run.counts, run.ledger
    return max(0, counts.succeeded + counts.failed - ledger.progress.invalid_count - ledger.saved.calls)


def expected(run: JobRun) -> int:
    """How many requests there will be to make; while the input is being read, at the density found so far."""
    progress = run.ledger.progress
    reused = run.ledger.saved.calls + run.ledger.followers.waiting
    found = progress.next_ordinal - progress.invalid_count - reused
    if progress.done or not progress.next_offset:
        return found
    return max(found, round(found * run.job.input_bytes / progress.next_offset))


def spread(items: Sequence[T], most: int) -> Sequence[T]:
    """Some of them, evenly."""
    return items if len(items) <= most else [items[place * len(items) // most] for place in range(most)]
