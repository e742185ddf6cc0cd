"""Message batches with the official Anthropic SDK, as its documentation walks through them."""

import time
from datetime import timedelta
from pathlib import Path

import anthropic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages.batch_create_params import Request

from tests.e2e.anthropic_batches import MODEL, client, counts, ended, made_key, params, request, text_of
from tests.e2e.conftest import Serve
from tests.e2e.server import Server


@pytest.fixture
def asking(server: Server) -> anthropic.Anthropic:
    return client(server)


def test_the_documented_walk_through(asking: anthropic.Anthropic) -> None:
    """Create, poll, stream the results, list: the code of the guide, with a shorter sleep."""
    message_batch = asking.messages.batches.create(
        requests=[
            Request(
                custom_id="my-first-request",
                params=MessageCreateParamsNonStreaming(
                    model=MODEL,
                    max_tokens=1024,
                    messages=[{"role": "user", "content": "Hello, world"}],
                ),
            ),
            Request(
                custom_id="my-second-request",
                params=MessageCreateParamsNonStreaming(
                    model=MODEL,
                    max_tokens=1024,
                    messages=[{"role": "user", "content": "Hi again, friend"}],
                ),
            ),
        ]
    )
    assert message_batch.id.startswith("msgbatch_")
    assert message_batch.type == "message_batch"
    assert message_batch.expires_at - message_batch.created_at == timedelta(hours=24)
    batch_id = message_batch.id

    while True:
        message_batch = asking.messages.batches.retrieve(batch_id)
        if message_batch.processing_status == "ended":
            break
        time.sleep(0.05)
    assert message_batch.ended_at is not None
    assert message_batch.ended_at >= message_batch.created_at
    assert message_batch.archived_at is None
    assert counts(message_batch) == {"succeeded": 2}

    said = {}
    for result in asking.messages.batches.results(batch_id):
        match result.result.type:
            case "succeeded":
                said[result.custom_id] = text_of(result.result.message)
                assert result.result.message.usage.service_tier == "batch"
            case other:
                raise AssertionError(other)
    assert said == {"my-first-request": "Hello, world", "my-second-request": "Hi again, friend"}

    assert batch_id in [found.id for found in asking.messages.batches.list(limit=20)]


def test_results_come_in_the_order_of_the_requests(asking: anthropic.Anthropic) -> None:
    labels = [f"r-{n * 7919 % 500}" for n in range(500)]
    batch = ended(asking, asking.messages.batches.create(requests=[request(label) for label in labels]))
    results = list(asking.messages.batches.results(batch.id))
    assert [result.custom_id for result in results] == labels
    assert [text_of(result.result.message) for result in results] == [f"echo {label}" for label in labels]
    assert len({result.result.message.id for result in results}) == 500


def test_a_request_in_all_its_members(asking: anthropic.Anthropic) -> None:
    full = params(
        "what is it?",
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        temperature=0,
        top_p=0.9,
        top_k=5,
        stop_sequences=["END"],
        metadata={"user_id": "u"},
    )
    batch = ended(asking, asking.messages.batches.create(requests=[{"custom_id": "a", "params": full}]))
    [result] = asking.messages.batches.results(batch.id)
    assert text_of(result.result.message) == "what is it?"


def test_counts_are_live_and_results_come_before_the_end(serve: Serve) -> None:
    server = serve("simulated:latency_ms=300,jitter=0.9,seed=3")
    asking = client(server)
    batch = asking.messages.batches.create(requests=[request(f"r{n}") for n in range(300)])
    seen: list[int] = []
    path = f"/anthropic/v1/messages/batches/{batch.id}/results"
    early, cursor = [], ""
    while batch.processing_status != "ended":
        done = batch.request_counts
        assert sum(done.to_dict().values()) == 300
        seen.append(done.succeeded)
        reply = server.http("GET", f"{path}?cursor={cursor}" if cursor else path)
        assert reply.headers["content-type"] == "application/x-jsonl"
        early += [line["custom_id"] for line in reply.lines]
        cursor = reply.headers["x-next-cursor"] if reply.headers["x-incomplete"] == "true" else cursor
        time.sleep(0.05)
        batch = asking.messages.batches.retrieve(batch.id)
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "the counts move while the batch runs"
    assert len(early) == len(set(early)), "a cursor never gives a result twice"
    assert early, "results came before the end"
    reply = server.http("GET", path)
    assert reply.headers["x-incomplete"] == "false"
    assert [line["custom_id"] for line in reply.lines] == [f"r{n}" for n in range(300)]


