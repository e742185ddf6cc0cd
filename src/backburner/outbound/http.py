"""One HTTP client with bounds: connections, time, bytes of an answer; cancelling frees the connection.

Whole replies go over libcurl (transfers.py), those that are read as they come over aiohttp. It knows nothing of what
is said over it. A status of any kind is a reply; `NoReply` says why there was
none. Redirects are not followed (a key would travel along), no cookies are kept, and proxies named in the
environment are used only when asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import aiohttp.abc

from backburner.core.clock import Clock
from backburner.core.limits import MIB
from backburner.outbound.replies import Lost, NoReply, Reply
from backburner.outbound.transfers import Transfers

ANSWER_BYTES = 64 * MIB
CONNECT_S = 10.0
# Shorter than what the usual servers keep a quiet connection (uvicorn: 5 s): who reuses one that the other
# side is just closing loses the call.
KEEP_ALIVE_S = 4.0


class Opened:
    """An answer whose body is still to be read, once, by `read` or `chunks`."""

    def __init__(
        self, response: aiohttp.ClientResponse, clock: Clock, ends_monotonic: float, answer_bytes: int
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._clock = clock
        self._ends_monotonic = ends_monotonic
        self._answer_bytes = answer_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in. Raises NoReply."""
        left_bytes = self._answer_bytes
        while True:
            async with _losses(self._ends_monotonic - self._clock.monotonic()):
                chunk = await self._response.content.readany()
            if not chunk:
                return
            left_bytes -= len(chunk)
            if left_bytes < 0:
                raise NoReply(Lost.TOO_LARGE, f"the answer is over {self._answer_bytes // MIB} MiB")
            yield chunk

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])


class Http:
    """Make it and close it on one event loop. `connections` at once; more wait, inside their deadline."""

    def __init__(
        self,
        clock: Clock,
        *,
        connections: int = 128,
        answer_bytes: int = ANSWER_BYTES,
        environment_proxies: bool = False,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._clock = clock
        self._answer_bytes = answer_bytes
        self._transfers = Transfers(
            connections=connections,
            answer_bytes=answer_bytes,
            connect_s=CONNECT_S,
            keep_alive_s=KEEP_ALIVE_S,
            environment_proxies=environment_proxies,
            headers=headers or {},
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=KEEP_ALIVE_S,
                resolver=resolver,
                use_dns_cache=resolver is None,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": "backburner", **(headers or {})},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            trust_env=environment_proxies,
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """A whole reply within `deadline_s`. Raises NoReply."""
        return await self._transfers.request(method, url, deadline_s=deadline_s, body=body, headers=headers)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float,
        body: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Opened]:
        """A reply of which the head is there; `deadline_s` covers its body too. Raises NoReply. Left before
        the body's end, the connection is closed, by which the other side learns of it."""
        ends_monotonic = self._clock.monotonic() + deadline_s
        async with _losses(deadline_s):
            response = await self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            )
        try:
            yield Opened(response, self._clock, ends_monotonic, self._answer_bytes)
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def close(self) -> None:
        self._transfers.close()
        await self._session.close()


@asynccontextmanager
async def _losses(left_s: float) -> AsyncGenerator[None]:
    """Names what went wrong inside, at most `left_s` seconds long."""
    try:
        async with asyncio.timeout(max(0.0, left_s)):
            yield
    except aiohttp.ConnectionTimeoutError:
        raise NoReply(Lost.UNREACHABLE, f"no connection within {CONNECT_S:g} s") from None
    except TimeoutError:
        raise NoReply(Lost.LATE, "no answer in time") from None
    except aiohttp.ClientConnectorError as error:
        raise NoReply(Lost.UNREACHABLE, f"cannot connect: {error.os_error.strerror or error}") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoReply(Lost.CUT, f"the connection was cut ({type(error).__name__})") from None
