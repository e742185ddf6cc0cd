"""The native API on a real server, with jobs made by the official SDK."""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from google import genai
from jsonschema import Draft202012Validator

from backburner.core.limits import DRAIN_S
from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, succeeded, text_of, upload, wire, write_lines
from tests.e2e.server import Server

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def file_job(client: genai.Client, folder: Path, count: int, name: str = "") -> str:
    lines = ({"key": f"k{n}", "request": asking(f"echo {n}")} for n in range(count))
    source = upload(client, write_lines(folder / "in.jsonl", lines))
    made = client.batches.create(model=MODEL, src=source, config={"display_name": name or "a job"}).name
    assert made is not None
    return made.removeprefix("batches/")


def stream(server: Server, path: str) -> Iterator[bytes]:
    """Lines as they come in."""
    request = urllib.request.Request(server.url + path, headers={"x-goog-api-key": "any"})
    with _direct.open(request, timeout=60) as reply:
        yield from reply


def events(server: Server, path: str) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in stream(server, path):
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
        elif line.startswith(b"data: "):
            yield name, json.loads(line[6:])


def test_progress_comes_live_and_ends_with_the_end(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=200,jitter=0.5,seed=1")
    job = file_job(server.client(), tmp_path, 600)
    for path in (f"/api/v1/jobs/{job}/events", f"/v1beta/batches/{job}:watch"):
        began = time.monotonic()
        seen = [(time.monotonic() - began, name, data) for name, data in events(server, path)]
        assert [name for _, name, _ in seen][-1] == "end"
        assert seen[-1][2]["state"] == "SUCCEEDED"
        if path.startswith("/api"):
            assert len(seen) > 3, "while it ran"
            assert seen[1][0] < seen[-1][0] - 0.5, "not all at the end"
            foretold = [data["estimated_completion"] for _, _, data in seen if data["estimated_completion"]]
            assert foretold, "when it will be done"
            assert any(data["rate_per_s"] > 50 for _, _, data in seen)
    results = server.http("GET", f"/api/v1/jobs/{job}/results?order=input").lines
    assert [line["key"] for line in results] == [f"k{n}" for n in range(600)]


def test_the_estimate_stands_in_the_gemini_resource_too(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=300,jitter=0.5,seed=1")
    client = server.client()
    name = f"batches/{file_job(client, tmp_path, 600)}"
    give_up_at = time.monotonic() + 20
    while "estimatedCompletion" not in (metadata := wire(server, name)["metadata"]):
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    foretold = metadata["estimatedCompletion"]
    assert foretold["earliest"] <= foretold["likely"] <= foretold["latest"]
    assert client.batches.get(name=name).state.name == "JOB_STATE_RUNNING", "the SDK does not mind"
    succeeded(client, name)
    assert "estimatedCompletion" not in wire(server, name)["metadata"]


def test_results_are_followed_through_a_kill_of_the_server(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=200,jitter=1,seed=3")
    job = file_job(server.client(), tmp_path, 1_000)
    lines: list[Any] = []

    def follow(cursor: str) -> None:
        try:
            path = f"/api/v1/jobs/{job}/results?follow=true&envelope=true&cursor={cursor}"
            lines.extend(json.loads(line) for line in stream(server, path))
        except (OSError, HTTPException, ValueError):
            pass  # the server was killed, perhaps in the middle of a line

    reader = threading.Thread(target=follow, args=("",))
    reader.start()
    give_up_at = time.monotonic() + 20
    while server.http("GET", f"/api/v1/jobs/{job}").json["counts"]["succeeded"] < 300:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    server.kill()
    reader.join()
    before = len(lines)
    server.start()
    follow(lines[-1]["cursor"] if lines else "")
    assert [line["seq"] for line in lines] == list(range(1, 1_001)), "each once, in the order of commit"
    assert sorted(line["ordinal"] for line in lines) == list(range(1_000))
    assert all(text_of(line["line"]) == f"echo {line['ordinal']}" for line in lines)
    assert before < 1_000


def test_the_document_describes_what_the_server_says(server: Server, client: genai.Client) -> None:
    job = succeeded(client, client.batches.create(model=MODEL, src=[{"contents": "hello"}]))
    id_ = str(job.name).removeprefix("batches/")
    document = server.http("GET", "/openapi.json").json
    checked = 0
    for path, operations in document["paths"].items():
        schema = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if path.startswith("/api/v1/") and "application/json" in schema:
            named = f"batch-{id_}" if path.startswith("/api/v1/files/") else id_
            reply = server.http("GET", path.replace("{id}", named))
            assert reply.status == 200, path
            whole = {**schema["application/json"]["schema"], "components": document["components"]}
            Draft202012Validator(whole).validate(reply.json)
            checked += 1
    assert checked >= 8


def test_a_request_can_be_looked_at_beside_its_outcome(server: Server, client: genai.Client) -> None:
    job = succeeded(
        client, client.batches.create(model=MODEL, src=[{"contents": f"n {n}"} for n in range(3)])
    )
    id_ = str(job.name).removeprefix("batches/")
    rows = server.http("GET", f"/api/v1/jobs/{id_}/requests").json["requests"]
    assert [text_of(row["result"]) for row in rows] == ["n 0", "n 1", "n 2"]
    assert all(row["outcome"]["kind"] == "answer" and len(row["attempts"]) == 1 for row in rows)


def test_a_server_that_is_watched_stops_cleanly(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=2000")
    job = file_job(server.client(), tmp_path, 3_000)
    watching = threading.Thread(target=lambda: _until_cut(server, f"/api/v1/jobs/{job}/events"))
    following = threading.Thread(target=lambda: _until_cut(server, f"/api/v1/jobs/{job}/results?follow=1"))
    watching.start()
    following.start()
    time.sleep(1)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < DRAIN_S + 3, "streams are not waited for; calls in flight are"
    watching.join(20)
    following.join(20)
    assert not watching.is_alive()
    assert "Traceback" not in server.words()


def _until_cut(server: Server, path: str) -> None:
    with contextlib.suppress(OSError, HTTPException):
        list(stream(server, path))
