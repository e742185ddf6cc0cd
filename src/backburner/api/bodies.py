"""Request bodies, within bounds."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.types import Message, Receive

from backburner.core.errors import TooLarge
from backburner.core.limits import DRAIN_BYTES, MIB


class Inbox:
    """What a client sends, and whether all of its body has come. A client that is answered in the middle of
    its body sees a broken connection and never the answer; so a refused body is read to its end first."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._begun = False
        self._finished = False

    async def __call__(self) -> Message:
        self._begun = True
        message = await self._receive()
        self._finished = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self, asked_first: bool) -> None:
        """Reads on to the end of the body, up to DRAIN_BYTES of it. A client that asked first (Expect:
        100-continue) has sent nothing as long as we read nothing."""
        if asked_first and not self._begun:
            return
        drained = 0
        while not self._finished and drained < DRAIN_BYTES:
            drained += len((await self()).get("body", b""))


async def read(request: Request, most_bytes: int, way_out: str) -> bytes:
    """The whole body. Raises TooLarge as `gathered` does."""
    return bytes(await gathered(request, most_bytes, way_out))


async def gathered(request: Request, most_bytes: int, way_out: str) -> bytearray:
    """The whole body, as it was gathered, so that a large one is not held twice.

    Raises TooLarge, before reading it where the length is declared; `way_out` says what to do instead.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLarge(_words(int(declared), most_bytes, way_out))
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(_words(len(body), most_bytes, way_out))
    return body


def _words(found: int, most_bytes: int, way_out: str) -> str:
    return (
        f"the request body has {found:,} bytes or more, up to {most_bytes // MIB} MB are allowed. {way_out}"
    )


async def pieces(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        if piece:
            yield piece
