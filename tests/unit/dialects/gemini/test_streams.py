"""Streamed answers: text at once, the rest whole, one closing chunk."""

from typing import Any

from backburner.core.exchange import Delta
from backburner.core.request import Usage
from backburner.dialects.gemini.answers import wish_of
from backburner.dialects.gemini.streams import StreamShape

from .calls import STAMP

USAGE = Usage(prompt=5, output=2)


def delta(content: str | None = None, reason: str | None = None, index: int = 0, **more: Any) -> Delta:
    piece = {**({"content": content} if content is not None else {}), **more}
    return Delta(choices=[{"index": index, "delta": piece, "finish_reason": reason}], model="m")


def streamed(deltas: list[Delta], **config: Any) -> list[dict[str, Any]]:
    shape = StreamShape(wish_of({"generationConfig": config}), STAMP)
    chunks = [chunk for piece in deltas for chunk in shape.add(piece)]
    return [*chunks, *shape.end()]


def parts_of(chunks: list[dict[str, Any]]) -> list[Any]:
    return [part for chunk in chunks for one in chunk["candidates"] for part in one["content"]["parts"]]


def test_text_goes_out_as_it_comes() -> None:
    chunks = streamed(
        [
            delta("", role="assistant"),
            delta("Hel"),
            delta("lo"),
            delta(None, "stop"),
            Delta(choices=[], usage=USAGE),
        ]
    )
    assert [part["text"] for part in parts_of(chunks)] == ["Hel", "lo", ""]
    *early, last = chunks
    assert all("finishReason" not in chunk["candidates"][0] for chunk in early)
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert "finishMessage" not in last["candidates"][0]
    assert last["usageMetadata"]["totalTokenCount"] == 7
    assert {chunk["responseId"] for chunk in chunks} == {"job1-7-my_key__"}
    assert {chunk["modelVersion"] for chunk in chunks} == {"m"}


def test_nothing_at_all_is_an_ending_with_its_reason() -> None:
    [only] = streamed([])
    assert only["candidates"][0]["finishReason"] == "OTHER"
    assert only["candidates"][0]["finishMessage"]
    [quiet] = streamed([delta("", "stop")])
    assert quiet["candidates"][0]["finishReason"] == "STOP"
    assert "without any text" in quiet["candidates"][0]["finishMessage"]


def test_function_calls_come_whole_at_the_end() -> None:
    def piece(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    chunks = streamed(
        [
            delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a'}}]),
            delta(tool_calls=[piece(0, arguments='": 1}'), piece(1, name="g", arguments="{}")]),
            delta(None, "tool_calls"),
        ]
    )
    assert parts_of(chunks) == [
        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "c1"}},
        {"functionCall": {"name": "g", "args": {}}},
    ]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_text_before_a_call_is_not_repeated() -> None:
    call = [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]
    assert parts_of(streamed([delta("wait"), delta(tool_calls=call), delta(None, "tool_calls")])) == [
        {"text": "wait"},
        {"functionCall": {"name": "f", "args": {}}},
    ]


def test_an_enum_value_comes_whole_and_without_quotes() -> None:
    enum = {"responseMimeType": "text/x.enum", "responseSchema": {"enum": ["yes"]}}
    assert parts_of(streamed([delta('"ye'), delta('s"'), delta(None, "stop")], **enum)) == [{"text": "yes"}]


def test_json_that_is_none_is_said_at_the_end() -> None:
    chunks = streamed([delta('{"a"'), delta(None, "stop")], responseMimeType="application/json")
    assert parts_of(chunks) == [{"text": '{"a"'}, {"text": ""}]
    assert "not valid JSON" in chunks[-1]["candidates"][0]["finishMessage"]


def test_thoughts_are_streamed_when_asked_for() -> None:
    pieces = [delta(reasoning_content="hm"), delta("a"), delta(None, "stop")]
    assert parts_of(streamed(pieces))[0] == {"text": "a"}
    assert parts_of(streamed(pieces, thinkingConfig={"includeThoughts": True}))[:2] == [
        {"text": "hm", "thought": True},
        {"text": "a"},
    ]


def test_each_candidate_ends_once() -> None:
    chunks = streamed(
        [delta("a", index=0), delta("b", index=1), delta(None, "stop", 1), delta(None, "length", 0)]
    )
    ended = [(one["index"], one["finishReason"]) for one in chunks[-1]["candidates"]]
    assert sorted(ended) == [(0, "MAX_TOKENS"), (1, "STOP")]
