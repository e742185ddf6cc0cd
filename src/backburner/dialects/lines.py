"""What the input lines of every dialect have in common: where they begin, and how deep they may be nested."""

import hashlib
import re
from collections.abc import Iterator

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.strict_json import JsonError

BOM = b"\xef\xbb\xbf"
MOST_NESTED = 200  # levels of JSON in a line
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def lines_of(chunk: bytes, offset: int) -> Iterator[tuple[int, int, bytes]]:
    """(number from 0, offset, line without its break) of every line, blank ones included."""
    at, number = 0, 0
    size = len(chunk)
    while at < size:
        end = chunk.find(b"\n", at)
        end = size if end < 0 else end
        yield number, offset + at, chunk[at:end].removesuffix(b"\r")
        at, number = end + 1, number + 1


def canonical_json(value: Json) -> bytes:
    """On one line, members in order: the same bytes for the same value."""
    return msgspec.json.encode(value, order="sorted")


def fingerprint(*pieces: bytes) -> bytes:
    """What stands for a request whose answer is determined: equal where all pieces, of one line each, are."""
    return hashlib.blake2b(b"\n".join(pieces), digest_size=16).digest()


def check_depth(line: bytes) -> None:
    """Raises JsonError for a line nested deeper than any reader should follow."""
    if line.count(b"{") + line.count(b"[") > MOST_NESTED and _depth(line) > MOST_NESTED:
        raise JsonError(1, 1, f"at most {MOST_NESTED} levels of nesting", "more")


def _depth(line: bytes) -> int:
    """Deepest nesting of brackets outside strings."""
    deepest = depth = 0
    for byte in _STRINGS.sub(b"", line).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest
