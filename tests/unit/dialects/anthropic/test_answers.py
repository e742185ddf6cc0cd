"""Completions as Messages: blocks, stop reasons, usage; nothing unusable looks whole."""

from typing import Any

import pytest

from backburner.core.errors import Code
from backburner.core.job import JobState
from backburner.core.request import OutcomeKind, Usage
from backburner.dialects.anthropic.dialect import AnthropicDialect

from .calls import STAMP, asking, completion, message, outcome, result, tool_call


def test_a_message_has_every_member() -> None:
    made = outcome(completion("hello"))
    assert (made.kind, made.finish_reason, made.ordinal) == (OutcomeKind.ANSWER, "end_turn", 7)
    assert result(made) == {
        "type": "succeeded",
        "message": {
            "id": "msg_job1_7",
            "type": "message",
            "role": "assistant",
            "model": "SmolLM2-135M-Instruct",
            "content": [{"type": "text", "text": "hello"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "stop_details": None,
            "usage": {
                "input_tokens": 6,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 4,
                "output_tokens": 3,
                "service_tier": "batch",
            },
        },
    }


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end_turn")],
)
def test_stop_reasons(reason: str | None, stop: str) -> None:
    assert message(completion("x", reason))["stop_reason"] == stop


def test_a_stop_sequence_is_named_where_the_engine_tells() -> None:
    params = asking(stop_sequences=["END", "X"])
    for member in ("stop_reason", "matched_stop"):
        found = message(completion("x", choice={member: "END"}), params)
        assert (found["stop_reason"], found["stop_sequence"]) == ("stop_sequence", "END")
    assert message(completion("x", choice={"stop_reason": 2}), params)["stop_reason"] == "end_turn"
    assert message(completion("x", choice={"stop_reason": "END"}))["stop_reason"] == "end_turn"


def test_an_empty_answer_has_no_content() -> None:
    for text in ("", None):
        found = message(completion(text))
        assert (found["content"], found["stop_reason"]) == ([], "end_turn")


def test_a_refusal_says_why() -> None:
    found = message(completion(None, refusal="I will not"))
    assert found["stop_reason"] == "refusal"
    assert found["stop_details"] == {"type": "refusal", "category": None, "explanation": "I will not"}


def test_tool_calls() -> None:
    calls = [tool_call(), tool_call("{}", "g", id="call_2")]
    found = message(completion("so", "tool_calls", tool_calls=calls))
    assert found["stop_reason"] == "tool_use"
    assert found["content"] == [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_2", "name": "g", "input": {}},
    ]
    assert message(completion(None, "stop", tool_calls=calls))["stop_reason"] == "tool_use"


def test_no_more_calls_than_the_caller_wants() -> None:
    tool = {"name": "f", "input_schema": {}}
    params = asking(tools=[tool], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    found = message(completion(None, "tool_calls", tool_calls=[tool_call(), tool_call("{}", "g")]), params)
    assert [block["name"] for block in found["content"]] == ["f"]


def test_a_call_that_was_cut_is_left_out() -> None:
    found = message(completion("so", "length", tool_calls=[tool_call('{"a": ')]))
    assert (found["stop_reason"], len(found["content"])) == ("max_tokens", 1)


def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    body = completion("so", reasoning_content="hm")
    thinking: dict[str, Any] = {"type": "enabled", "budget_tokens": 1024}
    found = message(body, asking(thinking=thinking, max_tokens=2000))
    assert found["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}
    for params in (asking(), asking(thinking={**thinking, "display": "omitted"}, max_tokens=2000)):
        assert [block["type"] for block in message(body, params)["content"]] == ["text"]


def test_thinking_tokens_are_counted_apart() -> None:
    body = {**completion(), "usage": {"completion_tokens_details": {"reasoning_tokens": 2}}}
    assert message(body, usage=Usage(output=5))["usage"]["output_tokens_details"] == {"thinking_tokens": 2}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"choices": []}, "no choice"),
        (completion("x", "abort"), "'abort'"),
        (completion(None, "tool_calls", tool_calls=[tool_call("[1]")]), "f is no JSON object"),
        (completion(None, "tool_calls", tool_calls=[tool_call("{")]), "f is no JSON object"),
        (completion(None, "tool_calls", tool_calls=[{"function": {}}]), "without a name"),
    ],
)
def test_what_is_no_message_is_an_error_with_its_reason(body: dict[str, Any], words: str) -> None:
    made = outcome(body)
    assert (made.kind, made.code) == (OutcomeKind.ERROR, Code.INTERNAL)
    found = result(made)
    assert found["type"] == "errored"
    assert found["error"]["type"] == "error"
    assert found["error"]["error"]["type"] == "api_error"
    assert words in found["error"]["error"]["message"]
    assert found["error"]["request_id"] == "req_job1_7"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.INVALID_ARGUMENT, "invalid_request_error"),
        (Code.RESOURCE_EXHAUSTED, "rate_limit_error"),
        (Code.DEADLINE_EXCEEDED, "timeout_error"),
        (Code.UNAVAILABLE, "overloaded_error"),
        (Code.FAILED_PRECONDITION, "api_error"),
        (Code.NOT_FOUND, "not_found_error"),
    ],
)
def test_errors_have_anthropics_names(code: Code, kind: str) -> None:
    made = AnthropicDialect().failed(code, "why", STAMP)
    assert (made.code, result(made)["error"]["error"]) == (code, {"type": kind, "message": "why"})


def test_what_is_left_of_a_batch() -> None:
    dialect = AnthropicDialect()
    assert result(dialect.unfinished(JobState.CANCELLED, STAMP)) == {"type": "canceled"}
    assert result(dialect.unfinished(JobState.EXPIRED, STAMP)) == {"type": "expired"}
    failed = result(dialect.unfinished(JobState.FAILED, STAMP))
    assert (failed["type"], failed["error"]["error"]["type"]) == ("errored", "api_error")
