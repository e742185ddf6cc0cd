"""Streams: every piece goes out once, in order, and the end is said; whole answers are the sum of their pieces."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import Delta
from backburner.core.request import Usage
from backburner.dialects.openai.endpoints import COMPLETIONS, RESPONSES
from backburner.dialects.openai.response_events import ResponseEvents
from backburner.dialects.openai.streams import ChatChunks, Shape, TextChunks, delta_of

from .asking import STAMP, answer, body_of, completion

WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def piece(content: str | None = None, reason: str | None = None, index: int = 0, **more: Any) -> Delta:
    delta = {**more, **({"content": content} if content is not None else {})}
    return Delta(choices=[{"index": index, "delta": delta, "finish_reason": reason}], model="real")


def last(reason: str = "stop") -> Delta:
    choices = [{"index": 0, "delta": {}, "finish_reason": reason}]
    return Delta(choices=choices, usage=Usage(3, 1, 2), model="real")


def run(shape: Shape, *deltas: Delta) -> list[Any]:
    """The data of every event; the text of one that is no JSON."""
    sent = b"".join([*(shape.add(delta) for delta in deltas), shape.end()])
    events = [part for part in sent.decode().split("\n\n") if part]
    data = [part.rpartition("data: ")[2] for part in events]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


def test_chat_chunks() -> None:
    first, second, third, done = run(ChatChunks(body_of(), STAMP, "flex"), piece("he"), piece("llo"), last())
    assert done == "[DONE]"
    assert [c["choices"][0]["delta"] for c in (first, second, third)] == [
        {"role": "assistant", "content": "he"},
        {"content": "llo"},
        {},
    ]
    assert third["choices"][0]["finish_reason"] == "stop"
    assert {(c["id"], c["model"], c["service_tier"]) for c in (first, second, third)} == {
        ("chatcmpl-job1-7", "real", "flex")
    }
    assert "usage" not in first


def test_usage_has_a_chunk_of_its_own_when_asked_for() -> None:
    *chunks, usage, done = run(ChatChunks(body_of(**WITH_USAGE), STAMP), piece("a"), last())
    assert done == "[DONE]"
    assert all(chunk["usage"] is None for chunk in chunks)
    assert usage["choices"] == []
    assert usage["usage"]["prompt_tokens"] == 3
    assert usage["usage"]["total_tokens"] == 5


def test_calls_of_functions_pass_as_they_come() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
    more = {"index": 0, "function": {"arguments": "}"}}
    first, second, *_ = run(
        ChatChunks(body_of(), STAMP), piece(tool_calls=[call]), piece(tool_calls=[more]), last()
    )
    assert first["choices"][0]["delta"]["tool_calls"] == [call]
    assert second["choices"][0]["delta"] == {"tool_calls": [more]}


def test_text_chunks() -> None:
    *chunks, usage, done = run(
        TextChunks(body_of(COMPLETIONS, **WITH_USAGE), STAMP), piece("he"), piece("llo"), last("length")
    )
    assert done == "[DONE]"
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "hello"
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert usage["usage"]["completion_tokens"] == 2


def test_response_events() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}
    more = {"index": 0, "function": {"arguments": ": 1}"}}
    events = run(
        ResponseEvents(body_of(RESPONSES), STAMP),
        piece(reasoning_content="hm"),
        piece("he"),
        piece("llo"),
        piece(tool_calls=[call]),
        piece(tool_calls=[more]),
        last(),
    )
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_text.delta",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "reasoning_text.done",
        "output_item.done",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    response = events[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["reasoning", "message", "function_call"]
    assert response["output"][1]["content"][0]["text"] == "hello"
    assert response["output"][2]["arguments"] == '{"a": 1}'
    assert response["usage"]["total_tokens"] == 5
    assert events[0]["response"]["status"] == "in_progress"


def test_a_response_that_is_cut_or_empty() -> None:
    assert run(ResponseEvents(body_of(RESPONSES), STAMP), piece("a"), last("length"))[-1]["response"][
        "incomplete_details"
    ] == {"reason": "max_output_tokens"}
    [item] = run(ResponseEvents(body_of(RESPONSES), STAMP))[-1]["response"]["output"]
    assert item["content"][0]["text"] == ""


@given(st.lists(st.text(min_size=1), max_size=6))
def test_the_pieces_are_the_whole(texts: list[str]) -> None:
    deltas = [*(piece(text) for text in texts), last()]
    *chunks, _ = run(ChatChunks(body_of(), STAMP), *deltas)
    said = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    assert "".join(said) == "".join(texts)
    events = run(ResponseEvents(body_of(RESPONSES), STAMP), *deltas)
    streamed = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert streamed == texts
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "".join(texts)


@pytest.mark.parametrize(("shape", "key"), [(ChatChunks, "delta"), (TextChunks, "text")])
def test_an_answer_that_was_not_streamed_comes_in_one_piece(shape: Any, key: str) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    delta = delta_of(answer(completion("hello", tool_calls=calls)))
    first, *_, done = run(shape(body_of(), STAMP), delta)
    assert done == "[DONE]"
    choice = first["choices"][0]
    assert choice["finish_reason"] == "stop"
    if key == "text":
        assert choice["text"] == "hello"
    else:
        assert choice["delta"]["content"] == "hello"
        assert choice["delta"]["tool_calls"] == [{"index": 0, **calls[0]}]
