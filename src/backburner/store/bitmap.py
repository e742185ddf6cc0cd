"""One bit per ordinal: 250 kB for two million requests, where a set of numbers would take a hundred MB."""


class Bitmap:
    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, ordinal: int) -> bool:
        """False when it was there already."""
        at, bit = ordinal >> 3, 1 << (ordinal & 7)
        if at >= len(self._bits):
            self._bits.extend(bytes(max(at + 1 - len(self._bits), len(self._bits), 1024)))
        fresh = not self._bits[at] & bit
        self._bits[at] |= bit
        return fresh

    def discard(self, ordinal: int) -> bool:
        """Whether it was there."""
        if ordinal not in self:
            return False
        self._bits[ordinal >> 3] &= ~(1 << (ordinal & 7))
        return True

    def __contains__(self, ordinal: int) -> bool:
        at = ordinal >> 3
        return at < len(self._bits) and bool(self._bits[at] & (1 << (ordinal & 7)))
