"""One request to the Anthropic door, and the shape of its routes."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from backburner.api import bodies
from backburner.api.services import Services
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.limits import MESSAGE_BATCH_PAGE_SIZE_DEFAULT, MESSAGE_BODY_BYTES, PAGE_SIZE_MAX
from backburner.service.keys import Asker

ROOT = "/anthropic"
WAY_OUT = "Shorten the conversation, or send smaller images and documents"


@dataclass(frozen=True)
class Call:
    """`name` is what a route's path leaves open; `asker` has been authenticated."""

    services: Services
    request: Request
    asker: Asker
    request_id: str
    name: str = ""

    @property
    def tenant(self) -> str:
        return self.asker.tenant

    @property
    def base_url(self) -> str:
        """How this caller reaches us, without a slash at the end."""
        return base_url(self.services, self.request)

    async def body(self, most_bytes: int = MESSAGE_BODY_BYTES, way_out: str = WAY_OUT) -> bytes:
        """Raises TooLarge, saying what to do instead."""
        return await bodies.read(self.request, most_bytes, way_out)

    def page(self) -> tuple[int, str, str]:
        """limit, after_id and before_id. Raises InvalidArgument."""
        query = self.request.query_params
        limit = query.get("limit") or str(MESSAGE_BATCH_PAGE_SIZE_DEFAULT)
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= PAGE_SIZE_MAX:
            words = f"expected a whole number from 1 to {PAGE_SIZE_MAX}, found {limit[:40]!r}"
            raise InvalidArgument("the list cannot be made", violations=[Violation("limit", words)])
        after, before = query.get("after_id", ""), query.get("before_id", "")
        if after and before:
            words = "after_id and before_id are both given. Keep one of them"
            raise InvalidArgument("the list cannot be made", violations=[Violation("before_id", words)])
        return int(limit[:9]), after, before


def base_url(services: Services, request: Request) -> str:
    return services.public_url.rstrip("/") or str(request.base_url).rstrip("/")


Answer = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A row of the route table. `path` is how the documentation writes it; a model's name may hold slashes."""

    method: str
    path: str
    answer: Answer
    summary: str
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = self.path.replace("{batch}", "([^/]+)").replace("{model}", "(.+)")
        object.__setattr__(self, "_pattern", re.compile(ROOT + pattern))

    def match(self, method: str, path: str) -> str | None:
        """What the path says where the route leaves it open; None when it is not this route's."""
        found = self._pattern.fullmatch(path) if method == self.method else None
        return None if found is None else found.group(1) if found.groups() else ""
