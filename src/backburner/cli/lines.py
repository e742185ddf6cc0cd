"""Input files as the command line reads them: in pieces of whole lines, checked by the dialect.

Memory is bounded whatever the file holds: a line over the limit is cut, which the dialect then names.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from backburner.core.job import JobKind
from backburner.core.limits import LINE_BYTES, SCAN_CHUNK_BYTES
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Dialect, Source

_Object = dict[str, msgspec.Raw]
_object = msgspec.json.Decoder(_Object)


class Piece(msgspec.Struct, frozen=True):
    """Whole lines; the first of them is number `line` and begins `offset` bytes into the file."""

    data: bytes
    line: int
    offset: int


def pieces(
    stream: BinaryIO, piece_bytes: int = SCAN_CHUNK_BYTES, line_bytes: int = LINE_BYTES
) -> Iterator[Piece]:
    """The lines of a stream, none of them longer than `line_bytes` + 1 whatever it was."""
    line, offset, rest = 1, 0, b""
    while True:
        read = stream.read(piece_bytes)
        data = rest + read
        end = data.rfind(b"\n") + 1 if read else len(data)
        if not end and len(data) > line_bytes:  # no line break in sight: drop what comes before the next one
            skipped, after = _to_line_break(stream, piece_bytes)
            yield Piece(data[: line_bytes + 1] + b"\n", line, offset)
            line, offset, rest = line + 1, offset + len(data) + skipped, after
        else:
            if end:
                yield Piece(data[:end], line, offset)
            line, offset, rest = line + data.count(b"\n", 0, end), offset + end, data[end:]
        if not read:
            return


def _to_line_break(stream: BinaryIO, piece_bytes: int) -> tuple[int, bytes]:
    """How many bytes the rest of a line took, its line break included, and what was read behind it."""
    skipped = 0
    while read := stream.read(piece_bytes):
        end = read.find(b"\n") + 1
        if end:
            return skipped + end, read[end:]
        skipped += len(read)
    return skipped, b""


def kind_of(data: bytes) -> JobKind:
    """What the first request asks for: `content` (one) is an embedding, `contents` (a conversation) is not."""
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines():
        if not line.strip():
            continue
        try:
            found = _object.decode(line)
            if "request" in found:
                found = _object.decode(found["request"])
        except msgspec.MsgspecError:
            break
        return JobKind.EMBED if "content" in found and "contents" not in found else JobKind.GENERATE
    return JobKind.GENERATE


def checked(
    stream: BinaryIO,
    name: str,
    kind: JobKind | None,
    model: str,
    seen: Callable[[int], None] = lambda _: None,
    dialect: Dialect | None = None,
) -> Iterator[tuple[JobKind, CheckedLine]]:
    """Every line with what is wrong with it, and the kind that all of them are taken for. `seen` is told how
    many bytes have been looked at."""
    dialect = dialect or GeminiDialect()
    ordinal = 0
    for piece in pieces(stream):
        kind = kind or kind_of(piece.data)
        lines = dialect.check_lines(piece.data, Source(name, kind, model), ordinal, piece.line, piece.offset)
        ordinal += len(lines)
        seen(piece.offset + len(piece.data))
        for line in lines:
            yield kind, line
