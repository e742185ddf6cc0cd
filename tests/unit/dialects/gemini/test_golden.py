"""Everything that the real clients were seen to send is understood."""

import json
from typing import Any

import jsonschema
import pytest

from backburner.core.job import JobKind
from backburner.dialects.gemini import bodies
from backburner.dialects.gemini.create import CreateBody, create_body
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.gemini.line_schema import line_schema
from backburner.dialects.protocol import Source
from tests.golden import captured

REQUESTS = [request for request in captured("gemini") if request["body"]]
KINDS = {"batchGenerateContent": JobKind.GENERATE, "asyncBatchEmbedContent": JobKind.EMBED}
# The one request of the captures that is wrong by the rules: it combines cachedContent with tools, and names
# another model than its job. The loggers that captured it did not mind.
CACHED_WITH_TOOLS = "CachedContent can not be used"


def called(method: str, upload_command: str | None = None) -> list[Any]:
    return [
        pytest.param(request, id=f"{request['client']}: {request['call']}")
        for request in REQUESTS
        if request["method"] == "POST"
        and request["path"].partition("?")[0].endswith(method)
        and request["headers"].get("X-Goog-Upload-Command") == upload_command
    ]


def created(request: dict[str, Any]) -> CreateBody:
    model, _, method = request["path"].partition("/models/")[2].rpartition(":")
    return create_body(request["body"].encode(), KINDS[method], model)


def test_the_captures_are_there() -> None:
    assert {request["client"] for request in REQUESTS} >= {"python-3.4.0", "js-3.1.0", "curl-docs"}
    assert len(called(":batchGenerateContent")) >= 9
    assert len(called(":asyncBatchEmbedContent")) == 4


@pytest.mark.parametrize("request_", called(":batchGenerateContent") + called(":asyncBatchEmbedContent"))
def test_every_creation_is_understood(request_: dict[str, Any]) -> None:
    found = created(request_)
    assert not found.warnings
    if found.file_id is not None:
        assert found.file_id in ("fup2abc", "abc", "123456")
        return
    chunk = b"".join(line + b"\n" for line in found.lines())
    checked = GeminiDialect().check_lines(chunk, Source(None, found.kind, found.model), 0, 1, 0)
    schema = line_schema(found.kind.value)
    assert checked
    for one, line in zip(checked, chunk.splitlines(), strict=True):
        words = [violation.reason for violation in one.violations]
        assert all(CACHED_WITH_TOOLS in reason or "a job has one model" in reason for reason in words), words
        jsonschema.Draft202012Validator(schema).validate(json.loads(line))
        sent = json.loads(line)
        echo = json.loads(b"{" + one.echo + b"}")
        assert echo == ({"metadata": sent["metadata"]} if "metadata" in sent else {})


@pytest.mark.parametrize("request_", called("/files", "start"))
def test_every_upload_start_is_understood(request_: dict[str, Any]) -> None:
    found = bodies.file_start(request_["body"].encode())
    declared = request_["headers"]["X-Goog-Upload-Header-Content-Length"]
    assert found.size_bytes in (None, int(declared))
    assert found.mime_type or found.display_name


@pytest.mark.parametrize("request_", called(":generateContent") + called(":streamGenerateContent"))
def test_every_generate_call_is_understood(request_: dict[str, Any]) -> None:
    asked = bodies.generate_body(request_["body"].encode(), "gemini-2.5-flash")
    assert asked.request["contents"] == [{"parts": [{"text": "hi"}], "role": "user"}]


@pytest.mark.parametrize("request_", called(":countTokens"))
def test_every_count_is_understood(request_: dict[str, Any]) -> None:
    assert bodies.count_tokens_body(request_["body"].encode(), "gemini-2.5-flash").request["contents"]


@pytest.mark.parametrize("request_", called(":batchEmbedContents"))
def test_every_embedding_call_is_understood(request_: dict[str, Any]) -> None:
    found = bodies.batch_embed_body(request_["body"].encode(), "gemini-embedding-001")
    assert [request["content"]["parts"][0]["text"] for request in found] in (["hi"], ["hi", "yo"])


@pytest.mark.parametrize("request_", called("/cachedContents"))
def test_every_cache_is_understood(request_: dict[str, Any]) -> None:
    found = bodies.cache_body(request_["body"].encode())
    assert (found.model, found.display_name, found.ttl_s) == ("gemini-2.5-flash", "cc", 3600.0)
    assert set(found.body) == {"contents", "systemInstruction"}


def test_every_cache_update_is_understood() -> None:
    updates = [request for request in REQUESTS if request["method"] == "PATCH"]
    assert updates
    assert all(bodies.cache_update(request["body"].encode()) == (600.0, None) for request in updates)


def test_the_documented_input_file_is_good() -> None:
    [data] = [request for request in REQUESTS if request["call"] == "docs curl: upload data"]
    found = GeminiDialect().check_lines(
        data["body"].encode(), Source("files/a", JobKind.GENERATE, "m"), 0, 1, 0
    )
    assert [(one.ordinal, one.key, one.violations) for one in found] == [(0, None, ()), (1, None, ())]
