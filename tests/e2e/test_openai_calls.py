"""Calls that are answered at once through the OpenAI door, by OpenAI's SDK."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.openai_jobs import MODEL, ROOTS, client_of, completed, saying, start
from tests.e2e.server import Server

HI: Any = [{"role": "user", "content": "hello you there"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.fixture(params=ROOTS)
def asking(server: Server, request: pytest.FixtureRequest) -> openai.OpenAI:
    return client_of(server, request.param)


def test_chat(asking: openai.OpenAI) -> None:
    raw = asking.chat.completions.with_raw_response.create(model=MODEL, messages=HI, temperature=0)
    assert raw.headers["x-request-id"].startswith("req_")
    found = raw.parse()
    assert found.choices[0].message.content == "hello you there"
    assert found.choices[0].finish_reason == "stop"
    assert (found.object, found.usage.total_tokens) == ("chat.completion", 6)


def test_streamed_chat(asking: openai.OpenAI) -> None:
    stream = asking.chat.completions.create(
        model=MODEL, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "hello you there"
    assert len(chunks) > 3
    assert chunks[-1].usage.completion_tokens == 3
    with asking.chat.completions.stream(model=MODEL, messages=HI) as events:
        assert events.get_final_completion().choices[0].message.content == "hello you there"


def test_a_stream_ends_with_done(server: Server) -> None:
    body = {"model": MODEL, "messages": HI, "stream": True}
    reply = server.http("POST", "/openai/v1/chat/completions", body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body.endswith(b"data: [DONE]\n\n")


def test_structured_output(asking: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
    found = asking.chat.completions.create(model=MODEL, messages=HI, response_format=wanted)
    assert isinstance(json.loads(found.choices[0].message.content)["a"], int)


def test_several_candidates_and_log_probabilities(asking: openai.OpenAI) -> None:
    found = asking.chat.completions.create(model=MODEL, messages=HI, n=2, logprobs=True, top_logprobs=1)
    assert [choice.index for choice in found.choices] == [0, 1]
    assert [row.token for row in found.choices[0].logprobs.content] == ["hello", "you", "there"]


def test_embeddings_as_bytes_and_as_numbers(asking: openai.OpenAI) -> None:
    packed = asking.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    numbers = asking.embeddings.create(
        model="text-embedding-3-small", input=["a", "b"], encoding_format="float", dimensions=384
    )
    assert [row.index for row in packed.data] == [0, 1]
    for one, other in zip(packed.data, numbers.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert packed.usage.total_tokens == 2


def test_completions(asking: openai.OpenAI) -> None:
    found = asking.completions.create(model=MODEL, prompt="one two", max_tokens=5)
    assert found.choices[0].text == "one two"
    pieces = asking.completions.create(model=MODEL, prompt="one two", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == "one two"


def test_responses(asking: openai.OpenAI) -> None:
    found = asking.responses.create(
        model=MODEL, instructions="be brief", input="hello you", max_output_tokens=9
    )
    assert found.output_text == "hello you"
    assert (found.status, found.usage.output_tokens) == ("completed", 2)
    with asking.responses.stream(model=MODEL, input="hello you") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(deltas) == events.get_final_response().output_text == "hello you"


def test_models(asking: openai.OpenAI) -> None:
    asking.chat.completions.create(model=MODEL, messages=HI)
    assert MODEL in [model.id for model in asking.models.list()]
    assert asking.models.retrieve(MODEL).owned_by == "simulated"
    assert asking.models.retrieve("org/name").id == "org/name"


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"temperature": 5}, "temperature", "from 0 to 2"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "expected a string"),
        ({"extra_body": {"temprature": 1}}, "temprature", "Did you mean temperature?"),
        ({"modalities": ["audio"]}, "modalities", "answers are text"),
    ],
)
def test_a_wrong_request_names_its_parameter(
    asking: openai.OpenAI, more: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        asking.chat.completions.create(**{"model": MODEL, "messages": HI, **more})
    assert refused.value.param == param
    assert words in refused.value.message


def test_what_the_engine_cannot_do_is_refused_and_not_passed_over(asking: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        asking.chat.completions.create(model=MODEL, messages=HI, web_search_options={})
    assert refused.value.code == "unsupported_feature"


def test_no_such_model(serve: Serve) -> None:
    client = client_of(serve("local", options=("--no-pull",)))
    for attempt in (
        lambda: client.chat.completions.create(model="nobody-1", messages=HI),
        lambda: client.models.retrieve("nobody-1"),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            attempt()
        assert refused.value.code == "model_not_found"


def test_keys(serve: Serve, tmp_path: Any) -> None:
    server = Server(tmp_path)
    key = server.made_key()
    server.start()
    try:
        assert client_of(server, key=key).models.list().object == "list"
        for wrong in ("nonsense", ""):
            with pytest.raises(openai.AuthenticationError) as refused:
                client_of(server, key=wrong or "x").models.list()
            assert refused.value.code == "invalid_api_key"
        assert server.http("GET", "/openai/v1/models", headers={"x-goog-api-key": ""}).status == 401
    finally:
        server.kill()


def test_an_unknown_path_names_those_there_are(server: Server) -> None:
    reply = server.http("POST", "/openai/v1/images/generations", {})
    assert reply.status == 404
    assert "/openai/v1/chat/completions" in reply.json["error"]["message"]


@pytest.mark.parametrize("base", ["", "/v1", "/v1beta", "/openai"])
def test_the_sdk_at_the_wrong_address_is_told_the_right_one(server: Server, base: str) -> None:
    client = client_of(server, base)
    for attempt in (
        lambda: client.chat.completions.create(model=MODEL, messages=HI),
        lambda: client.embeddings.create(model=MODEL, input="x"),
        client.files.list,
        client.batches.list,
        lambda: client.files.create(file=("a", b"x" * 100_000), purpose="batch"),
        client.models.list,
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            attempt()
        assert f"{server.url}/openai/v1" in refused.value.message


def test_flex_waits_its_turn_and_answers_like_any_other(serve: Serve) -> None:
    client = client_of(serve("simulated:latency_ms=100,jitter=0.5"))
    batch = start(client, (saying(f"r{n}", f"say {n}") for n in range(1500)))

    def ask(number: int) -> str | None:
        found = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": f"flex {number}"}], service_tier="flex"
        )
        assert found.service_tier == "flex"
        return found.choices[0].message.content

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(20))) == [f"flex {n}" for n in range(20)]
    stream = client.chat.completions.create(model=MODEL, messages=HI, service_tier="flex", stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices) == "hello you there"
    assert completed(client, batch).request_counts.completed == 1500


async def test_the_asynchronous_client(server: Server) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/openai/v1", api_key="any") as client:
        found = await client.chat.completions.create(model=MODEL, messages=HI)
        assert found.choices[0].message.content == "hello you there"
        chunks = await client.chat.completions.create(model=MODEL, messages=HI, stream=True)
        assert "".join([c.choices[0].delta.content or "" async for c in chunks]) == "hello you there"
