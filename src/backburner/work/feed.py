"""Reads ahead for the dispatcher: the canary, then the requests of a job in the order of its plan.

The plan is whole-job prefix order, kept at rest in the ledger: sorting only what is in memory buys nothing
(anchors/scheduling.md 3.1). While the input is still being scanned requests come in input order, so that no
slot idles for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Code
from backburner.core.job import JobError, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import WINDOW_BYTES, WINDOW_REQUESTS, WINDOWS_BYTES
from backburner.dialects.protocol import Stamp
from backburner.policy.plan import canary, canary_size, groups
from backburner.policy.retry import interrupted
from backburner.store.ledger_values import Pending
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.commit import Committer
from backburner.work.duplicates import Duplicates
from backburner.work.rotation import Rotation
from backburner.work.run import JobRun
from backburner.work.window import Ready

INPUT_GONE = "the input of the job is gone from the data folder; its finished answers are kept"


class Feed:
    """`keep` holds a task until it ends and passes its bug on, if it had one."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        committer: Committer,
        keep: Callable[["asyncio.Task[None]"], None],
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._committer = committer
        self._keep = keep
        self._duplicates = Duplicates(stores, lanes)
        self._waiting = Rotation[JobRun]()
        self._reading = False

    def refill(self, run: JobRun) -> None:
        """Reads on in the background when the window is half empty. Those that wait to be tried again count:
        else a job whose engine is down would be read into memory request by request."""
        window = run.window
        full = window.held_count > WINDOW_REQUESTS // 2 or window.held_bytes > WINDOW_BYTES // 2
        if run.fetching or run.exhausted or full or (window.held_count and self._crowded()):
            return
        run.fetching = True
        self._waiting.put(run.job.tenant, run)
        if not self._reading:
            self._reading = True
            self._keep(asyncio.create_task(self._read_all()))

    def _crowded(self) -> bool:
        """Whether the windows of all jobs together hold so much that a job must make do with what it has."""
        return self._board.windows.held_bytes >= WINDOWS_BYTES

    async def _read_all(self) -> None:
        """One job at a time, so that what all windows hold is known; tenants take turns."""
        try:
            while (run := self._waiting.take()) is not None:
                await self._fetch(run)
        finally:
            self._reading = False

    async def _fetch(self, run: JobRun) -> None:
        try:
            if self._duplicates.wanted(run):
                await self._duplicates.decide(run)
            if run.drawn is None:
                await self._draw_canary(run)
            if run.undrawn:
                await self._read_canaries(run)
            else:
                await self._read_on(run)
        except FileNotFoundError:
            await self._board.move(run, JobState.FAILED, JobError(Code.DATA_LOSS, INPUT_GONE))
        finally:
            run.fetching = False
            self._board.touch(run)

    async def _draw_canary(self, run: JobRun) -> None:
        """Of what has been scanned by now, which for a job of usual size is all of it."""
        total = run.ledger.progress.next_ordinal
        ordinals = canary(total, canary_size(total))
        found = await self._lanes.write.run(run.ledger.pending_among, ordinals)
        run.drawn = frozenset(pending.ordinal for pending in found)
        run.undrawn = deque(found)
        run.canary.size = len(found)

    async def _read_canaries(self, run: JobRun) -> None:
        limit, limit_bytes = self._room(run)
        found: list[Pending] = []
        while run.undrawn and len(found) < limit and (not found or limit_bytes >= run.undrawn[0].length):
            limit_bytes -= run.undrawn[0].length
            found.append(run.undrawn.popleft())
        await self._hold(run, found, canaries=True)

    def _room(self, run: JobRun) -> tuple[int, int]:
        """How many requests and bytes the window takes: one request where many jobs share what memory there is."""
        limit = 1 if self._crowded() else WINDOW_REQUESTS - run.window.held_count
        return limit, WINDOW_BYTES - run.window.held_bytes

    async def _read_on(self, run: JobRun) -> None:
        limit, limit_bytes = self._room(run)
        if limit <= 0 or limit_bytes <= 0:
            return
        if run.ledger.progress.done and run.planned is None:
            run.planned = await self._lanes.write.run(run.ledger.build_plan)
        if run.ledger.followers.freed:
            found = await self._lanes.write.run(run.ledger.pending_freed, limit, limit_bytes, run.open)
        elif run.planned:
            found, run.plan_cursor = await self._lanes.write.run(
                run.ledger.pending_in_plan, run.plan_cursor, limit, limit_bytes, run.open
            )
        else:
            found, run.cursor = await self._lanes.write.run(
                run.ledger.pending, run.cursor, limit, limit_bytes, run.open
            )
        await self._hold(run, found, canaries=False)

    async def _hold(self, run: JobRun, found: list[Pending], *, canaries: bool) -> None:
        ranges = [(pending.offset, pending.length) for pending in found]
        lines = await self._lanes.read.run(self._stores.blobs.read_ranges, run.job.input_blob, ranges)
        if run.job.ended:
            return
        run.open.update(pending.ordinal for pending in found)
        members = [b""] * len(found) if canaries else groups([pending.plan_key for pending in found])
        ready = [
            Ready(x.ordinal, line, x.key, interrupted(x.interrupted), group, canaries)
            for x, line, group in zip(found, lines, members, strict=True)
        ]
        run.window.hold(request for request in ready if not request.tries.spent)
        self._give_up([request for request in ready if request.tries.spent], run)

    def _give_up(self, requests: list[Ready], run: JobRun) -> None:
        """Requests that the service itself went down with, again and again."""
        now = self._clock.now()
        for request in requests:
            words = (
                f"the service went down {request.tries.total} times while this request was running, "
                "so it is not tried again"
            )
            stamp = Stamp(run.job.id, request.ordinal, request.key, now)
            outcome = run.dialect.failed(Code.INTERNAL, words, stamp)
            self._committer.put(run, None, msgspec.structs.replace(outcome, at=now))
