"""multipart/related, two parts: metadata in JSON, then the content, streamed (Google's simple media upload)."""

from collections.abc import AsyncIterator

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from backburner.core.errors import InvalidArgument, TooLarge
from backburner.core.limits import MIB

_METADATA_BYTES = 1 * MIB


class _Parts:
    """Callbacks of the parser: `metadata` is the first part, `content` what came of the second and was not
    taken yet."""

    def __init__(self) -> None:
        self.part = 0
        self.done = False
        self.metadata = bytearray()
        self.content = bytearray()
        self.content_type = ""
        self._name = bytearray()
        self._value = bytearray()

    def begin(self) -> None:
        self.part += 1

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        if self.part == 2 and bytes(self._name).lower() == b"content-type":
            self.content_type = self._value.decode("latin-1")
        self._name.clear()
        self._value.clear()

    def data(self, data: bytes, start: int, end: int) -> None:
        if self.part == 1:
            self.metadata += data[start:end]
        elif self.part == 2:
            self.content += data[start:end]

    def end(self) -> None:
        self.done = True


async def related_parts(request: Request) -> tuple[bytes, str, AsyncIterator[bytes]]:
    """The metadata, the content's type, and the content. Raises InvalidArgument for what is no multipart."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidArgument("a multipart upload needs a boundary in its Content-Type")
    parts = _Parts()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": parts.begin,
            "on_header_field": parts.name,
            "on_header_value": parts.value,
            "on_header_end": parts.header,
            "on_part_data": parts.data,
            "on_end": parts.end,
        },
    )
    stream = request.stream()
    while not parts.content:
        piece = await anext(stream, b"")
        if not piece:
            break
        parser.write(piece)
        if len(parts.metadata) > _METADATA_BYTES:
            raise TooLarge("the metadata part of the upload is larger than 1 MiB")
    if parts.part < 2:
        raise InvalidArgument(
            "a multipart upload has two parts: the file's metadata in JSON, then its content"
        )
    return bytes(parts.metadata), parts.content_type, _content(stream, parser, parts)


async def _content(
    stream: AsyncIterator[bytes], parser: MultipartParser, parts: _Parts
) -> AsyncIterator[bytes]:
    yield bytes(parts.content)
    parts.content.clear()
    async for piece in stream:
        parser.write(piece)
        if parts.content:
            yield bytes(parts.content)
            parts.content.clear()
    if not parts.done:
        raise InvalidArgument("the multipart upload ended before its last boundary")
