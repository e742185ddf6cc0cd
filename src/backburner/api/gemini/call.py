"""One request to the Gemini door, and the shape of its paths.

Google's paths are regular: `[/upload|/download]/{version}/{collection}[/{name}][:{verb}]`. The verb stands
behind the last colon and only if the collection has such a verb: model names hold slashes and colons
(contract 3.1).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backburner.api import bodies
from backburner.api.services import Services
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.limits import JSON_BODY_BYTES
from backburner.service.keys import Asker

WAY_OUT = "Upload large media with the Files API and name it by fileData"
VERSIONS = ("v1beta", "v1", "v1alpha")


@dataclass(frozen=True)
class Call:
    """`name` is what stands between the collection and the verb; `asker` has been authenticated."""

    services: Services
    request: Request
    asker: Asker
    version: str
    collection: str
    name: str

    @property
    def tenant(self) -> str:
        return self.asker.tenant

    @property
    def base_url(self) -> str:
        """How this caller reaches us, without a slash at the end."""
        return self.services.public_url.rstrip("/") or str(self.request.base_url).rstrip("/")

    async def body(self, most_bytes: int = JSON_BODY_BYTES, way_out: str = WAY_OUT) -> bytes:
        """Raises TooLarge, saying what to do instead."""
        return await bodies.read(self.request, most_bytes, way_out)

    def page(self) -> tuple[int | None, str | None]:
        """pageSize and pageToken in either spelling. Raises InvalidArgument."""
        query = self.request.query_params
        asked = query.get("pageSize") or query.get("page_size")
        if asked is not None and not asked.lstrip("-").isdigit():
            words = f"expected a number, found {asked!r}"
            raise InvalidArgument("pageSize is not a number", violations=[Violation("pageSize", words)])
        token = query.get("pageToken") or query.get("page_token")
        return (int(asked) if asked else None), token or None


Handle = Callable[[Call], Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """A row of the route table. `path` is how the documentation writes it, `summary` what it does."""

    method: str
    prefix: str  # '', 'upload' or 'download'
    collection: str
    named: bool
    verb: str
    answer: Handle
    summary: str

    @property
    def path(self) -> str:
        name = "/{name}" if self.named else ""
        verb = f":{self.verb}" if self.verb else ""
        return f"{'/' + self.prefix if self.prefix else ''}/{{version}}/{self.collection}{name}{verb}"


class Target(msgspec.Struct, frozen=True):
    """A path taken apart."""

    prefix: str
    version: str
    collection: str
    name: str
    verb: str


def take_apart(path: str, verbs: dict[str, frozenset[str]]) -> Target | None:
    """None when the path is not one of this door's. `verbs` are those each collection has."""
    parts = unquote(path).lstrip("/").split("/")
    prefix = parts.pop(0) if parts[0] in ("upload", "download") else ""
    if len(parts) < 2 or parts[0] not in VERSIONS:
        return None
    version, rest = parts[0], "/".join(parts[1:])
    head, colon, tail = rest.rpartition(":")
    collection = rest.split("/")[0].split(":")[0]
    known = colon and tail in verbs.get(collection, ())
    resource, verb = (head, tail) if known else (rest, "")
    found, _, name = resource.partition("/")
    return Target(prefix, version, found, name.rstrip("/"), verb)
