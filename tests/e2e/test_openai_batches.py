"""Batches through the OpenAI door, with OpenAI's SDK unmodified: the documented walk-through and what is beyond."""

import json
import time
from pathlib import Path

import openai
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.jobs import wire
from tests.e2e.openai_jobs import (
    CHAT,
    MODEL,
    ROOTS,
    client_of,
    completed,
    ended,
    line,
    lines_of,
    saying,
    start,
    text_of,
    upload,
)
from tests.e2e.server import Server


@pytest.fixture(params=ROOTS)
def client(server: Server, request: pytest.FixtureRequest) -> openai.OpenAI:
    return client_of(server, request.param)


@pytest.fixture
def plain(server: Server) -> openai.OpenAI:
    return client_of(server)


def test_the_documented_walk_through(client: openai.OpenAI, tmp_path: Path) -> None:
    """Prepare, upload, create, check, retrieve, list: as the guide has it."""
    path = tmp_path / "batchinput.jsonl"
    path.write_text("\n".join(json.dumps(saying(f"request-{n}", f"Hello {n}")) for n in (1, 2)))
    batch_input_file = client.files.create(file=path.open("rb"), purpose="batch")
    batch = client.batches.create(
        input_file_id=batch_input_file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"description": "nightly eval job"},
    )
    assert batch.status == "validating"
    assert batch.metadata == {"description": "nightly eval job"}
    assert batch.input_file_id == batch_input_file.id

    batch = completed(client, batch)
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (
        2,
        2,
        0,
    )
    assert batch.error_file_id is None
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    assert batch.expires_at == batch.created_at + 86400
    usage = batch.to_dict()["usage"]  # older SDKs have no type for it
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] == 8
    file_response = client.files.content(batch.output_file_id)
    results = [json.loads(one) for one in file_response.text.splitlines()]
    assert [result["custom_id"] for result in results] == ["request-1", "request-2"]
    assert [text_of(result) for result in results] == ["Hello 1", "Hello 2"]
    assert batch.id in [found.id for found in client.batches.list(limit=10)]


def test_ids_are_written_as_the_base_url_has_them(server: Server) -> None:
    plain, slashed = (client_of(server, root) for root in ROOTS)
    batch = completed(plain, start(plain, [saying("a", "x")]))
    assert batch.id.startswith("batch_")
    assert batch.output_file_id.startswith("file-")
    job = batch.id.removeprefix("batch_")

    same = slashed.batches.retrieve(batch.id)  # the other form, at the other base URL
    assert same.id == f"batches/{job}"
    assert same.input_file_id == batch.input_file_id.replace("file-", "files/")
    assert slashed.batches.retrieve(f"batches/{job}") == same
    assert plain.batches.retrieve(f"batches/{job}") == batch
    assert lines_of(slashed, same.output_file_id) == lines_of(plain, batch.output_file_id)
    for path in (f"batches/{job}", f"batches%2F{job}", job):
        assert server.http("GET", f"/v1beta/openai/batches/{path}").json["id"] == f"batches/{job}", path


def test_the_job_is_a_job_like_any_other(server: Server, plain: openai.OpenAI) -> None:
    batch = completed(plain, start(plain, [saying("a", "x")], metadata={"name": "mine"}))
    operation = wire(server, f"batches/{batch.id.removeprefix('batch_')}")
    assert operation["metadata"]["state"] == "JOB_STATE_SUCCEEDED"
    assert operation["metadata"]["displayName"] == "mine"


def test_order_whatever_finishes_first(client: openai.OpenAI) -> None:
    ids = [f"id-{n * 7919 % 500:03d}" for n in range(500)]
    batch = completed(client, start(client, (saying(one, f"echo {one}") for one in ids)))
    results = lines_of(client, batch.output_file_id)
    assert [result["custom_id"] for result in results] == ids
    assert [text_of(result) for result in results] == [f"echo {one}" for one in ids]
    assert (
        len({result["id"] for result in results})
        == len({r["response"]["request_id"] for r in results})
        == 500
    )


@pytest.mark.parametrize(
    ("endpoint", "body", "name"),
    [
        ("/v1/completions", {"prompt": "once upon"}, "text_completion"),
        ("/v1/responses", {"input": "once upon"}, "response"),
        ("/v1/embeddings", {"input": ["once", "upon"]}, "list"),
    ],
)
def test_every_endpoint(plain: openai.OpenAI, endpoint: str, body: dict[str, object], name: str) -> None:
    batch = completed(plain, start(plain, [line("a", body, endpoint)], endpoint))
    assert batch.endpoint == endpoint
    [result] = lines_of(plain, batch.output_file_id)
    assert result["response"]["body"]["object"] == name


