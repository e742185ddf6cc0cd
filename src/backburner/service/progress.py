"""How far a job is, how fast it goes, what it has cost, when it will be done, and why it waits.

What is needed for that is kept in memory and made anew after a restart: samples of each running job, taken once a
second, and the sums of tokens, of which only what is new is read from the ledger.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator

import msgspec

from backburner.core.clock import Clock
from backburner.core.job import Job, JobState
from backburner.core.lanes import Lanes
from backburner.core.request import Usage
from backburner.policy.eta_rate import Sample
from backburner.policy.window import minute, warning
from backburner.service.completion import Completion, Forecaster, expected, outcomes_made
from backburner.service.jobs import JobService
from backburner.service.pulse import LOOK_S, Pulse
from backburner.service.waiting import Waiting
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.run import JobRun

QUEUED_S = 3.0  # without a call for so long while others of the tenant go first: it waits for its turn
WATCH_S = 0.25  # a watcher is told of changes this often at most
QUIET_S = 10.0  # and this often when nothing changes
SUMS = 512  # jobs whose tokens are remembered


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A job at an instant. `rate_per_s` is that of the last minute, 0 when it does not run. `window_warning` says in
    words that it will not be done in its window; empty while it will, or nobody knows."""

    job: Job
    at: float
    rate_per_s: float = 0.0
    usage: Usage | None = None
    waiting_reason: str = ""
    completion: Completion | None = None
    window_warning: str = ""


class Turn(msgspec.Struct, frozen=True):
    """When a job that waits for others will begin, and when it will likely end."""

    begins: Completion
    ends_at: float


