"""One request to the OpenAI door, and the shape of its paths.

`{base}/{collection}[/{id}][/{verb}]`. An id may hold a slash (`files/abc`), written as it is or as %2F (contract
5.2); both look alike once the path is decoded, so the verb is found from the end.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backburner.api import bodies
from backburner.api.services import Services
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.limits import JSON_BODY_BYTES
from backburner.dialects.openai.names import Ids
from backburner.service.keys import Asker

ROOT = "/openai/v1"
GOOGLE_ROOT = "/v1beta/openai"
# Where the door stands, and how ids are written there.
ROOTS = {ROOT: Ids(slashed=False), GOOGLE_ROOT: Ids(slashed=True)}
WAY_OUT = "Put the requests into a file and make a batch of it"


@dataclass(frozen=True)
class Call:
    """`name` is the id in the path as the caller wrote it; `asker` has been authenticated."""

    services: Services
    request: Request
    asker: Asker
    ids: Ids
    name: str

    @property
    def tenant(self) -> str:
        return self.asker.tenant

    async def body(self) -> bytes:
        """Raises TooLarge."""
        return await bodies.read(self.request, JSON_BODY_BYTES, WAY_OUT)

    def limit(self, default: int, most: int) -> int:
        """Raises InvalidArgument."""
        asked = self.request.query_params.get("limit")
        if not asked:
            return default
        if not asked.isdecimal() or not 1 <= int(asked) <= most:
            words = f"expected a number from 1 to {most}, found {asked[:20]!r}"
            raise InvalidArgument("the page cannot be given", violations=[Violation("limit", words)])
        return int(asked)


Handle = Callable[[Call], Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """A row of the route table. `verb` stands behind the id."""

    method: str
    collection: str
    named: bool
    verb: str
    answer: Handle
    summary: str

    @property
    def path(self) -> str:
        """As documentation writes it, behind the base URL."""
        verb = f"/{self.verb}" if self.verb else ""
        return f"/{self.collection}{'/{id}' if self.named else ''}{verb}"

    def match(self, path: str) -> str | None:
        """The id in a decoded path behind the base URL, empty for a route without one; None when it is none of
        this route's."""
        if not self.named:
            return "" if path == self.path else None
        head, tail = f"/{self.collection}/", f"/{self.verb}" if self.verb else ""
        if not path.startswith(head) or not path.endswith(tail) or len(path) <= len(head) + len(tail):
            return None
        return path[len(head) : len(path) - len(tail)]
