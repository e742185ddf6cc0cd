"""Batch creation: every form that clients send, every mistake with the body to send instead."""

import json
from typing import Any

import pytest

from backburner.core.errors import InvalidArgument
from backburner.core.job import JobKind, OnInvalid, Webhook
from backburner.dialects.gemini.create import CreateBody, create_body
from backburner.dialects.gemini.status import message

ITEM = {"request": {"contents": [{"parts": [{"text": "x"}]}]}, "metadata": {"key": "a"}}


def created(body: Any, kind: JobKind = JobKind.GENERATE) -> CreateBody:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return create_body(data, kind, "models/gemini-2.5-flash")


def refused(body: Any) -> str:
    with pytest.raises(InvalidArgument) as error:
        created(body)
    assert error.value.violations
    assert all(violation.line is None for violation in error.value.violations)
    return message(error.value)


def inline(*items: Any, **more: Any) -> dict[str, Any]:
    return {"batch": {"inputConfig": {"requests": {"requests": list(items)}}, **more}}


def test_inline_requests_become_lines() -> None:
    found = created(json.dumps(inline(ITEM, ITEM, displayName="d", priority="7"), indent=3))
    assert (found.model, found.display_name, found.priority) == ("gemini-2.5-flash", "d", 7)
    assert (found.file_id, found.on_invalid, found.warnings) == (None, OnInvalid.FAIL, ())
    lines = list(found.lines())
    assert [json.loads(line) for line in lines] == [ITEM, ITEM]
    assert not any(b"\n" in line for line in lines)


def test_inline_requests_keep_their_bytes() -> None:
    """A number that no double holds is the caller's business."""
    found = created(
        '{"batch":{"input_config":{"requests":{"requests":[{"request":{}, "metadata":{"n":1.10e2}}]}}}}'
    )
    assert list(found.lines()) == [b'{"request":{},"metadata":{"n":1.10e2}}']


@pytest.mark.parametrize(
    "body",
    [
        {"batch": {"inputConfig": {"fileName": "files/abc"}}},
        {"batch": {"input_config": {"file_name": "files/abc"}}},
        {"batch": {"inputConfig": {"file_name": "http://h:8/v1beta/files/abc"}}},
        {"batch": {"inputConfig": {"fileName": "files/abc", "requests": None}}},
        "{'batch': {'display_name': 'x', 'input_config': {'file_name': 'files/abc'}}}",
        "{'batch': {'input_config': {'file_name': files/abc}}}",
    ],
)
def test_an_input_file_is_found_in_every_form(body: Any) -> None:
    found = created(body)
    assert (found.file_id, found.items, found.warnings) == ("abc", None, ())


@pytest.mark.parametrize(
    "body",
    [
        {"batch": {"inputConfig": {"requests": {"fileName": "files/abc"}}}},
        "{\n'batch': {\n'display_name': 'my-batch-requests',\n'input_config': {\n'requests': {\n"
        "'file_name': files/abc\n}\n}\n}\n}",
    ],
)
def test_the_wrongly_nested_file_of_the_old_sample_is_taken_with_a_warning(body: Any) -> None:
    found = created(body)
    assert found.file_id == "abc"
    [warning] = found.warnings
    assert '"inputConfig": {"fileName": "files/..."}' in warning


def test_a_list_of_requests_without_its_wrapper_is_taken_with_a_warning() -> None:
    found = created({"batch": {"inputConfig": {"requests": [ITEM]}}})
    assert len(list(found.lines())) == 1
    assert "requests.requests" in found.warnings[0]


@pytest.mark.parametrize(("word", "choice"), [("skip", OnInvalid.SKIP), ("FAIL", OnInvalid.FAIL)])
@pytest.mark.parametrize("name", ["onInvalid", "on_invalid"])
def test_what_happens_to_wrong_lines_can_be_chosen(name: str, word: str, choice: OnInvalid) -> None:
    assert created(inline(ITEM, **{name: word})).on_invalid is choice


