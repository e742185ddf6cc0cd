"""What plain clients see and the SDKs do not show: addresses, headers, odd requests, early results."""

import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, ended, stats, text_of, upload, wire, write_lines
from tests.e2e.server import Server

GENERATE = f"/v1beta/models/{MODEL}:generateContent"
CREATE = f"/v1beta/models/{MODEL}:batchGenerateContent"
ONE = {"batch": {"inputConfig": {"requests": {"requests": [{"request": asking("x")}]}}}}


def upload_address(server: Server, **headers: str) -> str:
    return server.http("POST", "/upload/v1beta/files", {"file": {}}, headers).headers["x-goog-upload-url"]


def test_addresses_are_those_that_the_caller_can_reach(server: Server, serve: Serve) -> None:
    by_name = f"localhost:{server.url.rpartition(':')[2]}"
    assert upload_address(server, Host=by_name).startswith(f"http://{by_name}/upload/")
    public = serve(BACKBURNER_PUBLIC_URL="https://models.example.com/gemini/")
    assert upload_address(public).startswith("https://models.example.com/gemini/upload/v1beta/files?")
    made = public.http("POST", "/v1beta/files", {"file": {}}).json["file"]
    assert made["uri"] == f"https://models.example.com/gemini/v1beta/{made['name']}"


