"""Jobs, files, caches and models on the wire, and what the real SDK reads of them."""

import base64
import json
from typing import Any

import msgspec
import pytest
from google.genai import types

from backburner.core.errors import Code
from backburner.core.job import Counts, Job, JobError, JobKind, JobState, Webhook
from backburner.dialects.gemini.resources import (
    CacheView,
    FileView,
    ModelView,
    StatePrefix,
    batch_resource,
    cache_object,
    file_object,
    inline_items,
    model_object,
    operation,
)

JOB = Job(
    id="b1",
    tenant="default",
    dialect="gemini",
    kind=JobKind.GENERATE,
    model="gemini-2.5-flash",
    state=JobState.RUNNING,
    created_at=1000.0,
    updated_at=1001.5,
    started_at=1001.0,
    expire_at=9000.0,
    window_s=100.0,
    display_name="my job",
    priority=-3,
    input_name="files/in",
    input_blob="x",
    input_bytes=1,
    counts=Counts(4, 1, 1),
)


def job(**changes: Any) -> Job:
    return msgspec.structs.replace(JOB, **changes)


def wire(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


def ended(state: JobState, **changes: Any) -> Job:
    return job(state=state, ended_at=2000.0, results_blob="r", **changes)


def test_a_running_job() -> None:
    assert wire(operation(JOB)) == {
        "name": "batches/b1",
        "metadata": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "name": "batches/b1",
            "model": "models/gemini-2.5-flash",
            "displayName": "my job",
            "inputConfig": {"fileName": "files/in"},
            "createTime": "1970-01-01T00:16:40.000000Z",
            "startTime": "1970-01-01T00:16:41.000000Z",
            "updateTime": "1970-01-01T00:16:41.500000Z",
            "batchStats": {
                "requestCount": "4",
                "successfulRequestCount": "1",
                "failedRequestCount": "1",
                "pendingRequestCount": "2",
            },
            "state": "JOB_STATE_RUNNING",
            "priority": "-3",
        },
        "done": False,
    }


@pytest.mark.parametrize("state", list(JobState))
def test_states_have_the_documented_names_or_the_real_ones(state: JobState) -> None:
    word = "RUNNING" if state is JobState.FINALIZING else state.value
    found = operation(job(state=state))
    assert found["metadata"]["state"] == f"JOB_STATE_{word}"
    assert found["done"] is (
        state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)
    )
    assert operation(job(state=state), prefix=StatePrefix.BATCH)["metadata"]["state"] == f"BATCH_STATE_{word}"


def test_the_output_of_a_file_job_stands_in_both_places() -> None:
    found = wire(operation(ended(JobState.SUCCEEDED)))
    assert found["metadata"]["output"] == {"responsesFile": "files/batch-b1"}
    assert found["response"] == {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput",
        "responsesFile": "files/batch-b1",
    }
    assert "error" not in found


@pytest.mark.parametrize(
    ("state", "code"), [(JobState.FAILED, 13), (JobState.CANCELLED, 1), (JobState.EXPIRED, 4)]
)
def test_a_job_that_did_not_succeed_has_an_error_and_keeps_its_output(state: JobState, code: int) -> None:
    found = wire(operation(ended(state)))
    assert found["error"]["code"] == code
    assert found["error"]["message"]
    assert found["metadata"]["output"] == {"responsesFile": "files/batch-b1"}
    assert "response" not in found
    told = wire(operation(ended(state, error=JobError(Code.INVALID_ARGUMENT, "because"))))
    assert told["error"] == {"code": 3, "message": "because"}


def test_there_is_no_output_before_it_can_be_read() -> None:
    found = wire(operation(job(state=JobState.CANCELLED, ended_at=2000.0)))
    assert "output" not in found["metadata"]
    assert "output" not in wire(operation(ended(JobState.SUCCEEDED, input_name=None)))["metadata"]


LINES = [
    b'"metadata":{"key":"a","n":5,"o":{"x":[1]}},"response":{"candidates":[]}',
    b'"metadata":{"key":"b"},"error":{"code":3,"message":"no"}',
    b'"response":{"candidates":[]}',
]
ITEMS = [b"{" + line + b"}\n" for line in LINES]


