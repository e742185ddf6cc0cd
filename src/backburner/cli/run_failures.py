"""Why requests failed, gathered from a result file: the most frequent reasons, each with one example."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from backburner.core.errors import Code

MOST = 3
REMEMBERED = 1000  # different reasons kept while counting; the rest is counted together
_NUMBER = re.compile(r"\d+")


class Failure(msgspec.Struct, frozen=True):
    """`message` is that of the first request that failed so; numbers in it may differ for the others."""

    code: Code
    message: str
    count: int


class _Error(msgspec.Struct):
    code: int = 2
    message: str = ""


class _Line(msgspec.Struct):
    error: _Error | None = None


_line = msgspec.json.Decoder(_Line)


def failures(pieces: Iterable[bytes], most: int = MOST) -> tuple[Failure, ...]:
    """The reasons of a result file, the most frequent first."""
    found: dict[tuple[int, str], tuple[str, int]] = {}
    for line in _lines(pieces):
        error = _line.decode(line).error
        if error is None:
            continue
        alike = (error.code, _NUMBER.sub("#", error.message))
        if alike not in found and len(found) >= REMEMBERED:
            alike = (int(Code.UNKNOWN), "")
        example, count = found.get(alike, (error.message if alike[1] else "other reasons", 0))
        found[alike] = (example, count + 1)
    ranked = sorted(found.items(), key=lambda item: -item[1][1])[:most]
    return tuple(Failure(Code(code), example, count) for (code, _), (example, count) in ranked)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest
