"""What happens to a job besides being done: cancelled, deleted, listed, updated, asked for twice."""

import time
from pathlib import Path

import pytest
from google import genai

from tests.e2e.calls import Calls
from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, stats, succeeded, text_of, upload, wire, write_lines
from tests.e2e.server import Server


def running_job(server: Server, client: genai.Client, tmp_path: Path, count: int = 2_000) -> str:
    """The name of a file job that has some answers and needs seconds for the rest."""
    lines = ({"key": f"k{n}", "request": asking(f"echo {n}")} for n in range(count))
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create(model=MODEL, src=name)
    give_up_at = time.monotonic() + 30
    while stats(wire(server, job.name))["successfulRequest"] < 20:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    return job.name


def test_cancel_takes_effect_at_once_and_keeps_what_is_done(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=300,jitter=1,seed=1,log=calls.jsonl")
    client = server.client()
    name = running_job(server, client, tmp_path)
    client.batches.cancel(name=name)

    job = client.batches.get(name=name)
    assert job.state.name == "JOB_STATE_CANCELLED"
    assert job.done
    operation = wire(server, name)
    assert operation["error"]["code"] == 1
    done = stats(operation)["successfulRequest"]
    assert 20 <= done < 2_000
    lines = server.http("GET", f"/v1beta/{job.dest.file_name}:download?alt=media").lines
    answers = [line for line in lines if "response" in line]
    assert len(answers) == done, "every answer that was counted is kept"
    assert all(text_of(line) == f"echo {line['key'].removeprefix('k')}" for line in answers)
    keys = [int(line["key"].removeprefix("k")) for line in lines]
    assert keys == sorted(set(keys)), "in input order, none twice"
    assert all(line["error"]["code"] == 1 for line in lines if "response" not in line)

    calls_at_cancel = len(Calls(server.folder / "calls.jsonl").started())
    time.sleep(0.7)
    assert len(Calls(server.folder / "calls.jsonl").started()) == calls_at_cancel, "no new calls after it"


def test_cancelling_what_has_ended_changes_nothing(server: Server, client: genai.Client) -> None:
    job = succeeded(client, client.batches.create(model=MODEL, src=[{"contents": "hello"}]))
    client.batches.cancel(name=job.name)
    again = client.batches.get(name=job.name)
    assert again.state.name == "JOB_STATE_SUCCEEDED"
    assert again.dest.inlined_responses[0].response.text == "hello"


def test_the_documented_gets_that_cancel_and_delete(serve: Serve, tmp_path: Path) -> None:
    """The documentation's curl for both is a GET; the key must be in the header (contract 1.1)."""
    server = serve("simulated:latency_ms=300,jitter=1")
    name = running_job(server, server.client(), tmp_path)
    assert server.http("GET", f"/v1beta/{name}:cancel", headers={"Content-Type": ""}).json == {}
    assert wire(server, name)["metadata"]["state"] == "JOB_STATE_CANCELLED"
    assert server.http("GET", f"/v1beta/{name}:delete").json == {}
    assert server.http("GET", f"/v1beta/{name}").status == 404


def test_a_deleted_job_stops_and_is_gone(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=300,jitter=1,log=calls.jsonl")
    client = server.client()
    name = running_job(server, client, tmp_path)
    client.batches.delete(name=name)

    with pytest.raises(genai.errors.ClientError) as gone:
        client.batches.get(name=name)
    assert gone.value.code == 404
    assert gone.value.status == "NOT_FOUND"
    assert name not in [job.name for job in client.batches.list()]
    calls = len(Calls(server.folder / "calls.jsonl").started())
    time.sleep(0.7)
    assert len(Calls(server.folder / "calls.jsonl").started()) == calls


def test_the_list_is_newest_first_and_no_page_is_empty(serve: Serve) -> None:
    server = serve()
    client = server.client()
    assert list(client.batches.list()) == []
    made = [
        client.batches.create(
            model=MODEL, src=[{"contents": "x"}], config={"display_name": f"number {n}"}
        ).name
        for n in range(5)
    ]
    for name in made:
        succeeded(client, name)

    assert [job.name for job in client.batches.list(config={"page_size": 2})] == made[::-1]
    assert [job.display_name for job in client.batches.list()] == [f"number {n}" for n in (4, 3, 2, 1, 0)]
    sizes: list[int] = []
    token = ""
    while True:
        page = server.http("GET", f"/v1beta/batches?pageSize=1&pageToken={token}").json
        sizes.append(len(page["operations"]))
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert sizes == [1] * 5, "an empty page with a token breaks the SDKs' iterators (contract 1.6)"


def test_a_job_is_the_same_under_every_version_of_the_path(server: Server) -> None:
    name = server.client(api_version="v1beta").batches.create(model=MODEL, src=[{"contents": "x"}]).name
    for version in ("v1", "v1beta", "v1alpha"):
        client = server.client(api_version=version)
        assert succeeded(client, name).dest.inlined_responses[0].response.text == "x"


def test_the_same_creation_with_the_same_idempotency_key_is_one_job(
    server: Server, client: genai.Client
) -> None:
    def create(text: str, key: str) -> str:
        config = {"display_name": "once", "http_options": {"headers": {"Idempotency-Key": key}}}
        return client.batches.create(model=MODEL, src=[{"contents": text}], config=config).name

    first = create("hello", "one-1")
    assert create("hello", "one-1") == first
    assert create("hello", "one-2") != first
    with pytest.raises(genai.errors.ClientError) as refused:
        create("another body", "one-1")
    assert refused.value.code == 409
    assert "Idempotency-Key" in str(refused.value)


def test_priority_and_display_name_can_be_changed(server: Server, client: genai.Client) -> None:
    name = client.batches.create(model=MODEL, src=[{"contents": "x"}], config={"display_name": "before"}).name
    reply = server.http(
        "PATCH",
        f"/v1beta/{name}:updateGenerateContentBatch?updateMask=displayName,priority",
        {"displayName": "after", "priority": "7"},
    )
    assert reply.status == 200, reply.body
    assert reply.json["name"] == name, "the batch itself, not an operation (contract 1.1)"
    assert (reply.json["displayName"], reply.json["priority"]) == ("after", "7")
    assert client.batches.get(name=name).display_name == "after"
    refused = server.http(
        "PATCH", f"/v1beta/{name}:updateGenerateContentBatch?updateMask=model", {"model": "models/other"}
    )
    assert refused.status == 400
    assert "model" in refused.json["error"]["message"]