def test_inline_results_come_as_they_are_in_both_places() -> None:
    found = wire(operation(ended(JobState.SUCCEEDED, input_name=None), inline=inline_items(ITEMS)))
    items = [json.loads(item) for item in ITEMS]
    assert found["metadata"]["output"] == {"inlinedResponses": {"inlinedResponses": items}}
    assert found["response"]["inlinedResponses"] == {"inlinedResponses": items}


def test_for_the_python_sdk_metadata_are_strings_and_it_reads_them() -> None:
    inline = inline_items(ITEMS, python_reader=True)
    found = wire(operation(ended(JobState.SUCCEEDED, input_name=None), inline=inline))
    metadata = [
        item.get("metadata") for item in found["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    ]
    assert metadata == [{"key": "a", "n": "5", "o": '{"x":[1]}'}, {"key": "b"}, None]
    for item in found["response"]["inlinedResponses"]["inlinedResponses"]:
        types.InlinedResponse.model_validate(item)


def test_a_job_without_results_has_an_empty_list() -> None:
    found = wire(operation(ended(JobState.CANCELLED, input_name=None), inline=inline_items([])))
    assert found["metadata"]["output"] == {"inlinedResponses": {"inlinedResponses": []}}


def test_an_embedding_job_is_named_so() -> None:
    found = operation(ended(JobState.SUCCEEDED, kind=JobKind.EMBED))
    assert found["metadata"]["@type"].endswith(".EmbedContentBatch")
    assert found["response"]["@type"].endswith(".EmbedContentBatchOutput")


def test_warnings_webhooks_and_more_stand_in_the_metadata() -> None:
    noted = job(warnings=("w",), webhook=Webhook(("u",)))
    found = batch_resource(noted, more={"eta": "soon"})
    assert (found["warnings"], found["webhookConfig"], found["eta"]) == (
        ["w"],
        {"uris": ["u"], "userMetadata": {}},
        "soon",
    )


@pytest.mark.parametrize("name", ["models/a", "tunedModels/a"])
def test_a_models_full_name_is_kept(name: str) -> None:
    assert operation(job(model=name))["metadata"]["model"] == name


FILE = FileView(
    id="abc",
    mime_type="text/plain",
    size_bytes=5,
    created_at=1000.0,
    updated_at=1000.0,
    expire_at=2000.0,
    display_name="d",
    sha256="ab" * 32,
)


def test_a_file_as_the_sdk_reads_it() -> None:
    found = types.File.model_validate(wire(file_object(FILE, "http://h:1/p/")))
    assert (found.name, found.size_bytes, found.state) == ("files/abc", 5, types.FileState.ACTIVE)
    assert found.uri == "http://h:1/p/v1beta/files/abc"
    assert found.source is types.FileSource.UPLOADED
    assert base64.b64decode(found.sha256_hash or "").decode() == "ab" * 32
    assert found.download_uri is None


def test_a_result_file_can_be_downloaded() -> None:
    found = file_object(msgspec.structs.replace(FILE, generated=True), "http://h")
    assert found["downloadUri"] == "http://h/v1beta/files/abc:download?alt=media"
    assert found["source"] == "GENERATED"


def test_a_cache_as_the_sdk_reads_it() -> None:
    view = CacheView(id="c", model="m", created_at=1.0, updated_at=2.0, expire_at=3.0, tokens=9)
    found = types.CachedContent.model_validate(wire(cache_object(view)))
    assert (found.name, found.model) == ("cachedContents/c", "models/m")
    assert found.usage_metadata is not None
    assert found.usage_metadata.total_token_count == 9


def test_models_say_what_they_can_do() -> None:
    chat = model_object(ModelView(id="gemini-2.5-flash", version="SmolLM2", input_tokens=8192, thinking=True))
    assert chat["name"] == "models/gemini-2.5-flash"
    assert {"generateContent", "countTokens", "batchGenerateContent", "createCachedContent"} == set(
        chat["supportedGenerationMethods"]
    )
    assert chat["inputTokenLimit"] == 8192
    embed = model_object(ModelView(id="e", version="MiniLM", chat=False, embed=True))
    assert {"embedContent", "asyncBatchEmbedContent"} <= set(embed["supportedGenerationMethods"])
    assert "temperature" not in embed
