"""Bodies: a creation cut into lines without decoding it, and the calls that answer at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.errors import InvalidArgument, TooLarge
from backburner.dialects.anthropic.bodies import count_body, message_body
from backburner.dialects.anthropic.create import create_body

from .calls import MODEL, asking


def body(*requests: Any) -> bytes:
    return json.dumps({"requests": list(requests)}, indent=2).encode()


def item(label: str = "a", **more: Any) -> dict[str, Any]:
    return {"custom_id": label, "params": asking(**more)}


def test_requests_become_lines() -> None:
    made = create_body(body(item("a"), item("b", system="line\nbreak")), 0)
    lines = list(made.lines())
    assert made.model == MODEL
    assert [json.loads(line) for line in lines] == [item("a"), item("b", system="line\nbreak")]
    assert not any(b"\n" in line for line in lines)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.none()), min_size=1))
def test_any_requests_survive_being_cut_out(requests: list[dict[str, Any]]) -> None:
    requests = [item("a"), *requests]
    assert [json.loads(line) for line in create_body(body(*requests), 0).lines()] == requests


def test_the_model_is_that_of_the_first_request_that_names_one() -> None:
    assert create_body(body({"custom_id": "x"}, 7, item("b")), 0).model == MODEL


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "JSON"),
        (b"[]", "an empty list"),
        (b"{", "the end"),
        (b"{}", "requests: is missing"),
        (b'{"requests": {}}', "an empty object"),
        (b'{"requests": []}', "at least one request"),
        (b'{"requests": [], "model": "x"}', "beside requests"),
        (b'{"requests": [{"custom_id": "a", "params": {}}]}', "model"),
        (b"\xff\xfe", "UTF"),
    ],
)
def test_what_is_no_creation_is_said_to_be_none(raw: bytes, words: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        create_body(raw, 0)
    [violation] = refused.value.violations
    assert words in violation.sentence()
    assert '{"requests": [' in violation.instead


def test_the_number_of_requests_has_a_limit_that_can_be_raised() -> None:
    raw = body(item("a"), item("b"), item("c"))
    assert len(create_body(raw, 3).items) == len(create_body(raw, 0).items) == 3
    with pytest.raises(TooLarge) as refused:
        create_body(raw, 2)
    assert "up to 2 requests" in refused.value.message


def test_a_message_call() -> None:
    asked = message_body(json.dumps(asking("hi", stream=True)).encode())
    assert (asked.model, asked.stream) == (MODEL, True)
    with pytest.raises(InvalidArgument) as refused:
        message_body(b'{"messages": [{"role": "user", "content": ""}], "model": "m"}')
    assert [violation.path for violation in refused.value.violations] == ["max_tokens", "messages[0].content"]


def test_counting_needs_no_maximum() -> None:
    raw = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert count_body(raw).model == "m"


def test_threads_are_refused_by_the_reason_that_the_sdk_goes_on_from() -> None:
    with pytest.raises(InvalidArgument) as refused:
        message_body(json.dumps(asking(thread={"type": "create"})).encode())
    assert refused.value.reason == "THREAD_UNSUPPORTED_REQUEST"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"[" * 3000])
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidArgument):
        message_body(raw)
