"""Webhooks over real sockets: asked for with the SDKs, checked with OpenAI's own reader of events."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from google.genai import types

from tests.doubles.receiver import Receiver
from tests.e2e.server import Server

NETWORKS = 'webhook_networks = ["127.0.0.0/8"]\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("webhooks")
    (folder / "backburner.toml").write_text(NETWORKS)
    running = Server(folder, options=("--config", "backburner.toml")).start()
    yield running
    running.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().in_thread() as running:
        yield running


def secret(server: Server) -> str:
    return server.http("GET", "/api/v1/webhooks/secret").json["secret"]


def test_geminis_webhook_config(server: Server, receiver: Receiver) -> None:
    made = server.client().batches.create(
        model="gemini-2.5-flash",
        src=[{"contents": "hello"}],
        config=types.CreateBatchJobConfig(
            webhook_config=types.WebhookConfig(uris=[receiver.url], user_metadata={"ticket": "A-1"})
        ),
    )
    assert receiver.arrived.acquire(timeout=20)
    event = receiver.events[0]
    assert (event.json["type"], event.json["data"]["id"]) == ("batch.succeeded", made.name)
    assert event.json["data"]["user_metadata"] == {"ticket": "A-1"}
    found = server.http("GET", f"/v1beta/{event.json['data']['output_file_uri']}").json
    assert found["source"] == "GENERATED"
    openai.OpenAI(api_key="x").webhooks.verify_signature(
        event.body, dict(event.headers), secret=secret(server)
    )


def test_openais_events_are_read_by_its_sdk(server: Server, receiver: Receiver, tmp_path: Path) -> None:
    client = openai.OpenAI(api_key="x", base_url=f"{server.url}/openai/v1")
    lines = tmp_path / "in.jsonl"
    lines.write_text(
        '{"custom_id":"a","method":"POST","url":"/v1/chat/completions",'
        '"body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}}\n'
    )
    file = client.files.create(file=lines, purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        extra_headers={"x-backburner-webhook": receiver.url},
    )
    assert receiver.arrived.acquire(timeout=20)
    event = receiver.events[0]
    told = client.webhooks.unwrap(event.body, dict(event.headers), secret=secret(server))
    assert (told.type, told.data.id) == ("batch.completed", batch.id)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(event.body + b" ", dict(event.headers), secret=secret(server))


def test_a_private_receiver_is_refused(server: Server) -> None:
    body = {
        "batch": {
            "inputConfig": {
                "requests": {"requests": [{"request": {"contents": [{"parts": [{"text": "x"}]}]}}]}
            },
            "webhookConfig": {"uris": ["https://169.254.169.254/"]},
        }
    }
    refused = server.http("POST", "/v1beta/models/gemini-2.5-flash:batchGenerateContent", body)
    assert refused.status == 400
    assert "169.254.169.254 leads to an address that is not public" in refused.body.decode()
