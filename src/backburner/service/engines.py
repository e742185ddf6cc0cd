"""Engines as callers see them: are they up, what do they serve, how many calls at once are they given now."""

import msgspec

from backburner.core.clock import Clock
from backburner.core.exchange import Feature
from backburner.engines.protocol import Health, ModelInfo
from backburner.engines.routes import Routes
from backburner.service.keys import KeyService
from backburner.work.board import Board
from backburner.work.slots import Slots


class EngineModel(msgspec.Struct, frozen=True, kw_only=True):
    """`slots` is the most calls at once that it profits from, `limit` how many it is given at present (None before
    the first), `closed_until_at` set while it asked to be left alone."""

    id: str
    display_name: str
    features: list[Feature]
    context_tokens: int
    output_tokens: int
    slots: int
    limit: int | None
    in_flight: int
    closed_until_at: float | None


class EngineCard(msgspec.Struct, frozen=True, kw_only=True):
    """`names` are the patterns of model names that lead here, each with the model that answers."""

    name: str
    health: Health
    reason: str
    names: dict[str, str]
    models: list[EngineModel]


class EngineService:
    def __init__(self, clock: Clock, routes: Routes, board: Board, slots: Slots, keys: KeyService) -> None:
        self._clock = clock
        self._routes = routes
        self._board = board
        self._slots = slots
        self._keys = keys

    def list(self, tenant: str) -> list[EngineCard]:
        cards: list[EngineCard] = []
        flying = self._in_flight(tenant)
        for engine in self._routes.engines.values():
            status = engine.status()
            names = {rule.pattern: rule.model for rule in self._routes.rules if rule.engine == engine.name}
            models = {info.id: info for info in engine.models()}
            for name, model in self._slots.paces:  # an engine that takes any name lists what it knows
                found = engine.capabilities(model) if name == engine.name else None
                if found is not None:
                    models.setdefault(model, ModelInfo(id=model, capabilities=found))
            rows = [self._model(engine.name, info, flying) for info in models.values()]
            cards.append(
                EngineCard(
                    name=engine.name, health=status.health, reason=status.reason, names=names, models=rows
                )
            )
        return cards

    def _model(self, engine: str, info: ModelInfo, flying: dict[tuple[str, str], int]) -> EngineModel:
        lane = (engine, info.id)
        pace = self._slots.paces.get(lane)
        closed_s = self._slots.closed_until(engine) - self._clock.monotonic()
        shared = self._keys.required  # how busy other tenants are is theirs to know
        return EngineModel(
            id=info.id,
            display_name=info.display_name or info.id,
            features=sorted(info.capabilities.features),
            context_tokens=info.capabilities.context_tokens,
            output_tokens=info.capabilities.output_tokens,
            slots=info.capabilities.slots,
            limit=int(pace.limit) if pace is not None else None,
            in_flight=flying.get(lane, 0) if shared or pace is None else pace.in_flight,
            closed_until_at=self._clock.now() + closed_s if closed_s > 0 else None,
        )

    def _in_flight(self, tenant: str) -> dict[tuple[str, str], int]:
        """Calls of this tenant's jobs under way."""
        found: dict[tuple[str, str], int] = {}
        for run in self._board.runs.values():
            for lane, count in run.lanes.items() if run.job.tenant == tenant else ():
                found[lane] = found.get(lane, 0) + count
        return found
