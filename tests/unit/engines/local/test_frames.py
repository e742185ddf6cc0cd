import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.engines.local import frames
from backburner.engines.local.frames import (
    Answered,
    Ask,
    Cancel,
    Count,
    Embed,
    Failed,
    Piece,
    Ready,
    ToChild,
    ToParent,
    Unpacker,
    Vectors,
    Wrong,
    packed,
)

SOME: list[ToParent] = [
    Ready(8192),
    Piece(1, [{"index": 0, "delta": {"content": "é"}}]),
    Answered(1, {"choices": [{"logprobs": None, "x": 1.5}]}, 3, 4),
    Vectors(2, b"\x00\x00\x80\x3f", 1, 3),
    Wrong(3, "no"),
    Failed(4, "not now"),
]


@given(st.lists(st.integers(1, 40), max_size=60))
def test_frames_survive_being_cut_anywhere(cuts: list[int]) -> None:
    data = b"".join(map(packed, SOME))
    unpacker = Unpacker(ToParent)
    found = []
    for size in cuts:
        found += unpacker.feed(data[:size])
        data = data[size:]
    found += unpacker.feed(data)
    assert found == SOME


def test_the_way_down_too() -> None:
    sent = [Ask(1, {"messages": []}, True), Embed(2, ["a"], 7), Count(3, {}), Cancel(1)]
    assert Unpacker(ToChild).feed(b"".join(map(packed, sent))) == sent


def test_a_frame_over_the_limit_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME_BYTES_MAX", 100)
    with pytest.raises(ValueError, match="over the limit of 100"):
        packed(Wrong(1, "x" * 200))
    with pytest.raises(ValueError, match="over the limit of 100"):
        Unpacker(ToParent).feed((101).to_bytes(4, "big"))


def test_what_is_no_frame_is_an_error() -> None:
    with pytest.raises(ValueError):
        Unpacker(ToParent).feed(b"\x00\x00\x00\x01\xc1")