def test_requests_that_fail_are_in_the_error_file_in_order(plain: openai.OpenAI) -> None:
    lines = [
        saying(
            f"r{n}",
            "x",
            **({"temperature": 9} if n % 3 == 0 else {"web_search_options": {}} if n % 3 == 1 else {}),
        )
        for n in range(30)
    ]
    batch = completed(plain, start(plain, lines))
    assert (batch.request_counts.completed, batch.request_counts.failed) == (10, 20)
    good, bad = lines_of(plain, batch.output_file_id), lines_of(plain, batch.error_file_id)
    assert [result["custom_id"] for result in good] == [f"r{n}" for n in range(30) if n % 3 == 2]
    assert [result["custom_id"] for result in bad] == [f"r{n}" for n in range(30) if n % 3 != 2]
    assert all(result["error"] is None and result["response"]["status_code"] == 400 for result in bad)
    messages = [result["response"]["body"]["error"]["message"] for result in bad]
    assert "temperature: expected a number from 0 to 2, found the number 9" in messages[0]
    assert "google_search" in messages[1]


def test_lines_that_are_wrong_fail_the_batch_with_numbers_and_codes(plain: openai.OpenAI) -> None:
    lines = [
        saying("good", "x"),
        b'{"custom_id": "cut", "method": "POST"',
        b"",
        saying("again", "x"),
        {**saying("again", "x"), "method": "GET"},
        saying("again", "x"),
        line("other", {"input": "x"}, "/v1/embeddings"),
        {**saying("model", "x"), "body": {"model": "gpt-5", "messages": []}},
        {"method": "POST", "url": CHAT, "body": {"model": MODEL}},
    ]
    batch = start(plain, lines)
    assert batch.status == "validating", "an answer, and no refusal: as the real service does"
    batch = ended(plain, batch)
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert [(error.line, error.code) for error in batch.errors.data] == [
        (2, "invalid_json_line"),
        (5, "invalid_method"),
        (6, "duplicate_custom_id"),
        (7, "url_mismatch"),
        (8, "model_mismatch"),
        (9, "missing_required_parameter"),
        (9, "missing_required_parameter"),
    ]
    assert "line 4" in batch.errors.data[2].message
    assert batch.errors.data[-1].param == "body.messages"
    assert batch.output_file_id is None


@pytest.mark.parametrize("content", [b"\n\n", b"not json\n"])
def test_a_file_without_requests(plain: openai.OpenAI, content: bytes) -> None:
    file = plain.files.create(file=("in.jsonl", content), purpose="batch")
    batch = plain.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    batch = ended(plain, batch)
    assert batch.status == "failed"
    assert batch.errors.data[0].code in ("empty_file", "invalid_json_line")


def test_a_model_that_nothing_serves_fails_the_batch(serve: Serve) -> None:
    server = serve("local", options=("--no-pull",))
    client = client_of(server)
    body = {"model": "nobody-1", "messages": [{"role": "user", "content": "x"}]}
    batch = ended(client, start(client, [{**saying("a", "x"), "body": body}]))
    assert batch.status == "failed"
    [error] = batch.errors.data
    assert error.code == "model_not_found"
    assert "nobody-1" in error.message


def test_wrong_lines_may_be_skipped(plain: openai.OpenAI) -> None:
    lines = [saying("a", "x"), b"{", saying("b", "y")]
    headers = {"X-Backburner-On-Invalid": "skip"}
    batch = completed(plain, start(plain, lines, extra_headers=headers))
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 1)
    assert [result["custom_id"] for result in lines_of(plain, batch.output_file_id)] == ["a", "b"]
    [wrong] = lines_of(plain, batch.error_file_id)
    assert wrong["custom_id"] is None
    assert "line 2" in wrong["response"]["body"]["error"]["message"]