class ProgressService:
    def __init__(
        self, clock: Clock, stores: Stores, lanes: Lanes, board: Board, jobs: JobService, waiting: Waiting
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._jobs = jobs
        self._waiting = waiting
        self.leaving = False  # the server is about to stop: nobody can be told how it ends
        self._began_at = clock.now()
        self._pulses: dict[str, Pulse] = {}
        self._sums: OrderedDict[str, tuple[int, Usage]] = OrderedDict()
        self._forecasts = Forecaster(clock, stores, lanes)

    # -- what is kept

    async def loop(self) -> None:
        """Takes the samples."""
        while True:
            runs = self._board.runs
            for gone in [job for job in self._pulses if job not in runs]:
                del self._pulses[gone]
                self._forecasts.forget(gone)
            for run in runs.values():
                self._pulse(run)
            await self._clock.sleep(LOOK_S)

    def _pulse(self, run: JobRun) -> Pulse | None:
        """None before the first call and after the end."""
        if run.job.state not in (JobState.RUNNING, JobState.FINALIZING):
            return None
        now, made = self._clock.monotonic(), outcomes_made(run)
        if run.job.held:  # begins anew when it is approved: nobody knows when, and the pause is no rate
            self._pulses[run.job.id] = Pulse(Sample(now, made), run.ledger.last_attempt)
        pulse = self._pulses.get(run.job.id)
        if pulse is None:
            pulse = self._pulses[run.job.id] = Pulse(*self._first(run, now, made))
        pulse.note(now, made, run.in_flight)
        if not run.in_flight and now - pulse.moved_at >= QUEUED_S and self._waiting.ahead(run):
            pulse.pause()
        return pulse

    def _first(self, run: JobRun, now: float, made: int) -> tuple[Sample, int]:
        """What an earlier process made of the job says nothing about how fast this one is."""
        started_at = run.job.started_at
        if started_at is None or started_at < self._began_at:
            return Sample(now, made), run.ledger.last_attempt
        return Sample(now - max(0.0, self._clock.now() - started_at), 0), 0

    # -- what is told

    async def snapshot(self, tenant: str, job: str) -> Progress:
        """Raises NotFound."""
        return await self.of(await self._jobs.get(tenant, job), tokens=True)

    async def of(self, job: Job, *, tokens: bool) -> Progress:
        """The progress of a job just read; without `tokens`, which a list of many jobs need not have, `usage` is
        None."""
        usage = await self._usage(job) if tokens else None
        run = self._board.get(job.tenant, job.id)
        now = self._clock.now()
        if run is None or job.ended:
            return Progress(job=job, at=now, usage=usage)
        pulse = self._pulse(run)
        idle_s = self._clock.monotonic() - pulse.moved_at if pulse else 0.0
        reason = self._waiting.reason(run, idle_s)
        end = await self._forecasts.completion(run, pulse) if pulse else None
        turn = await self._turn(run) if reason and not (job.held or job.waits_for) else None
        if turn is not None:
            reason = f"{reason}; its turn will likely come {minute(turn.begins.likely_at)}"
            end = end.behind(turn.begins, now) if end is not None else None
        return Progress(
            job=job,
            at=now,
            rate_per_s=pulse.per_s if pulse else 0.0,
            usage=usage,
            waiting_reason=reason,
            completion=end,
            window_warning=_late(job, now, end, turn),
        )

    async def _turn(self, run: JobRun) -> Turn | None:
        """When a job that waits behind others of its tenant will likely begin and end: once those that run are done
        and those between are made, all as fast as it goes now. None where none of them runs."""
        running: list[Completion] = []
        between, per_s = 0, 0.0
        for other in self._waiting.ahead(run):
            pulse = self._pulses.get(other.job.id)
            found = await self._forecasts.completion(other, pulse) if pulse and pulse.per_s else None
            if pulse is not None and found is not None:
                running.append(found)
                per_s += pulse.per_s
            else:
                between += expected(other) - outcomes_made(other)
        if not per_s:
            return None
        last = max(running, key=lambda found: found.likely_at)
        between_s = between / per_s
        begins = Completion(
            last.earliest_at + between_s,
            last.likely_at + between_s,
            last.latest_at + between_s,
            last.confidence,
        )
        return Turn(begins, begins.likely_at + (expected(run) - outcomes_made(run)) / per_s)

    async def _usage(self, job: Job) -> Usage:
        seq, usage = self._sums.get(job.id, (0, Usage()))
        run = self._board.get(job.tenant, job.id)
        last = run.ledger.last_seq if run is not None else None
        while last is None or seq < last:
            end, more = await self._lanes.read.run(self._usage_after, job.id, seq)
            if end <= seq:
                break
            seq, usage = end, _sum(usage, more)
        self._sums[job.id] = (seq, usage)
        self._sums.move_to_end(job.id)
        while len(self._sums) > SUMS:
            self._sums.popitem(last=False)
        return usage

    def _usage_after(self, job: str, seq: int) -> tuple[int, Usage]:
        try:
            with self._stores.ledgers.view(job) as view:
                return view.usage_after(seq)
        except FileNotFoundError:
            return seq, Usage()

    async def watch(self, tenant: str, job: str) -> AsyncIterator[Progress]:
        """The progress now, then whenever it has changed, and last of all the end, unless the server stops before.
        Raises NotFound, also in the middle when the job is deleted."""
        told: Progress | None = None
        while not self.leaving:
            found = await self.snapshot(tenant, job)
            if told is None or _news(told, found):
                told = found
                yield found
            if found.job.ended:
                return
            await self._clock.sleep(WATCH_S)


def _news(told: Progress, found: Progress) -> bool:
    changed = found.job != told.job or found.waiting_reason != told.waiting_reason
    return changed or found.at - told.at >= QUIET_S


def _late(job: Job, now: float, end: Completion | None, turn: Turn | None) -> str:
    deadline_at = job.created_at + job.window_s
    if end is not None:
        return warning(deadline_at, end.earliest_at, end.likely_at, now)
    return warning(deadline_at, turn.begins.earliest_at, turn.ends_at, now) if turn is not None else ""


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(one.prompt + other.prompt, one.cached + other.cached, one.output + other.output)
