"""HTTP without sockets: the real ASGI application, called in the life of the service that owns it."""

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from starlette.types import ASGIApp, Message

from tests.sim.lives import in_life


class CutOff(Exception):
    """The connection broke: the server is gone, or its reply got lost."""


class Reply(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class _Exchange:
    """One request on its way. The client waits in `reply`, outside the life that answers."""

    def __init__(self, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._body: bytes | None = body
        self._gone: asyncio.Future[None] = loop.create_future()
        self.reply: asyncio.Future[Reply] = loop.create_future()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        self._pieces.append(message.get("body", b""))
        if not message.get("more_body") and not self.reply.done():
            self.reply.set_result(Reply(self._status, self._headers, b"".join(self._pieces)))

    def hang_up(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    def broken(self) -> None:
        if not self.reply.done():
            self.reply.set_exception(CutOff())


class Wire:
    """The connections to one life of the service."""

    def __init__(self, application: ASGIApp, life: int) -> None:
        self._application = application
        self._life = life
        self._open: dict[_Exchange, None] = {}
        self._cut = False

    async def call(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        turns: int | None = None,
    ) -> Reply:
        """Raises CutOff when the service dies meanwhile, or when so many turns of the loop have not been enough."""
        if self._cut:
            raise CutOff
        exchange = _Exchange(body)
        self._open[exchange] = None
        scope = _scope(method, target, headers or {}, len(body))
        asyncio.get_running_loop().create_task(self._serve(exchange, scope), context=in_life(self._life))
        try:
            if turns is not None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                raise CutOff
            return await exchange.reply
        finally:
            exchange.hang_up()
            if not exchange.reply.done():
                exchange.reply.cancel()
            self._open.pop(exchange, None)

    async def _serve(self, exchange: _Exchange, scope: dict[str, Any]) -> None:
        await self._application(scope, exchange.receive, exchange.send)
        exchange.broken()  # only heard when there was no reply

    def cut(self) -> None:
        """The service is gone: everyone who waits learns it."""
        self._cut = True
        for exchange in self._open:
            exchange.broken()


def _scope(method: str, target: str, headers: dict[str, str], length: int) -> dict[str, Any]:
    url = urlsplit(target)
    given = {"host": "127.0.0.1:8080", "content-length": str(length), **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
