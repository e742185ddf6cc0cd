import io
import tracemalloc

import hypothesis
import pytest
from hypothesis import strategies as st

from backburner.cli.lines import checked, kind_of, pieces
from backburner.core.job import JobKind

LIMIT = 20


class Dribble(io.RawIOBase):
    """A stream that gives less than it is asked for, like a pipe."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most = data, most

    def read(self, size: int = -1) -> bytes:
        size = min(size, self._most)
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@hypothesis.given(
    st.lists(st.integers(0, 60), max_size=30), st.booleans(), st.integers(1, 50), st.integers(1, 50)
)
def test_pieces_are_the_lines_with_their_places(
    lengths: list[int], ended: bool, piece: int, most: int
) -> None:
    lines = [bytes([97 + n % 26]) * length for n, length in enumerate(lengths)]
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    expected = {}
    at = 0
    for number, line in enumerate(lines, 1):
        expected[number] = (at, line)
        at += len(line) + 1
    found: dict[int, tuple[int, bytes]] = {}
    for part in pieces(Dribble(data, most), piece, LIMIT):  # type: ignore[arg-type]
        at = part.offset
        for number, line in enumerate(part.data.removesuffix(b"\n").split(b"\n"), part.line):
            assert number not in found
            found[number] = (at, line)
            at += len(line) + 1
    last = len(lines)
    if lines and not lines[-1] and not ended:
        last -= 1  # nothing stands behind the last line break
    assert list(found) == list(range(1, last + 1))
    for number, (offset, line) in found.items():
        assert offset == expected[number][0]
        whole = expected[number][1]
        assert line == whole or (len(whole) > LIMIT and len(line) > LIMIT and whole.startswith(line))


def test_a_line_without_end_takes_bounded_memory() -> None:
    class Endless(io.RawIOBase):
        left = 200

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"x" * 100_000 if self.left > 0 else b""

    tracemalloc.start()
    found = list(pieces(Endless(), 100_000, 500_000))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 1
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'{"key": "a", "request": {"contents": []}}', JobKind.GENERATE),
        (b'{"key": "a", "request": {"content": {}}}', JobKind.EMBED),
        (b'\xef\xbb\xbf\n  \n{"content": {"parts": []}}\n{"contents": []}', JobKind.EMBED),
        (b'{"contents": [], "content": {}}', JobKind.GENERATE),
        (b'{"request": 5}', JobKind.GENERATE),
        (b"[1]", JobKind.GENERATE),
        (b"nonsense", JobKind.GENERATE),
        (b"", JobKind.GENERATE),
    ],
)
def test_the_first_request_says_the_kind(line: bytes, kind: JobKind) -> None:
    assert kind_of(line) is kind


def test_lines_are_numbered_over_pieces_and_blank_lines() -> None:
    good = b'{"key":"k","request":{"contents":[{"parts":[{"text":"hi"}]}]}}'
    stream = io.BytesIO(b"\n" + good + b"\n\n{oops\n" + good)
    found = [line for _, line in checked(stream, "in.jsonl", None, "")]
    assert [(line.ordinal, line.line, bool(line.violations)) for line in found] == [
        (0, 2, False),
        (1, 4, True),
        (2, 5, False),
    ]
    stream.seek(found[2].offset)
    assert stream.read(found[2].length) == good
