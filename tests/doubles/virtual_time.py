"""A loop whose time jumps to the next timer, and whose ready callbacks are shuffled by a seed.

So a day passes in milliseconds, and one seed is one interleaving, the same each time. It raises when nothing is
ready and nothing is planned (a deadlock), and when it turns without end at one instant (a hot loop). Threads
escape it: use `Lanes.inline()`. A `Crashes` may stop it at a point of its own.
"""

import asyncio
import functools
import random
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

T = TypeVar("T")

STEPS_AT_ONE_INSTANT = 100_000
START_AT = 1_800_000_000.0  # wall time when a run begins


class Deadlock(Exception):
    """Nothing is ready, no timer runs, and the main task has not ended."""


class HotLoop(Exception):
    """The loop turns and turns, and time stands still."""


class _JumpingSelector(selectors.BaseSelector):
    """Real sockets first (the loop has one of its own); without news time jumps instead of passing."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def register(self, fileobj: object, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)  # type: ignore[arg-type]

    def unregister(self, fileobj: object) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)  # type: ignore[arg-type]

    def get_map(self) -> Mapping[object, selectors.SelectorKey]:  # type: ignore[override]
        return self._real.get_map()  # type: ignore[return-value]

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Deadlock
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`seed` None keeps asyncio's own order. `on_step` is called before each turn."""

    def __init__(self, seed: int | None = None, on_step: Callable[[], None] = lambda: None) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9
        self._shuffled = random.Random(seed) if seed is not None else None
        self._on_step = on_step
        self._turns_now = 0
        self._turned_at = 0.0
        self.steps = 0

    def time(self) -> float:
        return self._jumping.now

    def _run_once(self) -> None:
        if self._shuffled is not None and len(self._ready) > 1:
            ready = list(self._ready)
            self._shuffled.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)
        self.steps += 1
        self._turns_now = self._turns_now + 1 if self.time() == self._turned_at else 0
        self._turned_at = self.time()
        if self._turns_now > STEPS_AT_ONE_INSTANT:
            raise HotLoop
        self._on_step()
        super()._run_once()  # type: ignore[misc]


class VirtualClock:
    """The clock of the loop that runs. `skew_s` may be changed at any time: a wall clock jumps."""

    def __init__(self) -> None:
        self.skew_s = 0.0

    def now(self) -> float:
        return START_AT + self.monotonic() + self.skew_s

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


def run(
    main: Callable[[], Awaitable[T]],
    *,
    seed: int | None = None,
    limit_s: float = 3600.0,
    on_step: Callable[[], None] = lambda: None,
) -> T:
    """Runs `main` to its end, at most `limit_s` of virtual time, then ends what it left running."""
    loop = VirtualLoop(seed, on_step)
    try:
        return loop.run_until_complete(asyncio.wait_for(main(), limit_s))
    finally:
        loop._on_step = lambda: None
        loop._turns_now = 0
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def virtually(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """An async test under virtual time. An argument named `seed` is the seed of the interleaving; without one
    callbacks run in asyncio's own order."""

    @functools.wraps(test)
    def run_test(**arguments: object) -> None:
        run(lambda: test(**arguments), seed=arguments.get("seed"))  # type: ignore[arg-type]

    return run_test
