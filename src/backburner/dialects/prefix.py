"""The plan key: what lets requests that share a prompt prefix stand side by side.

64 bytes: sixteen 4-byte hashes of the rendered prompt cut after 256, 512, 1,024, ... 8,388,608 bytes. Two
keys agree in their first n hashes exactly when the prompts agree up to that cut, so ORDER BY plan_key makes
equal prefixes neighbours. Cuts past the end of the prompt are zero (no real hash is): short prompts compare
equal and keep the order of the input. A zero therefore never counts as something shared. Each dialect renders
its prompts for itself.
"""

import struct
import zlib

CUTS = tuple(256 << n for n in range(16))
EMPTY = bytes(4 * len(CUTS))
_PACKED = struct.Struct(">16I")


class Prefix:
    """A rendered prompt start with its hashes, to be continued by many prompts: cheap for a job whose
    requests share a long system instruction."""

    __slots__ = ("crc", "hashes", "size")

    def __init__(self, text: bytes = b"") -> None:
        self.hashes: list[int] = []
        self.crc = 0
        self.size = 0
        self.crc, self.hashes = _hashed(text, 0, 0, [])
        self.size = len(text)

    def key(self, rest: bytes) -> bytes:
        """The plan key of this start followed by `rest`."""
        if self.size + len(rest) < CUTS[0]:
            return EMPTY
        _, hashes = _hashed(rest, self.size, self.crc, self.hashes)
        return _PACKED.pack(*hashes, *(0 for _ in range(len(CUTS) - len(hashes))))


def _hashed(text: bytes, start: int, crc: int, before: list[int]) -> tuple[int, list[int]]:
    hashes = before.copy()
    at = 0
    while len(hashes) < len(CUTS) and CUTS[len(hashes)] <= start + len(text):
        cut = CUTS[len(hashes)] - start
        crc = zlib.crc32(memoryview(text)[at:cut], crc)
        hashes.append(crc or 1)
        at = cut
    return zlib.crc32(memoryview(text)[at:], crc), hashes
