"""Where blocking work runs: threads and a child process in service, the event loop itself in simulation.

Store and intake code is plain synchronous code handed to a lane. `Inline` runs the very same code on the
loop, so that a seeded virtual-time run has one interleaving per seed; threads would escape it.
"""

import asyncio
import concurrent.futures
import concurrent.futures.process
import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane(Protocol):
    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work` away from the loop and returns or raises what it does."""
        ...

    def close(self) -> None: ...


class Threads:
    """`count` threads; one thread is a queue, which is what makes a single writer single."""

    def __init__(self, name: str, count: int) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: work(*args, **kwargs))

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=False)


class Process:
    """One child process for pure functions of picklable arguments. A child that dies is replaced and the
    work done again, once: the functions are pure."""

    def __init__(self) -> None:
        self._pool = self._fresh()

    @staticmethod
    def _fresh() -> concurrent.futures.ProcessPoolExecutor:
        # spawn: a fork of a process with threads may deadlock
        context = multiprocessing.get_context("spawn")
        return concurrent.futures.ProcessPoolExecutor(1, mp_context=context, initializer=_begin_child)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "positional arguments only: they are pickled"
        loop = asyncio.get_running_loop()
        pool = self._pool
        try:
            return await loop.run_in_executor(pool, functools.partial(work, *args))
        except concurrent.futures.process.BrokenProcessPool:
            if self._pool is pool:  # of several that found it broken one replaces it
                self._pool = self._fresh()
            return await loop.run_in_executor(self._pool, functools.partial(work, *args))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _begin_child() -> None:
    """Runs in the child. Ctrl-C goes to the whole group of a terminal: the parent drains and then ends us. A
    parent killed with -9 ends nobody, and the pool's own pipes do not tell, so we watch for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)


class Inline:
    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(0)  # a lane is a place where others may run; keep that so
        return work(*args, **kwargs)

    def close(self) -> None:
        pass


class InlineQueue(Inline):
    """The twin of one thread: work is done in the order in which it was asked for."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            return await super().run(work, *args, **kwargs)


@dataclasses.dataclass(frozen=True)
class Lanes:
    """`write`: the one writer of catalog and ledgers. `read`: short reads and copying of bytes. `scan`: the
    child process that checks input lines."""

    write: Lane
    read: Lane
    scan: Lane

    @classmethod
    def real(cls) -> "Lanes":
        return cls(Threads("write", 1), Threads("read", 4), Process())

    @classmethod
    def inline(cls) -> "Lanes":
        return cls(InlineQueue(), Inline(), Inline())

    def close(self) -> None:
        for lane in (self.scan, self.read, self.write):
            lane.close()