def test_cancel_keeps_what_is_there(serve: Serve) -> None:
    asking = client(serve("simulated:latency_ms=400,jitter=0.9,seed=3"))
    batch = asking.messages.batches.create(requests=[request(f"r{n}") for n in range(400)])
    while not asking.messages.batches.retrieve(batch.id).request_counts.succeeded:
        time.sleep(0.02)
    cancelled = asking.messages.batches.cancel(batch.id)
    assert cancelled.processing_status in ("canceling", "ended")
    assert cancelled.cancel_initiated_at is not None
    batch = ended(asking, batch)
    found = batch.request_counts
    assert found.processing == found.errored == found.expired == 0
    assert 0 < found.succeeded < 400
    assert found.canceled == 400 - found.succeeded
    results = list(asking.messages.batches.results(batch.id))
    assert [result.custom_id for result in results] == [f"r{n}" for n in range(400)]
    kinds = [result.result.type for result in results]
    assert (kinds.count("succeeded"), kinds.count("canceled")) == (found.succeeded, found.canceled)
    again = asking.messages.batches.cancel(batch.id)
    assert (again.processing_status, counts(again)) == ("ended", counts(batch)), "harmless a second time"


def test_only_what_has_ended_can_be_deleted(serve: Serve) -> None:
    asking = client(serve("simulated:latency_ms=2000"))
    batch = asking.messages.batches.create(requests=[request("a")])
    with pytest.raises(anthropic.BadRequestError, match="Cancel it first"):
        asking.messages.batches.delete(batch.id)
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        asking.messages.batches.results(batch.id)
    asking.messages.batches.cancel(batch.id)
    gone = asking.messages.batches.delete(batch.id)
    assert (gone.id, gone.type) == (batch.id, "message_batch_deleted")
    for call in (
        asking.messages.batches.retrieve,
        asking.messages.batches.delete,
        asking.messages.batches.cancel,
    ):
        with pytest.raises(anthropic.NotFoundError):
            call(batch.id)


def test_lists_go_in_both_directions(serve: Serve) -> None:
    server = serve("simulated:latency_ms=1")
    asking = client(server)
    assert list(asking.messages.batches.list()) == []
    server.client().batches.create(model="gemini-x", src=[{"contents": "x"}])
    made = [asking.messages.batches.create(requests=[request("a")]).id for _ in range(5)][::-1]
    page = asking.messages.batches.list(limit=2)
    assert [batch.id for batch in page.data] == made[:2], "newest first, and no job of another dialect"
    assert (page.has_more, page.first_id, page.last_id) == (True, made[0], made[1])
    assert [batch.id for batch in asking.messages.batches.list(limit=2)] == made, "the pager finds them all"
    page = asking.messages.batches.list(limit=2, before_id=made[4])
    assert ([batch.id for batch in page.data], page.has_more) == (made[2:4], True)
    page = asking.messages.batches.list(limit=2, after_id=made[3])
    assert ([batch.id for batch in page.data], page.has_more) == (made[4:], False)
    for wrong in (0, 1001):
        with pytest.raises(anthropic.BadRequestError, match="1 to 1000"):
            asking.messages.batches.list(limit=wrong)
    with pytest.raises(anthropic.NotFoundError):
        asking.messages.batches.list(after_id="msgbatch_none")