def test_what_a_batch_is_created_with_comes_back(plain: openai.OpenAI) -> None:
    expiry = {"anchor": "created_at", "seconds": 7200}
    batch = completed(
        plain, start(plain, [saying("a", "x")], completion_window="30m", output_expires_after=expiry)
    )
    assert batch.completion_window == "30m"
    assert batch.expires_at == batch.created_at + 1800
    assert batch.to_dict()["output_expires_after"] == expiry
    output = plain.files.retrieve(batch.output_file_id)
    assert output.expires_at - output.created_at == 7200
    assert output.purpose == "batch_output"
    assert output.filename == f"{batch.id}_output.jsonl"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"completion_window": "soon"}, "completion_window"),
        ({"endpoint": "/v1/images/generations"}, "endpoint"),
        ({"metadata": {"a": "x" * 600}}, "metadata.a"),
        ({"extra_body": {"endpont": "x"}}, "endpont"),
    ],
)
def test_a_creation_that_is_wrong_is_refused(
    plain: openai.OpenAI, more: dict[str, object], param: str
) -> None:
    values: dict[str, object] = {"endpoint": CHAT, "completion_window": "24h", **more}
    with pytest.raises(openai.BadRequestError) as refused:
        plain.batches.create(input_file_id=upload(plain, [saying("a", "x")]), **values)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"


def test_what_is_not_there(client: openai.OpenAI) -> None:
    for attempt in (
        lambda: client.batches.retrieve("batch_nothing"),
        lambda: client.batches.cancel("batch_nothing"),
        lambda: client.files.retrieve("file-nothing"),
        lambda: client.files.content("file-batch-nothing"),
        lambda: client.batches.create(input_file_id="file-no", endpoint=CHAT, completion_window="24h"),
        lambda: client.batches.list(after="batch_nothing"),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            attempt()
        assert refused.value.body["message"].startswith(("No such File", "No batch found"))


def test_lists_have_pages(serve: Serve) -> None:
    client = client_of(serve())
    made = [start(client, [saying("a", str(n))]).id for n in range(7)]
    page = client.batches.list(limit=3)
    assert [batch.id for batch in page.data] == made[:3:-1]
    assert page.has_more
    assert [batch.id for batch in client.batches.list(limit=3)] == made[::-1], "the SDK turns the pages"
    assert [batch.id for batch in client.batches.list(limit=100, after=made[2])] == [made[1], made[0]]
    with pytest.raises(openai.BadRequestError, match="limit"):
        client.batches.list(limit=101)


def test_cancel_keeps_what_there_is(serve: Serve) -> None:
    server = serve("simulated:latency_ms=150,jitter=0.2,seed=3")
    client = client_of(server)
    batch = start(client, (saying(f"r{n}", f"say {n}") for n in range(1000)))
    while not client.batches.retrieve(batch.id).request_counts.completed:
        time.sleep(0.02)
    batch = client.batches.cancel(batch.id)
    assert batch.status == "cancelled", "there is no cancelling: it is done when the answer comes"
    assert batch.cancelled_at is not None
    assert client.batches.cancel(batch.id).status == "cancelled", "twice is harmless"
    batch = ended(client, batch)
    done, never = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
    assert 0 < len(done) == batch.request_counts.completed < 1000
    assert len(done) + len(never) == 1000
    assert {result["error"]["code"] for result in never} == {"batch_cancelled"}
    numbers = [[int(result["custom_id"][1:]) for result in some] for some in (done, never)]
    assert all(some == sorted(some) for some in numbers), "both files are in input order"


@pytest.mark.slow
def test_a_batch_that_runs_out_of_time(serve: Serve) -> None:
    server = serve("simulated:latency_ms=3000")
    client = client_of(server)
    batch = start(client, (saying(f"r{n}", "x") for n in range(3000)), completion_window="10s")
    batch = ended(client, batch, timeout_s=90)
    assert batch.status == "expired"
    assert batch.expired_at is not None
    never = lines_of(client, batch.error_file_id)
    assert {result["error"]["code"] for result in never} == {"batch_expired"}
    assert len(never) + len(lines_of(client, batch.output_file_id)) == 3000


def test_a_repeated_creation_with_one_key_is_one_batch(plain: openai.OpenAI) -> None:
    file = upload(plain, [saying("a", "x")])
    more = {"input_file_id": file, "endpoint": CHAT, "extra_headers": {"Idempotency-Key": file}}
    first = plain.batches.create(completion_window="24h", **more)
    assert plain.batches.create(completion_window="24h", **more).id == first.id
    with pytest.raises(openai.ConflictError):
        plain.batches.create(completion_window="1h", **more)
