"""Lets a job start when those it follows have succeeded, and fails it when one of them cannot any more.

Only jobs that exist can be followed, so there is no circle. What has succeeded is taken off the job's list, durably: it
may be deleted afterwards. A job that waits does not grow old: what it waits for ends some time, and then its own time
begins.
"""

import asyncio

from backburner.core.clock import Clock
from backburner.core.errors import Code
from backburner.core.job import Job, JobError, JobState
from backburner.core.lanes import Lanes
from backburner.policy.follow import Broken, follow
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.run import JobRun


class Followers:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, board: Board) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._looking = asyncio.Lock()
        board.listeners.append(self._listen)

    def _listen(self, run: JobRun) -> None:
        """A job comes onto the board, or it has ended and those that waited for it look again."""
        if run.job.waits_for and not run.job.ended:
            self._board.keep(self.look(run))
        if not run.job.ended:
            return
        for other in list(self._board.runs.values()):
            if run.job.id in other.job.waits_for and not other.job.ended:
                self._board.keep(self.look(other))

    async def look(self, run: JobRun) -> None:
        """Also once when the job comes onto the board: what it waits for may have ended meanwhile."""
        async with self._looking:  # what is seen later must not be overtaken by what was seen before
            await self._look(run)

    async def _look(self, run: JobRun) -> None:
        waits_for = run.job.waits_for
        if not waits_for or run.job.ended:
            return
        found = {id_: await self._job(run.job.tenant, id_) for id_ in waits_for}
        step = follow(waits_for, found)
        if isinstance(step, Broken):
            await self._board.move(run, JobState.FAILED, JobError(Code.FAILED_PRECONDITION, step.words))
        elif step.jobs != waits_for:
            now = self._clock.now()
            waited_s = 0.0 if step.jobs else now - run.job.created_at
            await self._board.amend(run, waits_for=step.jobs, expire_at=run.job.expire_at + waited_s)

    async def _job(self, tenant: str, id_: str) -> Job | None:
        other = self._board.get(tenant, id_)
        if other is not None:
            return other.job
        return await self._lanes.read.run(self._stores.jobs.get, tenant, id_)