def test_a_batch_is_a_job_like_any_other(server: Server, asking: anthropic.Anthropic) -> None:
    batch = asking.messages.batches.create(requests=[request("a")])
    job = batch.id.removeprefix("msgbatch_")
    ended(asking, batch)
    assert server.http("GET", f"/v1beta/batches/{job}").json["metadata"]["state"] == "JOB_STATE_SUCCEEDED"
    found = server.http("GET", f"/api/v1/jobs/{job}")
    assert (found.status, found.json["id"]) == (200, job)


def test_what_was_cancelled_can_be_tried_again(serve: Serve) -> None:
    server = serve("simulated:latency_ms=300,jitter=0.5,seed=3")
    asking = client(server)
    batch = asking.messages.batches.create(requests=[request(f"r{n}") for n in range(200)])
    while not asking.messages.batches.retrieve(batch.id).request_counts.succeeded:
        time.sleep(0.02)
    asking.messages.batches.cancel(batch.id)
    left = ended(asking, batch).request_counts.canceled
    job = batch.id.removeprefix("msgbatch_")
    again = server.http("POST", f"/api/v1/jobs/{job}:retry")
    assert again.status == 200, again.body
    rest = ended(asking, "msgbatch_" + again.json["id"])
    assert counts(rest) == {"succeeded": left}
    labels = [result.custom_id for result in asking.messages.batches.results(rest.id)]
    assert labels == [f"r{n}" for n in range(200) if f"r{n}" in set(labels)]


def test_a_key_in_either_header(tmp_path: Path) -> None:
    server = Server(tmp_path)
    key = made_key(server)
    try:
        server.start()
        with_header = client(server, key)
        batch = ended(with_header, with_header.messages.batches.create(requests=[request("a")]))
        for headers in ({"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
            path = f"/anthropic/v1/messages/batches/{batch.id}"
            reply = server.http("GET", path, headers={"x-goog-api-key": "", **headers})
            assert (reply.status, reply.json["id"]) == (200, batch.id)
        with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
            client(server, "wrong").messages.batches.list()
        reply = server.http("GET", "/anthropic/v1/messages/batches", headers={"x-goog-api-key": ""})
        assert (reply.status, reply.json["error"]["type"]) == (401, "authentication_error")
        assert reply.json["request_id"] == reply.headers["request-id"]
    finally:
        server.kill()


def test_the_beta_namespace(server: Server, asking: anthropic.Anthropic) -> None:
    batch = asking.beta.messages.batches.create(requests=[request("a")])
    ended(asking, batch.id)
    [result] = asking.beta.messages.batches.results(batch.id)
    assert result.custom_id == "a"
    reply = server.http(
        "GET",
        f"/anthropic/v1/messages/batches/{batch.id}?beta=true",
        headers={"anthropic-beta": "message-batches-2024-09-24,another-2030-01-01"},
    )
    assert reply.status == 200


def test_the_same_key_makes_one_batch(server: Server, asking: anthropic.Anthropic) -> None:
    once = {"Idempotency-Key": "k1"}
    first = asking.messages.batches.create(requests=[request("a")], extra_headers=once)
    assert asking.messages.batches.create(requests=[request("a")], extra_headers=once).id == first.id
    with pytest.raises(anthropic.ConflictError):
        asking.messages.batches.create(requests=[request("b")], extra_headers=once)


def test_a_killed_server_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path, engine="simulated:latency_ms=200,jitter=0.9,seed=5")
    server.start()
    try:
        asking = client(server)
        labels = [f"r{n}" for n in range(400)]
        batch = asking.messages.batches.create(requests=[request(label) for label in labels])
        while not asking.messages.batches.retrieve(batch.id).request_counts.succeeded:
            time.sleep(0.02)
        server.kill()
        server.start()
        batch = ended(asking, batch)
        assert counts(batch) == {"succeeded": 400}
        results = list(asking.messages.batches.results(batch.id))
        assert [result.custom_id for result in results] == labels
    finally:
        server.kill()
