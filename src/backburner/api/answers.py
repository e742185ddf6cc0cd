"""Responses. JSON always says its type and is never empty: the JS SDK parses every body (contract 0.6)."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backburner.core.errors import InvalidArgument, Refused

log = logging.getLogger("backburner.api")

JSON_TYPE = "application/json; charset=UTF-8"
JSONL_TYPE = "application/jsonl"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers=dict(headers or {}), media_type=JSON_TYPE)


class _Stream(StreamingResponse):
    """Trouble in the middle breaks it off without its end, so that no reader takes what came for the whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except Refused as refused:
            log.info("event=stream_broken path=%s reason=%s", scope["path"], refused.reason)


def stream(
    body: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    return _Stream(body, status, headers=dict(headers or {}), media_type=media_type)


def byte_range(request: Request, size_bytes: int) -> tuple[int, int] | None:
    """(offset, length) of a Range header, None without one or with one we may ignore (RFC 9110, 14.2).

    Raises InvalidArgument for a range outside the file.
    """
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:  # the last n bytes
        length = min(int(last), size_bytes)
        return size_bytes - length, length
    start, end = int(first), min(int(last), size_bytes - 1) if last else size_bytes - 1
    if start >= size_bytes or end < start:
        raise InvalidArgument(
            f"the range {match.group(0)} is outside the file of {size_bytes} bytes", reason="RANGE"
        )
    return start, end - start + 1


def content(
    request: Request,
    size_bytes: int,
    media_type: str,
    read: Callable[[int, int], AsyncIterator[bytes]],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A file's bytes, or the range of them that was asked for; `read` takes offset and length. Raises
    InvalidArgument for a range outside the file."""
    wanted = byte_range(request, size_bytes)
    offset, length = wanted or (0, size_bytes)
    said = {**(headers or {}), "content-length": str(length), "accept-ranges": "bytes"}
    if wanted:
        said["content-range"] = f"bytes {offset}-{offset + length - 1}/{size_bytes}"
    return stream(read(offset, length), media_type, said, 206 if wanted else 200)


class _AsWritten(bytes):
    """A header name that keeps its spelling: uvicorn lowers every name it sends."""

    def lower(self) -> "_AsWritten":
        return self


CONTENT_TYPE = _AsWritten(b"Content-Type")


class CanonicalContentType:
    """Sends `Content-Type` spelt so. The SDK's aiohttp client keeps names as they come, and its own tests look
    for this one (contract 0.6)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def canonical(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (CONTENT_TYPE if name == b"content-type" else name, value)
                    for name, value in message["headers"]
                ]
            await send(message)

        await self._app(scope, receive, canonical if scope["type"] == "http" else send)
