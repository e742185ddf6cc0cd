"""Is the house alive, and can it take work: asked by load balancers, service managers, `backburner doctor`."""

import asyncio
from collections.abc import Callable

import msgspec

from backburner.core.clock import Clock
from backburner.core.lanes import Lanes
from backburner.engines.routes import Routes
from backburner.store.stores import Stores
from backburner.store.usage import probe

PROBE_KEPT_S = 5.0  # however often somebody asks, the disk is not written to more often
PROBE_S = 5.0


class Readiness(msgspec.Struct, frozen=True):
    """`engines` by name: starting, up or down. They do not decide: a job is taken, and waits."""

    ready: bool
    loops: str
    store: str
    engines: dict[str, str]


class HealthService:
    """`stopped` names the loops that do not run, in words; empty when all do."""

    def __init__(
        self, clock: Clock, stores: Stores, lanes: Lanes, routes: Routes, stopped: Callable[[], str]
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._routes = routes
        self._stopped = stopped
        self._probed_at = float("-inf")
        self._probed = ""
        self._probing = asyncio.Lock()

    async def readiness(self) -> Readiness:
        stopped, store = self._stopped(), await self._store()
        engines = {name: str(engine.status().health) for name, engine in self._routes.engines.items()}
        return Readiness(not stopped and not store, stopped or "running", store or "writable", engines)

    async def _store(self) -> str:
        """Why nothing can be written, empty when it can. On the writer lane: one that is stuck is no use either."""
        async with self._probing:
            if self._clock.monotonic() - self._probed_at >= PROBE_KEPT_S:
                self._probed = await self._tried()
                self._probed_at = self._clock.monotonic()
        return self._probed

    async def _tried(self) -> str:
        asked = asyncio.ensure_future(self._lanes.write.run(probe, self._stores.folder))
        sleeper = asyncio.ensure_future(self._clock.sleep(PROBE_S))
        await asyncio.wait((asked, sleeper), return_when=asyncio.FIRST_COMPLETED)
        sleeper.cancel()
        if not asked.done():
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            return "the writer does not get to it"
        error = asked.exception()
        return "" if error is None else f"cannot be written: {getattr(error, 'strerror', None) or error}"
