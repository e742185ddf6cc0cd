"""Answers: every one has parts and a reason, and says what is missing, cut or not as asked."""

import json
import re
from typing import Any

import pytest

from backburner.core.errors import Code
from backburner.core.request import OutcomeKind, Usage
from backburner.dialects.gemini.answers import response_id
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Stamp

from .calls import STAMP, answer, candidate, completion, response

LINE = b'{"key":"k","request":{"contents":[{"parts":[{"text":"hi"}]}]}}'


def test_a_plain_answer() -> None:
    found = response(completion("hello"))
    assert found == {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": 10,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 3,
            "totalTokenCount": 13,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 4}],
        },
        "modelVersion": "SmolLM2-135M-Instruct",
        "responseId": "job1-7-my_key__",
    }


def test_the_outcome_carries_what_the_ledger_counts() -> None:
    found = GeminiDialect().answered(LINE, answer(completion()), STAMP)
    assert (found.ordinal, found.kind, found.code) == (7, OutcomeKind.ANSWER, Code.OK)
    assert (found.finish_reason, found.engine, found.model) == ("STOP", "local", "SmolLM2-135M-Instruct")
    assert found.usage == Usage(prompt=10, cached=4, output=3)


@pytest.mark.parametrize(
    ("reason", "finish", "words"),
    [
        ("stop", "STOP", ""),
        ("tool_calls", "STOP", ""),
        ("length", "MAX_TOKENS", "cut at the engine's output limit"),
        ("content_filter", "SAFETY", "content filter"),
        (None, "OTHER", "no reason"),
        ("repetition", "OTHER", "'repetition'"),
    ],
)
def test_reasons_are_named_in_geminis_words(reason: str | None, finish: str, words: str) -> None:
    found = candidate(completion("hello", reason))
    assert found["finishReason"] == finish
    assert words in found.get("finishMessage", "")
    assert ("finishMessage" in found) == bool(words)


def test_a_cut_answer_names_the_callers_limit() -> None:
    found = candidate(completion("hel", "length"), {"maxOutputTokens": 16})
    assert found["finishMessage"] == "The answer was cut at maxOutputTokens (16)."


@pytest.mark.parametrize(
    ("body", "finish", "words"),
    [
        (completion("", "stop"), "STOP", "without any text"),
        (completion(None, "stop"), "STOP", "without any text"),
        (completion("", "length"), "MAX_TOKENS", "No text was produced"),
        (completion("", "length", reasoning_content="hm"), "MAX_TOKENS", "while the model was thinking"),
        (completion(None, "stop", refusal="I will not."), "STOP", "The model refused: I will not."),
        ({"choices": [{"finish_reason": "stop"}]}, "STOP", "without any text"),
    ],
)
def test_an_answer_without_text_has_parts_and_says_why(body: Any, finish: str, words: str) -> None:
    found = candidate(body)
    assert found["content"] == {"role": "model", "parts": [{"text": ""}]}
    assert found["finishReason"] == finish
    assert words in found["finishMessage"]


def test_an_answer_without_choices_is_an_error() -> None:
    for body in ({}, {"choices": []}, {"choices": None}, {"choices": ["x"]}):
        found = GeminiDialect().answered(LINE, answer(body), STAMP)
        assert (found.kind, found.code) == (OutcomeKind.ERROR, Code.INTERNAL)
        assert json.loads(b"{" + found.body + b"}")["error"]["code"] == 13


def test_several_candidates_keep_their_places() -> None:
    body = {
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"content": "a"}},
            {"index": 1, "finish_reason": "length", "message": {"content": "b"}},
        ]
    }
    found = response(body)["candidates"]
    assert [(one["index"], one["content"]["parts"][0]["text"]) for one in found] == [(0, "a"), (1, "b")]


