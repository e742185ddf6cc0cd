"""The jobs that have not ended, and the only place that moves a job from state to state.

A move is durable before it is visible. Two that race (the last outcome and a cancel) are serialised by the
job's lock; the later one finds that its move is no longer legal and is told so.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from backburner.core.clock import Clock
from backburner.core.job import TRANSITIONS, Job, JobError, JobState, moved
from backburner.core.lanes import Lanes
from backburner.core.metrics import JOBS_ENDED, PUBLISH_SECONDS, Metrics
from backburner.dialects.protocol import Dialect
from backburner.store.stores import Stores
from backburner.store.webhooks import Delivery
from backburner.work.run import JobRun
from backburner.work.window import Held, Window

log = logging.getLogger("backburner.work")

T = TypeVar("T")


class Board:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, dialects: Mapping[str, Dialect]) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._dialects = dialects
        self.runs: dict[str, JobRun] = {}
        self.metrics = Metrics()
        self.windows = Held()
        self._changes: set[asyncio.Task[Any]] = set()
        self._touched: set[str] = set()
        self.changed = asyncio.Event()  # something the dispatcher may want to look at
        self.announced: Callable[[Job], Sequence[Delivery]] = (
            lambda job: ()
        )  # what is told of a job that ends
        self.listeners: list[Callable[[JobRun], None]] = []  # told of a run that comes, ends, goes

    async def open(self, job: Job, lanes: Lanes | None = None) -> JobRun:
        """The job with its ledger, not on the board yet. Its ledger is made on `lanes`, where those are given."""
        ledger = await (lanes or self._lanes).write.run(self._stores.ledgers.get, job.id)
        return JobRun(job, ledger, self._dialects[job.dialect], job.warnings, Window(self.windows))

    def admit(self, run: JobRun) -> None:
        self.runs[run.job.id] = run
        job = run.job
        log.info(
            "event=job_open job=%s tenant=%s state=%s dialect=%s", job.id, job.tenant, job.state, job.dialect
        )
        self._tell(run)
        self.touch(run)

    def touch(self, run: JobRun) -> None:
        """Something happened to this run that the dispatcher should look at."""
        self._touched.add(run.job.id)
        self.changed.set()

    def touched(self) -> list[JobRun]:
        """Those to look at since the last call: with a thousand jobs open nobody can look at all of them each
        time that one request ends."""
        jobs, self._touched = self._touched, set()
        return [self.runs[job] for job in sorted(jobs) if job in self.runs]

    def get(self, tenant: str, job: str) -> JobRun | None:
        run = self.runs.get(job)
        return run if run is not None and run.job.tenant == tenant else None

    def pending(self, tenant: str) -> int:
        """Requests of a tenant's jobs that have no outcome yet, as far as they have been found."""
        runs = self.runs.values()
        return sum(run.counts.pending for run in runs if run.job.tenant == tenant and not run.job.ended)

    async def move(self, run: JobRun, to: JobState, error: JobError | None = None, **changes: object) -> bool:
        """Moves the job, durably; False when it is no longer in a state from which it may go there. A caller who
        is cancelled meanwhile stops waiting, and the move goes on."""
        return await asyncio.shield(self.keep(self._move(run, to, error, changes)))

    async def _move(
        self, run: JobRun, to: JobState, error: JobError | None, changes: dict[str, object]
    ) -> bool:
        async with run.changing:
            if to not in TRANSITIONS[run.job.state]:
                return False
            job = moved(run.job, to, self._clock.now(), error)
            await self._save(run, msgspec.structs.replace(job, **changes))
        counts = run.counts
        log.info(
            "event=job_state job=%s tenant=%s state=%s total=%d succeeded=%d failed=%d code=%s",
            *(run.job.id, run.job.tenant, to, counts.total, counts.succeeded, counts.failed),
            error.code.name if error is not None else "OK",
        )
        if run.job.ended:
            run.halt()
            self.metrics.add(JOBS_ENDED, (run.job.tenant, to))
            self._tell(run)
        self.touch(run)
        return True

    async def amend(self, run: JobRun, **changes: object) -> None:
        """Changes a job without moving it."""
        await asyncio.shield(self.keep(self._amend(run, changes)))

    async def _amend(self, run: JobRun, changes: dict[str, object]) -> None:
        async with run.changing:
            changed = msgspec.structs.replace(run.job, updated_at=self._clock.now(), **changes)
            await self._save(run, changed)
        self.touch(run)

    async def _save(self, run: JobRun, job: Job) -> None:
        run.job = await self._lanes.write.run(self._store, run, job)

    def _store(self, run: JobRun, job: Job) -> Job:
        """On the writer lane, so behind every commit that was asked for before: the counts of a job that ends
        are final, and no outcome comes after."""
        job = run.live(job)
        self._stores.jobs.update(job, self.announced(job) if job.ended and not run.job.ended else ())
        if job.ended:
            run.ledger.seal()
        return job

    def keep(self, change: Coroutine[None, None, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return task

    async def settle(self) -> None:
        """Returns when every change that was begun is durable."""
        await asyncio.gather(*self._changes, return_exceptions=True)

    async def retire(self, run: JobRun) -> None:
        """The job has ended and its results are published: nothing of it stays in memory."""
        self.runs.pop(run.job.id, None)
        if run.job.finalizing_at is not None and run.job.ended_at is not None:
            self.metrics.observe(PUBLISH_SECONDS, (), max(0.0, run.job.ended_at - run.job.finalizing_at))
        await self._lanes.write.run(self._stores.ledgers.release, run.job.id)
        run.retired.set()
        self._tell(run)

    def _tell(self, run: JobRun) -> None:
        for listener in self.listeners:
            listener(run)
