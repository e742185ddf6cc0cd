"""The whole application asked in this process, under virtual time: no sockets, no threads."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from backburner.api.server import application
from backburner.house import House


class Reply:
    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.finished = False

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def lines(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.body.splitlines() if line]

    @property
    def events(self) -> list[tuple[str, Any]]:
        """(name, data) of server-sent events."""
        found: list[tuple[str, Any]] = []
        for block in self.body.decode().split("\n\n")[:-1]:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), msgspec.json.decode(data.removeprefix("data: "))))
        return found


async def ask(
    house: House,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    seen: Callable[[Reply], None] = lambda reply: None,
) -> Reply:
    """One request; `seen` is told after each piece of the answer."""
    reply = Reply()
    path, _, query = path.partition("?")
    sent = {"host": "localhost", "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("localhost", 80),
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }
    content = body if isinstance(body, bytes) else msgspec.json.encode(body) if body is not None else b""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "http.request", "body": content, "more_body": False})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            reply.body += message.get("body", b"")
            reply.finished = not message.get("more_body", False)
            seen(reply)

    await application(house.services())(scope, inbox.get, send)  # type: ignore[arg-type]
    return reply


async def get(house: House, path: str, **more: Any) -> Reply:
    return await ask(house, "GET", f"/api/v1{path}", **more)


async def post(house: House, path: str, body: Any = None, **more: Any) -> Reply:
    return await ask(house, "POST", f"/api/v1{path}", body, **more)
