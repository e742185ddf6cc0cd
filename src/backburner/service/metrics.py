"""What an operator watches, as it stands now: what was counted, and what is looked at when somebody asks."""

from collections import Counter

from backburner import __version__
from backburner.core import metrics as names
from backburner.core.clock import Clock
from backburner.core.lanes import Lanes
from backburner.core.metrics import FAMILIES, Family, Histogram, Labels
from backburner.engines.protocol import Health
from backburner.engines.routes import Routes
from backburner.store.stores import Stores
from backburner.store.usage import taken_bytes
from backburner.work.board import Board
from backburner.work.slots import Slots
from backburner.work.space import Space

TAKEN_KEPT_S = 60.0  # the sum over the whole folder, which costs a walk

Found = dict[Labels, float] | dict[Labels, Histogram]


class MetricsService:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        routes: Routes,
        slots: Slots,
        space: Space,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._routes = routes
        self._slots = slots
        self._space = space
        self.counted = board.metrics
        self._taken: dict[str, int] = {}
        self._taken_at = float("-inf")

    async def gathered(self) -> list[tuple[Family, Found]]:
        """Every family, those without a value too."""
        seen = {
            names.BUILD.name: {(__version__,): 1.0},
            **self._engines(),
            **self._jobs(),
            **await self._disk(),
        }
        counted: dict[str, Found] = {**self.counted.numbers, **self.counted.histograms, **seen}
        return [(family, counted.get(family.name, {})) for family in FAMILIES]

    def _engines(self) -> dict[str, Found]:
        now = self._clock.monotonic()
        up, closed = dict[Labels, float](), dict[Labels, float]()
        for name, engine in self._routes.engines.items():
            up[name,] = float(engine.status().health is Health.UP)
            closed[name,] = max(0.0, self._slots.closed_until(name) - now)
        paces = self._slots.paces.items()
        return {
            names.ENGINE_UP.name: up,
            names.CLOSED.name: closed,
            names.IN_FLIGHT.name: {lane: float(pace.in_flight) for lane, pace in paces},
            names.LIMIT.name: {lane: float(int(pace.limit)) for lane, pace in paces},
        }

    def _jobs(self) -> dict[str, Found]:
        jobs, waiting = Counter[Labels](), Counter[Labels]()
        for run in self._board.runs.values():
            if not run.job.ended:
                jobs[run.job.tenant, run.job.state] += 1
                waiting[run.job.tenant,] += run.counts.pending
        return {
            names.JOBS.name: {labels: float(count) for labels, count in jobs.items()},
            names.WAITING.name: {labels: float(count) for labels, count in waiting.items()},
        }

    async def _disk(self) -> dict[str, Found]:
        if self._clock.monotonic() - self._taken_at >= TAKEN_KEPT_S:
            self._taken_at = self._clock.monotonic()
            self._taken = await self._lanes.read.run(taken_bytes, self._stores.folder)
        waiting = await self._lanes.read.run(self._stores.webhooks.waiting)
        return {
            names.DISK_FREE.name: {(): float(self._space.free_bytes)},
            names.DATA_BYTES.name: {(what,): float(size) for what, size in self._taken.items()},
            names.WEBHOOKS_WAITING.name: {(): float(waiting)},
        }
