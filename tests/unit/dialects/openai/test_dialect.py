"""Result lines: answers as if each request had been made alone, failures with their HTTP status, and the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.errors import Code
from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.job import JobState
from backburner.core.request import OutcomeKind, line_of
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.openai.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES

from .asking import STAMP, USAGE, body_of, check, completion, outcome, result
from .asking import line_of as input_line


def test_a_chat_answer_is_the_engines_own() -> None:
    body = completion("hello", system_fingerprint="fp") | {"id": "chatcmpl-9", "created": 5, "extra": [1]}
    found = outcome(body)
    line = result(found)
    assert line["error"] is None
    response = line["response"]
    assert response["status_code"] == 200
    assert response["request_id"].startswith("req_")
    assert response["body"]["id"] == "chatcmpl-9"
    assert response["body"]["created"] == 5
    assert response["body"]["extra"] == [1]
    assert response["body"]["model"] == "SmolLM2-135M-Instruct", "the model that really answered"
    assert (found.kind, found.usage, found.finish_reason) == (OutcomeKind.ANSWER, USAGE, "stop")


def test_what_an_engine_leaves_out_is_filled_in() -> None:
    body = result(outcome(completion(None, "tool_calls", tool_calls=[])))["response"]["body"]
    assert body["id"] == "chatcmpl-job1-7"
    assert (body["object"], body["created"]) == ("chat.completion", 1_700_000_000)
    assert body["choices"][0]["message"]["content"] is None
    assert body["usage"]["total_tokens"] == 13


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [(CHAT, "chat.completion"), (COMPLETIONS, "text_completion"), (RESPONSES, "response")],
)
def test_each_endpoint_answers_in_its_own_form(endpoint: str, name: str) -> None:
    assert result(outcome(completion(), endpoint=endpoint))["response"]["body"]["object"] == name


def test_an_embedding_answers_with_a_list() -> None:
    body = result(outcome({"data": [{"embedding": [0.5]}]}, endpoint=EMBEDDINGS))["response"]["body"]
    assert body["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5]}]


@pytest.mark.parametrize("endpoint", [CHAT, COMPLETIONS, RESPONSES, EMBEDDINGS])
def test_nothing_usable_is_a_failure(endpoint: str) -> None:
    found = outcome({}, endpoint=endpoint)
    assert (found.kind, found.code) == (OutcomeKind.ERROR, Code.INTERNAL)
    assert result(found)["response"]["status_code"] == 500


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (Code.INVALID_ARGUMENT, 400, "invalid_request_error"),
        (Code.NOT_FOUND, 404, "invalid_request_error"),
        (Code.RESOURCE_EXHAUSTED, 429, "rate_limit_error"),
        (Code.UNAVAILABLE, 503, "server_error"),
        (Code.DEADLINE_EXCEEDED, 504, "server_error"),
    ],
)
def test_a_failure_is_what_the_call_alone_would_have_got(code: Code, status: int, kind: str) -> None:
    found = OpenAIDialect().failed(code, "why", STAMP)
    assert (found.kind, found.code, found.message) == (OutcomeKind.ERROR, code, "why")
    line = result(found)
    assert line["error"] is None
    assert line["response"]["status_code"] == status
    assert line["response"]["body"]["error"] == {
        "message": "why",
        "type": kind,
        "param": None,
        "code": "rate_limit_exceeded" if status == 429 else None,
    }


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (JobState.EXPIRED, "batch_expired"),
        (JobState.CANCELLED, "batch_cancelled"),
        (JobState.FAILED, "batch_failed"),
    ],
)
def test_a_request_that_never_ran_has_no_response(state: JobState, word: str) -> None:
    line = result(OpenAIDialect().unfinished(state, STAMP))
    assert line["response"] is None
    assert line["error"]["code"] == word
    assert line["error"]["message"]


def test_a_repeated_id_says_where_the_first_is() -> None:
    found = OpenAIDialect().repeated_key("r1", 9, 2)
    assert (found.word, found.path, found.line, found.key) == ("duplicate_custom_id", "custom_id", 9, "r1")
    assert "line 2" in found.reason


def test_trouble() -> None:
    busy = Trouble(kind=TroubleKind.BUSY, message="", engine="e", status=429)
    assert OpenAIDialect().trouble_code(busy) is Code.RESOURCE_EXHAUSTED
    refused = Trouble(kind=TroubleKind.REQUEST, message="", engine="e")
    assert OpenAIDialect().trouble_code(refused) is Code.INVALID_ARGUMENT


texts = st.text() | st.sampled_from(["a\u2028b", "a\u2029b", "a\x85b", "a\nb\rc", "\x0b\x0c\x1c\x1d\x1e"])


@given(texts, texts)
def test_a_result_is_one_line_for_every_reader_and_loses_nothing(custom_id: str, text: str) -> None:
    checked = check(input_line(custom_id=custom_id))
    for found in (outcome(completion(text)), OpenAIDialect().failed(Code.INTERNAL, text, STAMP)):
        line = line_of(checked.echo, found.body)
        assert len(line.decode().splitlines()) == 1
        read: dict[str, Any] = json.loads(line)
        assert list(read) == ["id", "custom_id", "response", "error"]
        assert read["custom_id"] == custom_id
        body = read["response"]["body"]
        said = body["choices"][0]["message"]["content"] if "choices" in body else body["error"]["message"]
        assert said == text


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.none(), max_size=5))
def test_an_engines_own_fields_come_through(extra: dict[str, Any]) -> None:
    body = completion() | {f"x_{name}": value for name, value in extra.items()}
    found = result(outcome(body, body_of()))["response"]["body"]
    assert {name: found[name] for name in body if name.startswith("x_")} == {
        f"x_{name}": value for name, value in extra.items()
    }