def test_webhooks_are_read_in_both_spellings() -> None:
    for config in (
        {"uris": ["https://example.com/h"], "user_metadata": {"a_b": "c"}},
        {"uris": ["https://example.com/h"], "userMetadata": {"a_b": "c"}},
    ):
        assert created(inline(ITEM, webhook_config=config)).webhook == Webhook(
            ("https://example.com/h",), {"a_b": "c"}
        )


def test_a_wrong_webhook_says_where() -> None:
    with pytest.raises(InvalidArgument) as refused:
        created(inline(ITEM, webhookConfig={"uris": "https://example.com/h", "url": "x"}))
    assert {violation.path for violation in refused.value.violations} == {
        "batch.webhookConfig.uris",
        "batch.webhookConfig.url",
    }


def test_what_the_server_says_of_a_batch_may_come_back() -> None:
    batch = inline(
        ITEM, name="batches/x", state="BATCH_STATE_PENDING", batchStats={}, createTime="x", output=None
    )
    assert created(batch).items is not None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, 'Write {"batch": '),
        ("", "not valid JSON"),
        ("[]", "expected an object"),
        ("{'batch': {'a'", "':' after"),
        ({"batch": []}, "batch: expected an object"),
        ({"batch": {}}, "expected fileName or requests"),
        ({"batch": {"inputConfig": {}}}, "expected fileName or requests"),
        ({"batch": {"inputConfig": {"requests": {}}}}, "expected a list of requests"),
        ({"batch": {"inputConfig": {"requests": {"requests": {}}}}}, "expected a list of requests"),
        ({"batch": {"inputConfig": {"requests": {"requests": []}}}}, "at least one request"),
        ({"batch": {"inputConfig": {"requests": "x"}}}, "inputConfig.requests: expected an object"),
        ({"batch": {"inputConfig": {"fileName": "files/a", "requests": {"requests": [ITEM]}}}}, "both given"),
        ({"batch": {"inputConfig": {"fileName": 5}}}, "found the number 5"),
        ({"batch": {"inputConfig": {"fileName": "gs://b/x"}}}, "file of this server"),
        ({"batch": {"inputConfig": {"fileName": "files/a"}, "input_config": {}}}, "given twice"),
        ({"batch": {"src": "files/a"}}, "src is the SDK's word"),
        ({"batch": {"requests": [ITEM]}}, '"requests": {"requests"'),
        ({"batch": {"fileName": "files/a"}}, '"inputConfig": {"fileName"'),
        ({"batch": {"inputConfig": {"inlinedRequests": [ITEM]}}}, "inlinedRequests is the SDK's word"),
        (inline(ITEM, generationConfig={}), "a batch has no defaults"),
        (inline(ITEM, priority="high"), "priority: expected a whole number"),
        (inline(ITEM, onInvalid="ignore"), "expected one of fail, skip"),
        (inline(ITEM, model="models/other"), "the path decides"),
        (inline(ITEM, displayname="x"), "Did you mean display"),
        ({**inline(ITEM), "displayName": "x"}, "unknown field beside batch"),
        ({"display_name": "d", "input_config": {"file_name": "files/a"}}, '{"batch": {"display_name": "d", '),
        ({"src": "files/abc"}, '"inputConfig": {"fileName": "files/abc"}}}'),
        ({"fileName": "files/abc"}, '"inputConfig": {"fileName": "files/abc"}}}'),
        ({"requests": [ITEM]}, "found requests"),
    ],
)
def test_a_wrong_body_is_answered_with_what_to_write(body: Any, words: str) -> None:
    told = refused(body)
    assert told.startswith("the batch cannot be created: request body")
    assert words in told


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidArgument) as error:
        created(inline(priority="x", src="y", onInvalid="z"))
    assert {violation.path for violation in error.value.violations} == {
        "batch.priority",
        "batch.src",
        "batch.onInvalid",
        "batch.inputConfig.requests.requests",
    }
