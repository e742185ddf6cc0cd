"""Sends one event to one URL, and says what became of it. What the receiver answers is not kept: only its status."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from backburner.core.clock import Clock
from backburner.outbound.addresses import CheckedResolver, Forbidden, Network, Resolve, check
from backburner.outbound.http import Http, NoReply
from backburner.outbound.retry_after import retry_after_s

POST_S = 15.0  # what Standard Webhooks gives a receiver
ANSWER_BYTES = 64 * 1024
CONNECTIONS = 32


class Posted(msgspec.Struct, frozen=True):
    """`status` is None where there was no answer, and `why` says why."""

    status: int | None
    why: str = ""
    retry_after_s: float | None = None


class Post(Protocol):
    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted: ...

    async def close(self) -> None: ...


class WebhookPost:
    """Judges the address anew at each call; follows no redirect; asks no proxy."""

    def __init__(
        self, clock: Clock, open_networks: Sequence[Network] = (), resolve: Resolve | None = None
    ) -> None:
        self._clock = clock
        self._open_networks = tuple(open_networks)
        self._resolve = resolve
        self._http: Http | None = None  # made at the first call: most servers never make one

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        try:
            await check(url, self._open_networks, self._resolve)
        except Forbidden as forbidden:
            return Posted(None, str(forbidden))
        except OSError as error:
            return Posted(None, f"its name cannot be resolved: {error.strerror or error}")
        http = self._http = self._http or self._made()
        sent = {"content-type": "application/json", **headers}
        try:
            async with http.open("POST", url, deadline_s=POST_S, body=body, headers=sent) as opened:
                wait_s = retry_after_s(opened.headers, self._clock.now())
                return Posted(opened.status, "", wait_s)
        except NoReply as lost:
            return Posted(None, lost.words)

    def _made(self) -> Http:
        return Http(
            self._clock,
            connections=CONNECTIONS,
            answer_bytes=ANSWER_BYTES,
            resolver=CheckedResolver(self._open_networks, self._resolve),
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
