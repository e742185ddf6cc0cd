"""Models as callers see them: what the engines serve, and the names mapped onto them."""

import msgspec

from backburner.core.errors import NotFound, PermissionDenied
from backburner.core.exchange import Feature
from backburner.engines.protocol import ModelInfo
from backburner.engines.routes import ANY, Route, Routes
from backburner.service import paging
from backburner.service.keys import Asker
from backburner.work.slots import Slots


def not_served(name: str) -> str:
    return (
        f"the model {name} is not served here. `backburner models` lists what is; "
        "map a name of your own to one of them under [models] in the config"
    )


def unserved(routes: Routes, name: str) -> NotFound | PermissionDenied:
    """Why no engine may serve a name."""
    if routes.find(name) is None:
        return NotFound(not_served(name), reason="MODEL_NOT_FOUND")
    return PermissionDenied(
        f"the model {name} is served by hosted engines only, and the settings of this tenant or key say that its "
        "data stays here",
        reason="EGRESS",
    )


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is what callers write (without `models/`), `served_by` the model that really answers. Token limits
    are 0 where the engine does not tell them."""

    id: str
    served_by: str
    engine: str
    display_name: str
    description: str
    input_tokens: int
    output_tokens: int
    chat: bool
    embed: bool
    created_at: float = 0.0


class ModelService:
    def __init__(self, routes: Routes, slots: Slots) -> None:
        self._routes = routes
        self._slots = slots

    def route(self, name: str, asker: Asker) -> Route:
        """The engine for a call that somebody waits for: of several the one with least to do. Raises NotFound when
        nothing serves the name, PermissionDenied when only engines do that this caller's data may not go to."""
        pool = self._routes.pool(name, asker.tenant, local_only=asker.local_only)
        if not pool:
            raise unserved(self._routes, name)
        return self._slots.best(pool)

    def get(self, name: str) -> ModelCard:
        """Raises NotFound."""
        route = self._routes.find(name)
        if route is None:
            raise unserved(self._routes, name)
        return self._card(name.removeprefix("models/"), route)

    def list(self, page_size: int, page_token: str) -> paging.Page[ModelCard]:
        """All of them by name; `page_token` is the name of the last one seen."""
        names = {info.id for engine in self._routes.engines.values() for info in engine.models()}
        names |= {rule.pattern for rule in self._routes.rules if ANY not in rule.pattern}
        wanted = [name for name in sorted(names) if name > page_token]
        cards = [self._card(name, route) for name in wanted if (route := self._routes.find(name))]
        page = cards[:page_size]
        return paging.Page(page, page[-1].id if len(cards) > len(page) else "")

    def aliases(self) -> dict[str, str]:
        """Pattern -> what serves it, for a person to read."""
        found: dict[str, str] = {}
        for rule in self._routes.rules:  # the first rule that fits decides
            more = f"{found[rule.pattern]}, " if rule.pattern in found else ""
            found[rule.pattern] = f"{more}{rule.engine}/{rule.model}"
        return found

    def _card(self, name: str, route: Route) -> ModelCard:
        info = next((x for x in route.engine.models() if x.id == route.model), None)
        info = info or ModelInfo(id=route.model, capabilities=route.capabilities)
        served = "" if name == route.model else f"{name} is served by {route.model} here. "
        return ModelCard(
            id=name,
            served_by=route.model,
            engine=route.engine.name,
            display_name=info.display_name or route.model,
            description=served + info.description,
            input_tokens=route.capabilities.context_tokens,
            output_tokens=route.capabilities.output_tokens,
            chat=Feature.CHAT in route.capabilities.features,
            embed=Feature.EMBED in route.capabilities.features,
        )
