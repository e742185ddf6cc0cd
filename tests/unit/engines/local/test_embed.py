"""The embedding loop on a made-up model: every text in its place, batches of like length, nobody starved."""

import array

import msgspec
import pytest

from backburner.engines.local import embed
from backburner.engines.local.embed import EmbedLoop
from backburner.engines.local.frames import Ask, Cancel, Count, Counted, Embed, Ready, ToChild, Vectors, Wrong

from .test_chat import SETUP, Done, MadeUpWire


class MadeUpEmbedder:
    """A text's tokens are its characters, its vector their number over and over."""

    width = 4

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def ids(self, texts: list[str]) -> list[list[int]]:
        return [[ord(char) for char in text] for text in texts]

    def vectors(self, batch: list[list[int]], widths: list[int]) -> list[bytes]:
        self.batches.append([len(tokens) for tokens in batch])
        rows = [[float(len(tokens))] * width for tokens, width in zip(batch, widths, strict=True)]
        return [array.array("f", row).tobytes() for row in rows]


def run(*batches: list[ToChild], embedder: MadeUpEmbedder | None = None) -> dict[int, object]:
    wire = MadeUpWire(*batches)
    setup = msgspec.structs.replace(SETUP, slots=256)
    with pytest.raises(Done):
        EmbedLoop(setup, wire, embedder or MadeUpEmbedder()).run()  # type: ignore[arg-type]
    frames = [frame for frame in wire.sent if not isinstance(frame, Ready)]
    found = {frame.id: frame for frame in frames}
    assert len(found) == len(frames)
    return {number: said(frame) if isinstance(frame, Vectors) else frame for number, frame in found.items()}


def said(frame: Vectors) -> list[list[float]]:
    floats = array.array("f", frame.floats).tolist()
    return [floats[start : start + frame.width] for start in range(0, len(floats), frame.width)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "EMBED_BATCH_TEXTS", 3)


def test_every_text_keeps_its_place_whatever_batch_it_was_in() -> None:
    embedder = MadeUpEmbedder()
    found = run([Embed(1, ["aaaaaa", "a", "aaa"]), Embed(2, ["aa", "aaaaa"])], embedder=embedder)
    assert found == {1: [[6.0] * 4, [1.0] * 4, [3.0] * 4], 2: [[2.0] * 4, [5.0] * 4]}
    assert embedder.batches == [[1, 2, 3], [5, 6]]


def test_a_long_text_does_not_wait_for_ever_behind_short_ones() -> None:
    embedder = MadeUpEmbedder()
    first: list[ToChild] = [Embed(0, ["x" * 50]), *(Embed(number, ["x"]) for number in range(1, 4))]
    later = [[Embed(10 * turn + number, ["x"]) for number in range(3)] for turn in range(1, 9)]
    run(first, *later, embedder=embedder)
    turn_of_the_long_one = next(turn for turn, batch in enumerate(embedder.batches) if 50 in batch)
    assert turn_of_the_long_one == 1


def test_each_ask_has_its_own_width() -> None:
    found = run([Embed(1, ["a"], 2), Embed(2, ["aa"]), Embed(3, ["a"], 5), Embed(4, ["a"], 0)])
    assert found[1] == [[1.0, 1.0]]
    assert found[2] == [[2.0] * 4]
    for number in (3, 4):
        assert isinstance(found[number], Wrong)
        assert "1 to 4 dimensions" in found[number].message


def test_a_cancelled_ask_is_forgotten() -> None:
    embedder = MadeUpEmbedder()
    asks: list[ToChild] = [Embed(1, ["a"] * 3), Embed(2, ["aa"] * 3)]
    assert set(run(asks, [Cancel(2)], embedder=embedder)) == {1}
    assert embedder.batches == [[1, 1, 1]]
    assert set(run([Embed(1, ["a"]), Cancel(1), Embed(2, ["b"])])) == {2}


def test_no_texts_give_no_vectors() -> None:
    assert run([Embed(1, [])]) == {1: []}


def test_tokens_are_counted_and_what_is_no_embedding_is_refused() -> None:
    found = run([Count(1, {"input": ["ab", "c"]}), Ask(2, {}), Count(3, {"input": 7}), Embed(4, ["a"])])
    assert found[1] == Counted(1, 3)
    assert isinstance(found[2], Wrong)
    assert isinstance(found[3], Wrong)
    assert found[4] == [[1.0] * 4]
