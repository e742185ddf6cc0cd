"""A test double: a receiver of webhooks on this machine, which answers as it was told and remembers what came.

async with Receiver(500, 204) as receiver: ...          # in the test's own event loop
with Receiver().in_thread() as receiver: ...            # for tests that do not run a loop
"""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from aiohttp import web

from tests.doubles.in_thread import in_thread


class Event(msgspec.Struct, frozen=True):
    """Header names in lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Receiver:
    """`statuses` are the answers to the first calls; then it takes everything. 302 leads to itself."""

    def __init__(self, *statuses: int) -> None:
        self.events: list[Event] = []
        self.arrived = threading.Semaphore(0)
        self._statuses = list(statuses)
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> "Receiver":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.events.append(Event(headers, await request.read()))
        self.arrived.release()
        status = self._statuses.pop(0) if self._statuses else 204
        return web.Response(status=status, headers={"location": self.url} if status == 302 else {})

    def in_thread(self) -> AbstractContextManager["Receiver"]:
        return in_thread(self)