@pytest.mark.parametrize(
    "header", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_without_keys_a_foreign_page_is_refused(server: Server, header: dict[str, str]) -> None:
    refused = server.http("POST", GENERATE, asking("x"), headers=header)
    assert refused.status == 403
    assert refused.json["error"]["details"][0]["reason"] == "FOREIGN_HOST"
    local = server.http("POST", GENERATE, asking("x"), headers={"Origin": "http://localhost:3000"})
    assert local.status == 200


def test_what_the_sdks_send_beside_the_point_is_taken(server: Server) -> None:
    """JSON types without a body, bodies with DELETE and cancel, Google's own query parameters."""
    name = server.http("POST", CREATE, ONE).json["name"]
    query = "?alt=json&prettyPrint=true&fields=name&quotaUser=q&callback=c&$.xgafv=2&$alt=json&key=any"
    assert server.http("GET", f"/v1beta/{name}{query}", b"").json["name"] == name
    listed = server.http("GET", f"/v1beta/batches{query}&filter=x&returnPartialSuccess=true")
    assert name in [found["name"] for found in listed.json["operations"]]
    ended(server.client(), name)
    for body in (b"", b"{}"):
        assert server.http("POST", f"/v1beta/{name}:cancel", body).json == {}
    assert server.http("DELETE", f"/v1beta/{name}", b"{}").json == {}


def test_every_success_is_200_with_a_json_body(server: Server) -> None:
    """Python takes any other status for an error, JavaScript parses every body (contract 0.6)."""
    name = server.http("POST", CREATE, ONE).json["name"]
    file = server.http("POST", "/v1beta/files", {"file": {}}).json["file"]["name"]
    cache = server.http("POST", "/v1beta/cachedContents", {"model": MODEL, **asking("a document")}).json[
        "name"
    ]
    ended(server.client(), name)
    calls = [
        ("GET", f"/v1beta/{name}", None),
        ("PATCH", f"/v1beta/{name}:updateGenerateContentBatch", {"displayName": "x"}),
        ("POST", f"/v1beta/{name}:cancel", None),
        ("GET", "/v1beta/batches", None),
        ("GET", f"/v1beta/{file}", None),
        ("GET", "/v1beta/files", None),
        ("GET", f"/v1beta/{cache}", None),
        ("PATCH", f"/v1beta/{cache}", {"ttl": "60s"}),
        ("GET", "/v1beta/cachedContents", None),
        ("GET", "/v1beta/models", None),
        ("GET", "/v1beta/tunedModels", None),
        ("POST", GENERATE, asking("x")),
        ("POST", f"/v1beta/models/{MODEL}:countTokens", asking("x")),
        ("DELETE", f"/v1beta/{cache}", None),
        ("DELETE", f"/v1beta/{file}", None),
        ("DELETE", f"/v1beta/{name}", None),
        ("GET", "/healthz", None),
        ("GET", "/openapi.json", None),
        ("GET", "/schemas/generate.json", None),
        ("GET", "/schemas/embed.json", None),
    ]
    for method, path, body in calls:
        reply = server.http(method, path, body)
        assert reply.status == 200, (method, path, reply.body)
        assert isinstance(reply.json, dict), (method, path)
        assert reply.headers["content-type"].startswith("application/json"), (method, path)


@pytest.mark.parametrize("model", ["org/name", "qwen3:8b", "org/name:tag", "tunedModels/mine"])
def test_model_names_may_hold_slashes_and_colons(server: Server, model: str) -> None:
    path = model if model.startswith("tunedModels/") else f"models/{model}"
    reply = server.http("POST", f"/v1/{path}:generateContent", asking("x"))
    assert reply.json["modelVersion"] == model
    assert server.http("GET", f"/v1/{path}").json["name"] == path
    job = server.http("POST", f"/v1/{path}:batchGenerateContent", ONE).json
    assert job["metadata"]["model"] == path
    assert ended(server.client(), job["name"]).dest.inlined_responses[0].response.model_version == model


def test_a_model_that_nothing_serves_is_not_found(serve: Serve) -> None:
    server = serve(engine=None, options=["--no-pull"])
    for verb, body in (("generateContent", asking("x")), ("batchGenerateContent", ONE)):
        reply = server.http("POST", f"/v1beta/models/nobody-has-this:{verb}", body)
        assert reply.status == 404
        assert reply.json["error"]["details"][0]["reason"] == "MODEL_NOT_FOUND"
        assert "nobody-has-this" in reply.json["error"]["message"]
    wrong = server.http("POST", "/v1beta/models/gemini-embedding-001:batchGenerateContent", ONE)
    assert wrong.json["error"]["details"][0]["reason"] == "MODEL_KIND"


def test_results_can_be_followed_while_the_job_runs(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=100,jitter=1,seed=4")
    client = server.client()
    lines = ({"key": str(n), "request": asking(f"echo {n}")} for n in range(600))
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create(model=MODEL, src=name).name
    followed: list[str] = []
    cursor, rounds, prefixes = "", 0, [0]
    while True:
        page = server.http("GET", f"/v1beta/{job}:results?cursor={cursor}")
        followed += [line["key"] for line in page.lines]
        assert all(text_of(line) == f"echo {line['key']}" for line in page.lines)
        cursor, rounds = page.headers["x-next-cursor"], rounds + bool(page.lines)
        prefix = server.http("GET", f"/v1beta/{job}:results?order=input")
        assert [line["key"] for line in prefix.lines] == [str(n) for n in range(len(prefix.lines))]
        prefixes.append(len(prefix.lines))
        if page.headers["x-incomplete"] == "false":
            break
        time.sleep(0.03)
    assert rounds > 2, "read too late to mean anything"
    assert sorted(followed, key=int) == [str(n) for n in range(600)], "each once"
    assert prefixes == sorted(prefixes)
    assert prefixes[-1] == 600
    assert stats(wire(server, job))["successfulRequest"] == 600
    again = server.http("GET", f"/v1beta/{job}:results")
    assert [line["key"] for line in again.lines] == followed, "the order of commit stays, also after the end"
    assert server.http("GET", f"/v1beta/{job}:results?cursor=nonsense").status == 400
    assert server.http("GET", f"/v1beta/{job}:results?order=random").status == 400


def test_a_running_batch_says_when_it_will_be_done(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=200,jitter=1,seed=4")
    client = server.client()
    lines = ({"key": str(n), "request": asking(f"echo {n}")} for n in range(900))
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create(model=MODEL, src=name).name
    foretold: dict[str, str] = {}
    while not foretold:
        operation = wire(server, job)
        assert not operation["done"], "it must say so while it runs"
        foretold = operation["metadata"].get("estimatedCompletion", {})
        time.sleep(0.05)
    assert foretold["earliest"] <= foretold["likely"] <= foretold["latest"]
    watched = server.http("GET", f"/v1beta/{job}:watch")
    assert watched.headers["content-type"].startswith("text/event-stream")
    events = [
        line.removeprefix(b"data: ") for line in watched.body.splitlines() if line.startswith(b"data: ")
    ]
    assert len(events) > 1, "watched too late to mean anything"
    assert json.loads(events[-1])["state"] == "SUCCEEDED"
    assert "estimatedCompletion" not in wire(server, job)["metadata"]


def test_the_content_type_is_spelt_as_the_asynchronous_sdk_looks_for_it(serve: Serve) -> None:
    server = serve("simulated")
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as connection:
        connection.sendall(b"GET /v1beta/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"\r\nContent-Type: application/json; charset=UTF-8\r\n" in answer
