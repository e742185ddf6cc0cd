"""Watches the disk: says no to new work while there is little room, and lets what is under way wait for it.

A disk that is full all the same (somebody else fills it too) loses nothing and ends nothing: what a loop has to write
stays in memory and is written again when there is room. Callers are told at once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, TypeVar

from backburner.core.clock import Clock
from backburner.core.errors import DiskFull
from backburner.core.lanes import Lane, Lanes
from backburner.core.limits import MIB
from backburner.policy.space import Levels, levels
from backburner.store.disk import Free, says_full

log = logging.getLogger("backburner.work")

P = ParamSpec("P")
T = TypeVar("T")

FRESH_S = 0.2  # a measure is good for so long
LOOK_S = 1.0  # between two looks while something waits for room
TRY_S = 30.0  # the longest until it is tried again though nothing was seen to change
ANSWER_S = 10.0  # until a caller is told that a change waits for room
RETRY_AFTER_S = 30.0


class Space:
    """`measure` says what the disk has now; `reserve_bytes` is the operator's wish, 0 for none."""

    def __init__(self, clock: Clock, measure: Callable[[], Free], reserve_bytes: int) -> None:
        self._clock = clock
        self.measure = measure
        self._reserve_bytes = reserve_bytes
        self._measured_at = float("-inf")
        self._free = Free(0, 0)
        self._levels = Levels()
        self._tight = False
        self._waiters = 0  # of the writer, each with something that did not fit
        self._results = 0  # result files that did not fit
        self._leaving = False

    @property
    def free_bytes(self) -> int:
        now = self._clock.monotonic()
        if now - self._measured_at >= FRESH_S:
            self._measured_at = now
            self._free = self.measure()
            self._levels = levels(self._reserve_bytes, self._free.total_bytes)
            self._tell()
        return self._free.free_bytes

    def _tell(self) -> None:
        tight = self._waiters > 0 or self._free.free_bytes < self._levels.work
        if tight != self._tight:
            self._tight = tight
            if tight:
                log.warning("event=disk_low free_mb=%d", self._free.free_bytes // MIB)
            else:
                log.info("event=disk_room free_mb=%d", self._free.free_bytes // MIB)

    # -- intake

    def admit(self, more_bytes: int = 0) -> None:
        """Raises DiskFull when nothing new, or nothing of this size, is taken."""
        if self.free_bytes - more_bytes < self._levels.intake or self._waiters:
            raise DiskFull(
                f"the server's disk has no room for this: {self.free_bytes // MIB:,} MiB are free, of which "
                f"{self._levels.intake // MIB:,} MiB are kept for work under way. Reading, cancelling and deleting "
                "go on; send this again later",
                retry_after_s=RETRY_AFTER_S,
            )

    # -- work under way

    @property
    def waiting(self) -> str:
        """Why no calls are made, in words; empty when they are."""
        free_bytes = self.free_bytes
        if not self._tight:
            return ""
        enough = f"{max(1, self._levels.work // MIB):,} MiB"
        return f"waits for disk space: {free_bytes // MIB:,} MiB are free, calls go on above {enough}"

    @property
    def results_wait(self) -> str:
        """Why results are not written, in words; empty when they are."""
        if not self._results:
            return ""
        return f"its results wait for disk space: {self.free_bytes // MIB:,} MiB are free"

    def check_results(self) -> None:
        """Raises DiskFull when results must wait."""
        if self.free_bytes < self._levels.publish:
            raise DiskFull("there is no room for the results")

    def telling(self, lanes: Lanes) -> Lanes:
        """The same lanes, which raise DiskFull for what did not fit."""
        return Lanes(Telling(lanes.write, self), Telling(lanes.read, self), lanes.scan)

    def patient(self, lanes: Lanes) -> Lanes:
        """The same lanes; what did not fit is done again until it does. So whatever is run on them must do all or
        nothing, or be harmless when it is done again."""
        write = Patient(lanes.write, self, self._waiting_write)
        return Lanes(write, Patient(lanes.read, self, self._waiting_results), lanes.scan)

    @contextmanager
    def _waiting_write(self) -> Generator[None]:
        self._waiters += 1
        self._measured_at = float("-inf")
        try:
            yield
        finally:
            self._waiters -= 1
            self._measured_at = float("-inf")

    @contextmanager
    def _waiting_results(self) -> Generator[None]:
        """One job's results may be too large for a disk that has room for all else."""
        self._results += 1
        try:
            yield
        finally:
            self._results -= 1

    async def within(self, change: Coroutine[Any, Any, T]) -> T:
        """The change of somebody who waits for it: raises DiskFull when it waits for room for long. What was begun
        and cannot be taken back goes on."""
        task = asyncio.ensure_future(change)
        try:
            while True:
                await asyncio.wait((task,), timeout=ANSWER_S)
                if task.done():
                    return task.result()
                if self._waiters:
                    words = "the server's disk is full: the change waits for room"
                    raise DiskFull(words, retry_after_s=RETRY_AFTER_S)
        finally:
            task.cancel()

    def to_blame(self, error: Exception) -> bool:
        """Whether an error means that there was no room."""
        return isinstance(error, DiskFull) or says_full(error, self.measure().free_bytes)

    async def room(self, most_s: float = TRY_S) -> None:
        """Returns when there is more room than now, or after `most_s`. Raises DiskFull when the server stops."""
        before, until = self.measure().free_bytes, self._clock.monotonic() + most_s
        while self._clock.monotonic() < until and self.measure().free_bytes < before + MIB:
            if self._leaving:
                raise DiskFull(
                    "the disk is full, and the server stops: what could not be written is done again"
                )
            await self._clock.sleep(LOOK_S)

    def leave(self) -> None:
        """The server is about to stop: nothing waits for room any more."""
        self._leaving = True


class Telling:
    def __init__(self, lane: Lane, space: Space) -> None:
        self._lane = lane
        self._space = space

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._lane.run(work, *args, **kwargs)
        except Exception as error:
            if isinstance(error, DiskFull) or not self._space.to_blame(error):
                raise
            raise DiskFull(
                "the server's disk is full. What is there can be read; free some space, or delete something",
                retry_after_s=RETRY_AFTER_S,
            ) from error

    def close(self) -> None:
        self._lane.close()


class Patient:
    """`waiting` is entered while something waits for room."""

    def __init__(self, lane: Lane, space: Space, waiting: Callable[[], AbstractContextManager[None]]) -> None:
        self._lane = lane
        self._space = space
        self._waiting = waiting

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._lane.run(work, *args, **kwargs)
        except Exception as error:
            if not self._space.to_blame(error):
                raise
        with self._waiting():
            return await self._again(work, *args, **kwargs)

    async def _again(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        wait_s = LOOK_S
        while True:
            await self._space.room(wait_s)
            try:
                return await self._lane.run(work, *args, **kwargs)
            except Exception as error:
                if not self._space.to_blame(error):
                    raise
            wait_s = min(TRY_S, 2 * wait_s)

    def close(self) -> None:
        self._lane.close()
