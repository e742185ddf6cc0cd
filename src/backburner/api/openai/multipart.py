"""multipart/form-data with one file in it, streamed, the other fields before or behind it (contract 5.3)."""

from collections.abc import AsyncIterator

import msgspec
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from backburner.core.errors import InvalidArgument, TooLarge

_FIELD_BYTES = 64 * 1024
_FIELDS_MOST = 32


class FilePart(msgspec.Struct, frozen=True):
    filename: str
    content_type: str


class Form:
    """A form as it comes in. `file` reads up to the file, `content` through it, `rest` to the end; `fields` has
    what has come besides."""

    def __init__(self, request: Request) -> None:
        """Raises InvalidArgument for what is no form."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidArgument(
                "a file is uploaded as multipart/form-data with the parts purpose and file; "
                f"found {kind.decode('latin-1') or 'no Content-Type'}"
            )
        self.fields: dict[str, str] = {}
        self._stream = request.stream()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._name,
                "on_header_value": self._value,
                "on_header_end": self._header,
                "on_headers_finished": self._headers,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._over,
            },
        )
        self._file: FilePart | None = None
        self._content = bytearray()
        self._file_over = False
        self._in_file = False
        self._done = False
        self._field = ""
        self._text = bytearray()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._told: dict[bytes, bytes] = {}

    # -- what the parser says

    def _begin(self) -> None:
        self._told = {}

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header(self) -> None:
        self._told[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _headers(self) -> None:
        _, options = parse_options_header(self._told.get(b"content-disposition"))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = self._field == "file"
        if not self._in_file:
            return
        if self._file is not None:
            raise InvalidArgument("a form may have one file, this one has two")
        filename = options.get(b"filename", b"").decode("utf-8", "replace")
        content_type = self._told.get(b"content-type", b"").decode("latin-1")
        self._file = FilePart(filename, content_type)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._content += data[start:end]
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD_BYTES:
            raise TooLarge(f"the field {self._field[:40]} is longer than {_FIELD_BYTES:,} bytes")

    def _end(self) -> None:
        if self._in_file:
            self._file_over = True
        elif len(self.fields) < _FIELDS_MOST:
            self.fields[self._field] = self._text.decode("utf-8", "replace")
        self._text.clear()
        self._in_file = False

    def _over(self) -> None:
        self._done = True

    # -- what the caller asks

    async def file(self) -> FilePart | None:
        while self._file is None and await self._pump():
            pass
        return self._file

    async def content(self) -> AsyncIterator[bytes]:
        while True:
            if self._content:
                yield bytes(self._content)
                self._content.clear()
            if self._file_over:
                return
            if not await self._pump():
                raise InvalidArgument("the upload ended in the middle of its file")

    async def rest(self) -> None:
        while await self._pump():
            pass
        if not self._done:
            raise InvalidArgument("the upload ended before its last boundary")

    async def _pump(self) -> bool:
        piece = await anext(self._stream, b"")
        if piece:
            self._parser.write(piece)
        return bool(piece)
