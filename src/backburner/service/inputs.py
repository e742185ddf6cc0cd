"""Inputs of jobs as bytes: inline requests become a blob, and lines are taken out of one."""

import hashlib
from collections.abc import Iterable, Iterator

from backburner.core.limits import STREAM_BYTES
from backburner.store.blobs import Blobs

LINES_AT_ONCE = 100
Ranges = list[tuple[int, int]]  # (offset, length) in an input


def write_lines(blobs: Blobs, lines: Iterable[bytes]) -> tuple[str, int, str]:
    """A blob of the lines, its size, and the hex SHA-256 of its bytes."""
    digest, gathered, writer = hashlib.sha256(), bytearray(), blobs.writer()

    def flush() -> None:
        digest.update(gathered)
        writer.write(gathered)
        gathered.clear()

    try:
        for line in lines:
            gathered += line + b"\n"
            if len(gathered) >= STREAM_BYTES:
                flush()
        flush()
        return writer.commit(), writer.size_bytes, digest.hexdigest()
    except BaseException:
        writer.discard()
        raise


def lines_of(blobs: Blobs, blob: str, ranges: Ranges) -> Iterator[bytes]:
    """The lines in these ranges, each with a line break, in pieces of many."""
    for start in range(0, len(ranges), LINES_AT_ONCE):
        lines = blobs.read_ranges(blob, ranges[start : start + LINES_AT_ONCE])
        yield b"".join(line + b"\n" for line in lines)
