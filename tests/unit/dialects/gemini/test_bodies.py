"""Bodies of the interactive calls, caches, uploads and updates."""

import json
from typing import Any

import pytest

from backburner.core.errors import InvalidArgument
from backburner.dialects.gemini import bodies

from .lines import HI, VECTOR

MODEL = "models/m"


def raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def paths(call: Any, *args: Any) -> set[str]:
    with pytest.raises(InvalidArgument) as error:
        call(*args)
    return {violation.path for violation in error.value.violations}


def test_a_generate_body_is_canonical_and_ready_to_call() -> None:
    asked = bodies.generate_body(
        raw({**HI, "generation_config": {"top_k": 5.0}, "service_tier": "FLEX"}), MODEL
    )
    assert asked.request == {**HI, "generationConfig": {"topK": 5.0}, "serviceTier": "flex"}
    assert json.loads(asked.line) == asked.request
    assert asked.flex
    assert not bodies.generate_body(raw("{'contents': [{'parts': [{'text': 'hi'}]}]}"), MODEL).flex


def test_all_mistakes_of_a_body_are_named() -> None:
    wrong = {"contents": "hi", "temperature": 1, "model": "models/other"}
    assert paths(bodies.generate_body, raw(wrong), MODEL) == {"contents", "temperature", "model"}
    assert paths(bodies.generate_body, b"", MODEL) == {"contents"}
    assert paths(bodies.generate_body, b"{", MODEL) == {""}
    assert paths(bodies.embed_body, raw({"contents": []}), MODEL) == {"contents"}


def test_many_embedding_requests_are_checked_one_by_one() -> None:
    wire = {"requests": [{**VECTOR, "model": MODEL}, {**VECTOR, "output_dimensionality": 8}]}
    found = bodies.batch_embed_body(raw(wire), MODEL)
    assert found == [{**VECTOR, "model": MODEL}, {**VECTOR, "outputDimensionality": 8}]
    wrong = {"requests": [VECTOR, {"content": {"parts": []}}, {**VECTOR, "model": "models/other"}]}
    assert paths(bodies.batch_embed_body, raw(wrong), MODEL) == {
        "requests[1].content.parts",
        "requests[2].model",
    }
    assert paths(bodies.batch_embed_body, raw({"requests": []}), MODEL) == {"requests"}
    assert paths(bodies.batch_embed_body, raw({"requests": [{"text": "x"}]}), MODEL) == {"requests[0].text"}


def test_tokens_are_counted_of_both_forms() -> None:
    assert bodies.count_tokens_body(raw(HI), MODEL).request == HI
    wrapped = {
        "generate_content_request": {**HI, "model": MODEL, "systemInstruction": {"parts": [{"text": "s"}]}}
    }
    assert "systemInstruction" in bodies.count_tokens_body(raw(wrapped), MODEL).request
    assert paths(bodies.count_tokens_body, raw({**HI, **wrapped}), MODEL) == {"contents"}


def test_a_cache_is_made_of_its_content_and_an_expiry() -> None:
    found = bodies.cache_body(
        raw(
            {
                "model": MODEL,
                "ttl": "3600s",
                "display_name": "cc",
                **HI,
                "system_instruction": {"parts": [{"text": "s"}]},
            }
        )
    )
    assert (found.model, found.display_name, found.ttl_s, found.expire_at) == ("m", "cc", 3600.0, None)
    assert found.body == {**HI, "systemInstruction": {"parts": [{"text": "s"}]}}
    assert (
        bodies.cache_body(raw({"model": MODEL, **HI, "expireTime": "1970-01-01T01:00:00Z"})).expire_at
        == 3600.0
    )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**HI}, "model"),
        ({"model": MODEL}, "contents"),
        ({"model": MODEL, "contents": "x"}, "contents"),
        ({"model": MODEL, **HI, "ttl": "1h"}, "ttl"),
        ({"model": MODEL, **HI, "ttl": "1s", "expireTime": "1970-01-01T01:00:00Z"}, "expireTime"),
        ({"model": MODEL, **HI, "expireTime": "tomorrow"}, "expireTime"),
        ({"model": MODEL, **HI, "expireTime": "1970-01-01T01:00:00"}, "expireTime"),
        (
            {"model": MODEL, **HI, "tools": [{"functionDeclarations": [{}]}]},
            "tools[0].functionDeclarations[0].name",
        ),
        ({"model": MODEL, "contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}, "contents[0].role"),
    ],
)
def test_a_wrong_cache_is_refused(body: Any, path: str) -> None:
    assert paths(bodies.cache_body, raw(body)) == {path}


def test_only_the_expiry_of_a_cache_changes() -> None:
    assert bodies.cache_update(raw({"ttl": "600s"})) == (600.0, None)
    assert bodies.cache_update(raw({"expire_time": "1970-01-01T00:00:01.5Z"})) == (None, 1.5)
    assert paths(bodies.cache_update, raw({"displayName": "x"})) == {"ttl"}


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (
            {"file": {"display_name": "d", "mime_type": "jsonl", "size_bytes": 71}},
            bodies.FileStart(None, "d", "jsonl", 71),
        ),
        (
            {"file": {"mimeType": "jsonl", "name": "files/x", "sizeBytes": "71"}},
            bodies.FileStart("files/x", "", "jsonl", 71),
        ),
        ("{'file': {'display_name': 'batch-input'}}", bodies.FileStart(None, "batch-input")),
        ("", bodies.FileStart()),
        ("{}", bodies.FileStart()),
    ],
)
def test_the_start_of_an_upload(body: Any, start: bodies.FileStart) -> None:
    assert bodies.file_start(raw(body)) == start


def test_a_wrong_start_of_an_upload_is_refused() -> None:
    assert paths(bodies.file_start, raw({"file": {"sizeBytes": -1, "nme": "x"}})) == {
        "file.sizeBytes",
        "file.nme",
    }


def test_an_update_changes_priority_and_name() -> None:
    assert bodies.batch_update(raw({"priority": "-5"})) == (-5, None)
    assert bodies.batch_update(raw({"batch": {"display_name": "n", "state": "x"}})) == (None, "n")
    assert paths(bodies.batch_update, raw({"name": "batches/x"})) == {"priority"}
    assert paths(bodies.batch_update, raw({"priority": "x"})) == {"priority"}
