"""A server's native API from the command line: where it is, one call, one stream; refusals as the same exceptions
that they were over there."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from backburner.api.native.bodies import PREFIX, ErrorBody
from backburner.cli.place import Place
from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument, NotFound, Refused, Unauthenticated, Unavailable, Violation
from backburner.outbound.events import event_data
from backburner.outbound.http import Http, Lost, NoReply, Opened

CALL_S = 300.0  # deleting a job waits until its results are written
STREAM_S = 365 * 86400.0
STREAM_BYTES = 1 << 60
JSONL_TYPE = "application/jsonl"

T = TypeVar("T")


class Api:
    """Use it as an async context manager. Every method raises Refused: what the server said, or that there is
    none (Unavailable)."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._http = Http(
            clock,
            answer_bytes=STREAM_BYTES,
            environment_proxies=place.url.startswith("https://"),
            headers={"authorization": f"Bearer {place.key}"} if place.key else None,
        )

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def call(
        self,
        method: str,
        path: str,
        kind: type[T],
        query: Mapping[str, object] | None = None,
        body: Any = None,
    ) -> T:
        """One call and its answer, decoded."""
        return (await self.raw(method, path, kind, query, body))[0]

    async def raw(
        self,
        method: str,
        path: str,
        kind: type[T],
        query: Mapping[str, object] | None = None,
        body: Any = None,
    ) -> tuple[T, bytes]:
        """The same, with the answer as it came."""
        sent = msgspec.json.encode(body) if body is not None else None
        async with self.open(method, path, query, sent, CALL_S) as opened:
            content = await self._read(opened)
        try:
            return msgspec.json.decode(content, type=kind), content
        except msgspec.DecodeError:
            raise self._foreign() from None

    async def upload(
        self, path: str, content: AsyncIterator[bytes], kind: type[T], query: Mapping[str, object]
    ) -> T:
        """Sends bytes of any size; the answer, decoded."""
        async with self.open("POST", path, query, content, STREAM_S) as opened:
            return msgspec.json.decode(await self._read(opened), type=kind)

    async def lines(self, path: str, query: Mapping[str, object]) -> AsyncIterator[bytes]:
        """The lines of a stream, without their breaks."""
        async with self.open("GET", path, query) as opened:
            rest = bytearray()
            async for chunk in self.chunks(opened):
                head, broken, tail = chunk.rpartition(b"\n")
                if not broken:
                    rest += chunk
                    continue
                for line in (rest + head).split(b"\n"):
                    yield bytes(line)
                rest = bytearray(tail)

    async def events(self, path: str) -> AsyncIterator[bytes]:
        """The data of server-sent events."""
        async with self.open("GET", path) as opened:
            async for data in event_data(self.chunks(opened)):
                yield data

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        deadline_s: float = STREAM_S,
    ) -> AsyncGenerator[Opened]:
        """A good answer whose body is still to be read."""
        given = {name: value for name, value in (query or {}).items() if value not in ("", None)}
        url = f"{self._place.url}{PREFIX}{quote(path, safe='/:')}{f'?{urlencode(given)}' if given else ''}"
        kind = "application/json" if isinstance(body, bytes) else JSONL_TYPE
        headers = {"content-type": kind} if body is not None else None
        try:
            async with self._http.open(
                method, url, deadline_s=deadline_s, body=body, headers=headers
            ) as opened:
                if opened.status >= 300:
                    raise self._refused(opened.status, await opened.read())
                yield opened
        except NoReply as lost:
            raise self._lost(lost) from None

    async def _read(self, opened: Opened) -> bytes:
        return b"".join([chunk async for chunk in self.chunks(opened)])

    async def chunks(self, opened: Opened) -> AsyncIterator[bytes]:
        try:
            async for chunk in opened.chunks():
                yield chunk
        except NoReply as lost:
            raise self._lost(lost) from None

    def _lost(self, lost: NoReply) -> Refused:
        if lost.lost is not Lost.UNREACHABLE:
            return Unavailable(f"the answer of {self._place.url} broke off: {lost.words}")
        why = (
            "" if "Connect call failed" in lost.words else f" ({lost.words})"
        )  # asyncio's way to say: refused
        return Unavailable(
            f"no server answers at {self._place.url}{why}. Start one with `backburner serve`, or say where it is "
            "with --url or BACKBURNER_URL"
        )

    def _refused(self, status: int, content: bytes) -> Refused:
        try:
            error = msgspec.json.decode(content, type=ErrorBody).error
        except msgspec.DecodeError:
            return self._foreign(status)
        if status == 401:
            way_out = "Give the right one" if self._place.key else "Give one"
            return Unauthenticated(
                f"{error.message}. {way_out} with --key or BACKBURNER_KEY", reason=error.reason
            )
        violations = [
            Violation(x.path, x.reason, x.instead, line=x.line, key=x.key) for x in error.violations
        ]
        kind = NotFound if status == 404 else InvalidArgument if status == 400 else Refused
        return kind(error.message, reason=error.reason, violations=violations)

    def _foreign(self, status: int = 200) -> Refused:
        return Unavailable(
            f"{self._place.url} answers ({status}), but not as this version of Backburner does. Is it another "
            "server, or an older one?"
        )
