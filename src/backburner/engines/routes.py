"""Which engine serves a model name. Rules are read in order; the first whose pattern fits decides."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from backburner.core.exchange import Capabilities
from backburner.engines.protocol import Engine

ANY = "*"


class Rule(msgspec.Struct, frozen=True):
    """`pattern` (shell style) on the caller's model name -> a model of an engine; model `*` keeps the name."""

    pattern: str
    engine: str
    model: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says of an engine. `reserved_slots` are kept from jobs while people call, -1 for a share
    of its slots."""

    reserved_slots: int = -1


class Route(msgspec.Struct, frozen=True):
    engine: Engine
    model: str
    capabilities: Capabilities
    terms: Terms = Terms()

    @property
    def lane(self) -> tuple[str, str]:
        return (self.engine.name, self.model)


class Routes:
    def __init__(
        self, engines: Iterable[Engine], rules: Sequence[Rule], terms: Mapping[str, Terms] | None = None
    ) -> None:
        self.engines = {engine.name: engine for engine in engines}
        self._terms = terms or {}
        self.rules = tuple(rules)

    def find(self, name: str) -> Route | None:
        """`name` as the caller wrote it, with or without `models/`. None when nothing serves it."""
        asked = name.removeprefix("models/")
        for rule in self.rules:
            if fnmatchcase(asked, rule.pattern) and rule.engine in self.engines:
                return self._route(self.engines[rule.engine], asked if rule.model == ANY else rule.model)
        for engine in self.engines.values():
            if any(info.id == asked for info in engine.models()):
                return self._route(engine, asked)
        return None

    def _route(self, engine: Engine, model: str) -> Route | None:
        capabilities = engine.capabilities(model)
        if capabilities is None:
            return None
        return Route(engine, model, capabilities, self._terms.get(engine.name, Terms()))
