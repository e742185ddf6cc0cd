"""A virtual loop on which a service may be killed while its clients and its engine go on.

What a life of the service started is known by a context variable that its tasks and callbacks inherit. To kill is
to let nothing of that life run any more: no handler, no `finally`, as kill -9 does.
"""

import asyncio
import contextvars
import gc
import sys
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from tests.doubles.virtual_time import VirtualLoop

T = TypeVar("T")
AnyTask = asyncio.Task[Any]

LIFE: contextvars.ContextVar[int] = contextvars.ContextVar("LIFE", default=0)  # 0 is the world outside


class LivesLoop(VirtualLoop):
    """A life that is dead stays dead."""

    def __init__(self, seed: int | None, on_step: Callable[[], None] = lambda: None) -> None:
        super().__init__(seed, on_step)
        self.dead: set[int] = set()
        self._tasks: defaultdict[int, weakref.WeakSet[AnyTask]] = defaultdict(weakref.WeakSet)
        self._buried: list[AnyTask] = []
        self.set_task_factory(self._make)

    def _make(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any) -> AnyTask:
        task: AnyTask = asyncio.Task(coro, loop=loop, **more)
        life = (more.get("context") or contextvars.copy_context()).get(LIFE, 0)
        if life in self.dead:
            self._buried.append(task)
        self._tasks[life].add(task)
        return task

    def _run_once(self) -> None:
        if self.dead:
            alive = [handle for handle in self._ready if not self._is_dead(handle)]
            if len(alive) < len(self._ready):
                self._ready.clear()
                self._ready.extend(alive)
        super()._run_once()

    def _is_dead(self, handle: Any) -> bool:
        return handle._context.get(LIFE, 0) in self.dead

    def kill(self, life: int) -> None:
        """Nothing of this life runs again."""
        self.dead.add(life)
        # Held to the end of the run: a coroutine that is collected would run its `finally` blocks.
        self._buried += self._tasks.pop(life, ())
        for handle in (*self._scheduled, *self._ready):  # type: ignore[attr-defined]
            if self._is_dead(handle):
                handle.cancel()

    def end(self) -> None:
        """Ends what still lives, lets go of what was killed, and closes."""
        self._on_step = lambda: None
        for life in list(self._tasks):
            if life:
                self.kill(life)
        for task in (left := asyncio.all_tasks(self) - set(self._buried)):
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left))
        self.run_until_complete(self._bury())
        self.run_until_complete(self.shutdown_asyncgens())
        self.close()

    async def _bury(self) -> None:
        """What the dead have in their `finally` blocks runs here at last, where it does no harm."""
        for task in self._buried:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(BaseException):
                cast(Coroutine[Any, Any, Any], task.get_coro()).close()
        self._buried.clear()


def in_life(life: int) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(LIFE.set, life)
    return context


def run(
    main: Callable[[], Awaitable[T]],
    seed: int | None,
    limit_s: float,
    on_step: Callable[[], None] = lambda: None,
) -> T:
    """Runs `main` to its end, at most `limit_s` of virtual time."""
    loop = LivesLoop(seed, on_step)
    try:
        return loop.run_until_complete(asyncio.wait_for(main(), limit_s))
    finally:
        loop.end()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing is collected meanwhile: a generator that is wakes the loop, at a moment that no seed knows. What the
    dead left is collected at the end, in silence."""
    gc.disable()
    try:
        yield
    finally:
        sys.unraisablehook, before = lambda _: None, sys.unraisablehook
        gc.collect()
        sys.unraisablehook = before
        gc.enable()
