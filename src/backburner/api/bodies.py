"""Request bodies, within bounds."""

from collections.abc import AsyncIterator

from starlette.requests import Request

from backburner.core.errors import TooLarge


async def read(request: Request, most_bytes: int, way_out: str) -> bytes:
    """The whole body. Raises TooLarge, before reading it where the length is declared; `way_out` says what
    to do instead."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLarge(_words(int(declared), most_bytes, way_out))
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(_words(len(body), most_bytes, way_out))
    return bytes(body)


def _words(found: int, most_bytes: int, way_out: str) -> str:
    return f"the request body has {found:,} bytes or more, {most_bytes:,} are allowed. {way_out}"


async def pieces(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        if piece:
            yield piece
