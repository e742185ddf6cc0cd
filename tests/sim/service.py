"""The service over its lives: started, stopped, killed at any turn, statement or sync, and started again on what is
left of its folder."""

import asyncio
import os
import random
import secrets
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pytest

from backburner.api.server import application
from backburner.config import EngineSettings, Settings
from backburner.core.lanes import Inline, InlineQueue, Lanes
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions
from backburner.house import House
from backburner.work import feed, intake
from tests.doubles.crash import Crash, watched
from tests.doubles.virtual_time import VirtualClock
from tests.sim.faults import FaultyEngine
from tests.sim.lives import LivesLoop, in_life
from tests.sim.scenario import Scenario
from tests.sim.wire import Wire

P = ParamSpec("P")
T = TypeVar("T")


class SlowWriter(InlineQueue):
    """A step of the writer takes up to so many seconds, before and behind what it does."""

    def __init__(self, disk_s: float, chance: random.Random) -> None:
        super().__init__()
        self._disk_s = disk_s
        self._chance = chance

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            await asyncio.sleep(self._disk_s * self._chance.random() / 2)
            done = work(*args, **kwargs)
            await asyncio.sleep(self._disk_s * self._chance.random() / 2)
        return done


class Service:
    """`house` and `wire` are None while it is down. `killed` says of each life that ended whether it was killed."""

    def __init__(
        self, folder: Path, scenario: Scenario, clock: VirtualClock, engines: list[FaultyEngine]
    ) -> None:
        self.folder = folder / "data0"
        self.house: House | None = None
        self.wire: Wire | None = None
        self.life = 0
        self.killed: dict[int, bool] = {}
        self._scenario = scenario
        self._clock = clock
        self._engines = engines
        self._moments_left: int | None = None
        self._died: asyncio.Future[None] | None = None
        self._corpses: list[House] = []

    def moment(self, *_: object) -> None:
        """A place where it may be killed: called at every turn of the loop, statement, sync and rename."""
        if self._moments_left is None:
            return
        self._moments_left -= 1
        if self._moments_left < 0:
            self._strike()

    def _strike(self) -> None:
        self._moments_left = None
        left = self.folder.with_name(f"data{self.life}")
        if self.folder.exists():
            shutil.copytree(self.folder, left)
        else:
            left.mkdir()
        self.folder = left
        self._over(killed=True)
        cast(LivesLoop, asyncio.get_event_loop()).kill(self.life)
        for engine in self._engines:
            engine.service_died()

    def _over(self, *, killed: bool) -> None:
        self.killed[self.life] = killed
        if self.wire is not None:
            self.wire.cut()
        if self.house is not None and killed:
            self._corpses.append(self.house)
        self.house = self.wire = None
        if self._died is not None and not self._died.done():
            self._died.set_result(None)

    async def kill(self, moments: int) -> None:
        """Returns when it is dead."""
        if self._died is not None and not self._died.done():
            self._moments_left = moments
            await self._died

    async def start(self, relapse: int | None = None) -> bool:
        """False when it died again, `relapse` moments into its start."""
        for house in self._corpses:
            house.stores.close()
        self._corpses.clear()
        self.life += 1
        loop = asyncio.get_running_loop()
        self._died = loop.create_future()
        self._moments_left = relapse
        for engine in self._engines:
            options = SimulatedOptions(
                latency_ms=self._scenario.latency_ms, jitter=0.9, seed=self._scenario.seed
            )
            engine.inner = SimulatedEngine(engine.name, options, self._clock)
        starting = loop.create_task(self._begin(), context=in_life(self.life))
        await asyncio.wait((starting, self._died), return_when=asyncio.FIRST_COMPLETED)
        if self._died.done():
            return False
        self._moments_left = None
        starting.result()
        assert self.house is not None
        self.wire = Wire(application(self.house.services()), self.life)
        return True

    async def _begin(self) -> None:
        names = [engine.name for engine in self._engines]
        settings = Settings(
            data=str(self.folder),
            engines={name: EngineSettings(kind="simulated") for name in names},
            models={f"{name}-*": name for name in names},
        )
        house = House(
            settings,
            clock=self._clock,
            lanes=self._lanes(),
            engines=self._engines,
            chance=random.Random(self._scenario.seed),
        )
        self.house = house
        await house.start()

    def _lanes(self) -> Lanes:
        disk_s = self._scenario.disk_s
        if not disk_s:
            return Lanes.inline()
        return Lanes(
            SlowWriter(disk_s, random.Random(f"disk {self._scenario.seed} {self.life}")), Inline(), Inline()
        )

    async def inside(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs something in the life of the service."""

        async def run() -> T:
            return await work()

        return await asyncio.get_running_loop().create_task(run(), context=in_life(self.life))

    async def stop(self) -> None:
        """As on SIGTERM."""
        house = self.house
        if house is None:
            return
        house.leave()
        assert self.wire is not None
        self.wire.cut()
        await self.inside(house.stop)
        self._over(killed=False)

    def close(self) -> None:
        for house in self._corpses:
            house.stores.close()


@contextmanager
def small_world(scenario: Scenario, service: Service) -> Iterator[None]:
    """Watches the disk, makes rare branches common, and draws names from the seed."""
    chance = random.Random(f"names {scenario.seed}")
    with watched(cast(Crash, service)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "SCAN_CHUNK_BYTES", scenario.scan_chunk_bytes)
        patch.setattr(feed, "WINDOW_REQUESTS", scenario.window_requests)
        patch.setattr(secrets, "choice", chance.choice)
        patch.setattr(secrets, "token_urlsafe", lambda size: f"{chance.getrandbits(8 * size):0{2 * size}x}")
        patch.setattr(os, "fsync", lambda _: service.moment())
        yield
