"""Which engines serve a model name. Rules are read in order; the first whose pattern fits decides, together with the
other rules of the same pattern: several engines for one name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from backburner.core.exchange import Capabilities
from backburner.engines.protocol import Engine
from backburner.policy.hours import Hours

ANY = "*"


class Rule(msgspec.Struct, frozen=True):
    """`pattern` (shell style) on the caller's model name -> a model of an engine; model `*` keeps the name."""

    pattern: str
    engine: str
    model: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says of an engine. `reserved_slots` are kept from jobs while people call, -1 for a share
    of its slots. Outside its `hours` it runs no jobs. What `hosted` engines are sent leaves the operator's hands."""

    reserved_slots: int = -1
    hours: Hours | None = None
    hosted: bool = False


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
        self,
        engines: Iterable[Engine],
        rules: Sequence[Rule],
        terms: Mapping[str, Terms] | None = None,
        stays: Callable[[str], bool] = lambda tenant: False,
    ) -> None:
        """`stays`: whether a tenant's data may not leave for a hosted engine."""
        self.engines = {engine.name: engine for engine in engines}
        self._terms = terms or {}
        self._stays = stays
        self.rules = tuple(rules)

    def find(self, name: str) -> Route | None:
        """The first engine for a name. None when nothing serves it."""
        return next(iter(self._all(name)), None)

    def pool(self, name: str, tenant: str, *, local_only: bool = False) -> tuple[Route, ...]:
        """All engines that may serve a name for a tenant: any of them gives the same answers, says the operator.
        `local_only`: the key that asked is for engines that are not hosted."""
        routes = self._all(name)
        if local_only or self._stays(tenant):
            routes = [route for route in routes if not route.terms.hosted]
        return tuple(routes)

    def _all(self, name: str) -> list[Route]:
        """`name` as the caller wrote it, with or without `models/`."""
        asked = name.removeprefix("models/")
        fits = [
            rule for rule in self.rules if rule.engine in self.engines and fnmatchcase(asked, rule.pattern)
        ]
        if fits:
            ways = [
                (rule.engine, asked if rule.model == ANY else rule.model)
                for rule in fits
                if rule.pattern == fits[0].pattern
            ]
        else:
            ways = [
                (engine.name, asked)
                for engine in self.engines.values()
                if any(info.id == asked for info in engine.models())
            ][:1]
        found = [self._route(self.engines[engine], model) for engine, model in dict.fromkeys(ways)]
        return [route for route in found if route is not None]

    def _route(self, engine: Engine, model: str) -> Route | None:
        capabilities = engine.capabilities(model)
        if capabilities is None:
            return None
        return Route(engine, model, capabilities, self._terms.get(engine.name, Terms()))
