"""Streamed answers: the events in their order, and together the same message as the whole answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import Delta
from backburner.core.request import Usage
from backburner.dialects.anthropic.answers import Failure, Wish, wish_of
from backburner.dialects.anthropic.streams import StreamShape

from .calls import STAMP, asking, completion, message, tool_call

Event = dict[str, Any]


def delta(
    text: str | None = None, reason: str | None = None, usage: Usage | None = None, **more: Any
) -> Delta:
    piece: dict[str, Any] = {**({"content": text} if text is not None else {}), **more}
    return Delta(choices=[{"index": 0, "delta": piece, "finish_reason": reason}], usage=usage, model="m")


def events(*deltas: Delta, wish: Wish = Wish(tier="standard")) -> list[Event]:  # noqa: B008  frozen
    shape = StreamShape(wish, STAMP, "asked")
    found = [event for one in deltas for event in shape.add(one)]
    end = shape.end()
    assert not isinstance(end, Failure), end
    return [*found, *end]


def put_together(found: list[Event]) -> dict[str, Any]:
    """What an SDK makes of the events."""
    assert found[0]["type"] == "message_start"
    made: dict[str, Any] = dict(found[0]["message"])
    made["content"] = []
    for event in found[1:]:
        kind = event["type"]
        if kind == "content_block_start":
            assert event["index"] == len(made["content"])
            made["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            block, piece = made["content"][event["index"]], event["delta"]
            for name in ("text", "thinking"):
                if name in piece:
                    block[name] += piece[name]
            if "partial_json" in piece:
                block["input"] = json.loads(piece["partial_json"])
        elif kind == "message_delta":
            made.update(event["delta"])
            made["usage"] = event["usage"]
    return made


def test_the_order_of_events() -> None:
    found = events(delta("hel"), delta("lo"), delta(None, "stop", Usage(prompt=10, cached=4, output=2)))
    assert [event["type"] for event in found] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert found[0]["message"]["stop_reason"] is None
    assert found[0]["message"]["content"] == []
    made = put_together(found)
    assert made["content"] == [{"type": "text", "text": "hello"}]
    assert (made["stop_reason"], made["model"]) == ("end_turn", "m")
    usage = {
        name: made["usage"][name] for name in ("input_tokens", "cache_read_input_tokens", "output_tokens")
    }
    assert usage == {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 2}


def test_an_empty_answer_is_a_message_all_the_same() -> None:
    kinds = [event["type"] for event in events(delta(None, "stop"))]
    assert kinds == ["message_start", "ping", "message_delta", "message_stop"]


def test_a_tool_call_in_pieces() -> None:
    first = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": '{"a"'}}
    found = events(
        delta("so"),
        delta(tool_calls=[first]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        delta(None, "tool_calls"),
    )
    made = put_together(found)
    assert made["stop_reason"] == "tool_use"
    assert made["content"] == [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
    ]
    opened = [event["index"] for event in found if event["type"] == "content_block_start"]
    closed = [event["index"] for event in found if event["type"] == "content_block_stop"]
    assert opened == closed == [0, 1]


def test_thoughts_come_before_the_text() -> None:
    wish = Wish(thoughts=True)
    made = put_together(
        events(delta(reasoning_content="h"), delta(reasoning_content="m"), delta("so"), wish=wish)
    )
    assert [block["type"] for block in made["content"]] == ["thinking", "text"]
    assert made["content"][0]["thinking"] == "hm"
    hidden = put_together(events(delta(reasoning_content="hm"), delta("so")))
    assert [block["type"] for block in hidden["content"]] == ["text"]


@pytest.mark.parametrize(
    "last",
    [delta(None, "abort"), delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{"}}])],
)
def test_what_cannot_be_closed_is_a_failure(last: Delta) -> None:
    shape = StreamShape(Wish(), STAMP, "m")
    shape.add(delta("x"))
    shape.add(last)
    assert isinstance(shape.end(), Failure)


@given(
    st.lists(st.text(min_size=1, max_size=8), max_size=6),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.booleans(),
)
def test_pieces_make_the_same_message_as_the_whole(pieces: list[str], reason: str, calls: bool) -> None:
    made_calls = [tool_call()] if calls else None
    whole = message(completion("".join(pieces), reason, tool_calls=made_calls), usage=Usage(output=1))
    deltas = [delta(piece) for piece in pieces]
    if calls:
        deltas.append(delta(tool_calls=[{"index": 0, **tool_call()}]))
    deltas.append(delta(None, reason, Usage(output=1)))
    streamed = put_together(events(*deltas, wish=wish_of(asking(), "batch")))
    assert {**streamed, "model": ""} == {**whole, "model": ""}
