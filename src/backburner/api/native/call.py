"""One request to the native API, and a row of its route table."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backburner.api import answers, bodies
from backburner.api.services import Services
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.limits import JSON_BODY_BYTES
from backburner.service.keys import Asker

WAY_OUT = "Nothing that this API takes is that large"
AUTH = "key"  # the query parameter that may hold the API key (api/auth.py)
BYTES_TYPE = "application/octet-stream"
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no", "")

T = TypeVar("T")


class Query(msgspec.Struct, frozen=True):
    """A query parameter. `kind` is its JSON type."""

    name: str
    summary: str
    kind: str = "string"
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """`name` is what stands in the path's place for one; `asker` has been authenticated."""

    services: Services
    request: Request
    asker: Asker
    name: str

    @property
    def tenant(self) -> str:
        return self.asker.tenant

    def text(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def flag(self, name: str) -> bool:
        """Raises InvalidArgument."""
        found = self.text(name).lower()
        if found not in (*_YES, *_NO):
            raise wrong(name, f"expected true or false, found {found!r}")
        return found in _YES

    def number(self, name: str, most: int) -> int | None:
        """From 1 on; more than `most` means the most. Raises InvalidArgument."""
        found = self.text(name)
        if not found:
            return None
        if not (found.isascii() and found.isdigit() and int(found)):
            raise wrong(name, f"expected a number from 1 to {most}, found {found!r}")
        return min(int(found), most)

    async def body(self, kind: type[T], default: T | None = None) -> T:
        """`default` is what no body at all means. Raises InvalidArgument for what does not fit, TooLarge."""
        raw = await bodies.read(self.request, JSON_BODY_BYTES, WAY_OUT)
        if not raw and default is not None:
            return default
        try:
            return msgspec.json.decode(raw, type=kind)
        except msgspec.DecodeError as error:
            words, _, path = str(error).partition(" - at ")
            place = path.strip("`").removeprefix("$.")
            where = f"request body, {place}" if place else "request body"
            raise InvalidArgument(f"{where}: {words}", violations=[Violation(place, words)]) from None


def wrong(name: str, words: str) -> InvalidArgument:
    return InvalidArgument(f"{name}: {words}", violations=[Violation(name, words)])


def reply(body: msgspec.Struct) -> Response:
    return answers.json(msgspec.json.encode(body))


Handle = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A row of the route table. `path` is behind /api/v1; `reply` is the struct of a JSON answer, `streams` the
    media types of one that is a stream of such; `takes` the struct of the body (`body_optional`: none will do),
    `uploads` the media type of one that is bytes."""

    method: str
    path: str
    answer: Handle
    summary: str
    reply: type[msgspec.Struct]
    query: tuple[Query, ...] = ()
    takes: type[msgspec.Struct] | None = None
    body_optional: bool = False
    streams: str = ""
    uploads: str = ""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.escape(self.path).replace(r"\{id\}", r"(?P<id>[^/:]+)")
        object.__setattr__(self, "pattern", re.compile(pattern))

    def check(self, request: Request) -> None:
        """Raises InvalidArgument for a query parameter that means nothing here: a filter that is spelt wrongly
        must not look like one that lets everything pass."""
        known = {query.name for query in self.query}
        for name in request.query_params:
            if name not in known and name != AUTH:
                there = f"known are {', '.join(sorted(known))}" if known else "there are none here"
                raise wrong(name, f"no such query parameter; {there}")
