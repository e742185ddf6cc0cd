"""What is wrong is said in Anthropic's shape, all of it at once, and what to do instead."""

from typing import Any

import anthropic
import pytest

from tests.e2e.anthropic_batches import MODEL, client, counts, ended, params, request
from tests.e2e.conftest import Serve
from tests.e2e.server import Server

BATCHES = "/anthropic/v1/messages/batches"


@pytest.fixture
def asking(server: Server) -> anthropic.Anthropic:
    return client(server)


def refused(asking: anthropic.Anthropic, requests: list[Any], **more: Any) -> dict[str, Any]:
    """The error object of a creation that is refused."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        asking.messages.batches.create(requests=requests, **more)
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert caught.value.request_id == body["request_id"]
    return body["error"]


def test_every_wrong_request_is_named(asking: anthropic.Anthropic) -> None:
    before = len(list(asking.messages.batches.list()))
    error = refused(
        asking,
        [
            request("good"),
            request("a", max_tokens=0),
            request("not good"),
            {"custom_id": "c", "params": {"model": MODEL, "max_tokens": 5}},
            request("d", temperature=3, stream=True),
        ],
    )
    assert error["message"].startswith("4 of 5 requests are wrong: ")
    for place in (
        "requests.1.params.max_tokens",
        "requests.2.custom_id",
        "requests.3.params.messages",
        "requests.4.params.temperature",
        "requests.4.params.stream",
    ):
        assert place in error["message"]
    rows = error["details"]["violations"]
    assert (rows[0]["path"], rows[0]["custom_id"]) == ("requests.1.params.max_tokens", "a")
    assert len(list(asking.messages.batches.list())) == before, "nothing was created"


def test_a_repeated_custom_id_is_refused(asking: anthropic.Anthropic) -> None:
    error = refused(asking, [request("a"), request("b"), request("a")])
    assert "1 of 3" in error["message"]
    assert "requests.2.custom_id" in error["message"]
    assert "requests.0" in error["message"]


def test_a_batch_has_one_model(asking: anthropic.Anthropic) -> None:
    error = refused(asking, [request("a"), request("b", model="claude-other")])
    assert "requests.1.params.model" in error["message"]
    assert "Make one batch for each model" in error["message"]


def test_the_good_ones_run_where_that_is_wanted(asking: anthropic.Anthropic) -> None:
    skip = {"X-Backburner-On-Invalid": "skip"}
    wrong = [request("a"), request("b", max_tokens=0), request("c"), request("a", "again")]
    batch = ended(asking, asking.messages.batches.create(requests=wrong, extra_headers=skip))
    assert counts(batch) == {"succeeded": 2, "errored": 2}
    results = list(asking.messages.batches.results(batch.id))
    assert [result.result.type for result in results] == ["succeeded", "errored", "succeeded", "errored"]
    errors: list[Any] = [result.result.error for result in results if result.result.type == "errored"]
    assert [error.error.type for error in errors] == ["invalid_request_error"] * 2
    assert "max_tokens" in errors[0].error.message
    assert "unique" in errors[1].error.message


def test_a_request_that_no_engine_can_do_fails_alone(asking: anthropic.Anthropic) -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    requests = [request("a"), request("b", tools=[search])]
    batch = ended(asking, asking.messages.batches.create(requests=requests))
    assert counts(batch) == {"succeeded": 1, "errored": 1}
    result: Any = list(asking.messages.batches.results(batch.id))[1].result
    assert "web search" in result.error.error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not valid JSON"),
        (b"", "JSON"),
        (b'{"requests": []}', "at least one request"),
        (b'{"model": "m"}', "requests"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_bodies_that_are_none(server: Server, body: bytes, words: str) -> None:
    reply = server.http("POST", BATCHES, body)
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert words in reply.json["error"]["message"]


def test_an_empty_list_is_refused(asking: anthropic.Anthropic) -> None:
    assert "at least one" in refused(asking, [])["message"]


def test_limits_can_be_moved(serve: Serve) -> None:
    server = serve(
        BACKBURNER_ANTHROPIC_BATCH_REQUESTS_MAX="2", BACKBURNER_ANTHROPIC_BATCH_BYTES_MAX=str(1 << 20)
    )
    asking = client(server)
    asking.messages.batches.create(requests=[request("a"), request("b")])
    for requests in ([request("a"), request("b"), request("c")], [request("a", "x" * (1 << 20))]):
        with pytest.raises(anthropic.APIStatusError) as caught:
            asking.messages.batches.create(requests=requests)
        assert caught.value.status_code == 413
        assert caught.value.body["error"]["type"] == "request_too_large"  # type: ignore[index]
        assert "anthropic_batch_" in str(caught.value)


def test_a_model_that_nothing_serves(serve: Serve) -> None:
    asking = client(serve(engine=None))
    for call in (
        lambda: asking.messages.create(**params("x", model="no-such-model")),
        lambda: asking.messages.batches.create(requests=[request("a", model="no-such-model")]),
        lambda: asking.models.retrieve("no-such-model"),
    ):
        with pytest.raises(anthropic.NotFoundError, match="no-such-model"):
            call()


def test_a_stranger_and_nothing_are_answered_alike(server: Server) -> None:
    job = server.client().batches.create(model="gemini-x", src=[{"contents": "x"}]).name or ""
    ids = ["msgbatch_" + job.removeprefix("batches/"), "msgbatch_" + "0" * 36]
    for method, tail in (("GET", ""), ("GET", "/results"), ("POST", "/cancel"), ("DELETE", "")):
        replies = [server.http(method, f"{BATCHES}/{batch}{tail}") for batch in ids]
        assert [reply.status for reply in replies] == [404, 404]
        bodies = [
            reply.json["error"]["message"].replace(batch, "")
            for reply, batch in zip(replies, ids, strict=True)
        ]
        assert bodies[0] == bodies[1]


def test_clients_at_the_wrong_door_are_told_the_right_one(server: Server) -> None:
    lost = anthropic.Anthropic(base_url=server.url, api_key="any", max_retries=0)
    right = f'base_url="{server.url}/anthropic"'
    for call in (
        lambda: lost.messages.create(**params("x")),
        lambda: lost.messages.batches.create(requests=[request("a")]),
        lambda: lost.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "x"}]),
        lambda: lost.models.list(),
    ):
        with pytest.raises(anthropic.NotFoundError) as caught:
            call()
        assert right in str(caught.value)
    plain = server.http("POST", "/v1/messages", {})
    assert (plain.status, plain.json["type"], plain.json["error"]["type"]) == (
        404,
        "error",
        "not_found_error",
    )
    assert right in plain.json["error"]["message"]
    assert server.http("GET", "/v1/models").status == 200, "Gemini's own path stays Gemini's"


def test_paths_that_are_none(server: Server) -> None:
    for method, path in (("GET", "/anthropic/v1/nothing"), ("PUT", BATCHES), ("GET", "/anthropic/messages")):
        reply = server.http(method, path)
        assert (reply.status, reply.json["error"]["type"]) == (404, "not_found_error")
        assert "POST /anthropic/v1/messages" in reply.json["error"]["message"]