def made_call(arguments: Any, name: str | None = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def test_function_calls_come_as_parts_with_decoded_arguments() -> None:
    found = candidate(
        completion("let me see", "tool_calls", tool_calls=[made_call('{"a_b": 1}', id="c1"), made_call("")])
    )
    assert found["content"]["parts"] == [
        {"text": "let me see"},
        {"functionCall": {"name": "f", "args": {"a_b": 1}, "id": "c1"}},
        {"functionCall": {"name": "f", "args": {}}},
    ]
    assert "finishMessage" not in found


def test_a_call_alone_is_an_answer() -> None:
    found = candidate(completion(None, "tool_calls", tool_calls=[made_call("{}")]))
    assert [list(part) for part in found["content"]["parts"]] == [["functionCall"]]
    assert found["finishReason"] == "STOP"


@pytest.mark.parametrize(
    "call", [made_call('{"a": '), made_call("[1]"), made_call("{}", name=None), "f()", {}]
)
def test_a_call_that_cannot_be_read_is_said(call: Any) -> None:
    found = candidate(completion(None, "tool_calls", tool_calls=[call]))
    assert found["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert found["finishMessage"]
    assert found["content"]["parts"] == [{"text": ""}]


JSON = {"responseMimeType": "application/json"}
ENUM = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["yes", "no"]}}


def test_json_that_is_json_is_left_as_it_is() -> None:
    found = candidate(completion('{"a": 1}'), JSON)
    assert found["content"]["parts"] == [{"text": '{"a": 1}'}]
    assert "finishMessage" not in found


def test_json_that_is_none_is_said() -> None:
    found = candidate(completion("Sure! {"), JSON)
    assert "not valid JSON" in found["finishMessage"]
    assert found["content"]["parts"] == [{"text": "Sure! {"}]


def test_json_that_was_cut_has_one_reason_only() -> None:
    found = candidate(completion('{"a": ', "length"), JSON)
    assert found["finishReason"] == "MAX_TOKENS"
    assert "JSON" not in found["finishMessage"]


@pytest.mark.parametrize("text", ['"yes"', "yes", ' "yes"\n'])
def test_an_enum_value_comes_without_quotes(text: str) -> None:
    found = candidate(completion(text), ENUM)
    assert found["content"]["parts"] == [{"text": "yes"}]
    assert "finishMessage" not in found


def test_a_value_outside_the_enum_is_said() -> None:
    assert "not one of the values" in candidate(completion('"maybe"'), ENUM)["finishMessage"]


def test_thoughts_are_shown_when_asked_for() -> None:
    body = {
        **completion("42", reasoning_content="let me think"),
        "usage": {"completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}},
    }
    found = response(body, {"thinkingConfig": {"includeThoughts": True}})
    assert found["candidates"][0]["content"]["parts"] == [
        {"text": "let me think", "thought": True},
        {"text": "42"},
    ]
    assert found["usageMetadata"]["thoughtsTokenCount"] == 2
    assert found["usageMetadata"]["candidatesTokenCount"] == 1
    assert found["usageMetadata"]["totalTokenCount"] == 13
    assert response(body)["candidates"][0]["content"]["parts"] == [{"text": "42"}]


def test_log_probabilities_are_shown_when_asked_for() -> None:
    rows = [
        {
            "token": "a",
            "logprob": -0.5,
            "top_logprobs": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}],
        },
        {"token": "b", "logprob": -1.5, "token_id": 9},
    ]
    body = completion("ab")
    body["choices"][0]["logprobs"] = {"content": rows}
    found = candidate(body, {"responseLogprobs": True, "logprobs": 2})
    assert found["avgLogprobs"] == -1.0
    assert found["logprobsResult"] == {
        "logProbabilitySum": -2.0,
        "chosenCandidates": [
            {"token": "a", "logProbability": -0.5},
            {"token": "b", "logProbability": -1.5, "tokenId": 9},
        ],
        "topCandidates": [
            {"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1}]},
            {"candidates": []},
        ],
    }
    assert "logprobsResult" not in candidate(body)
    body["choices"][0]["logprobs"] = None
    assert "logprobsResult" not in candidate(body, {"responseLogprobs": True})


def test_a_bare_line_is_read_as_well() -> None:
    found = response(completion('"yes"'), ENUM, wrapped=False)
    assert found["candidates"][0]["content"]["parts"] == [{"text": "yes"}]


def test_the_response_id_is_safe_and_bounded() -> None:
    assert response_id(Stamp("j", 3, None, 0.0)) == "j-3"
    assert re.fullmatch(r"j-3-[A-Za-z0-9_.-]{64}", response_id(Stamp("j", 3, 'k/\n"é' * 99, 0.0)))
