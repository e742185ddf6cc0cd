"""The same server answers single calls: generate, stream, count, models, caches."""

import json

import pytest
from google import genai
from google.genai import types

from tests.e2e.jobs import EMBEDDING_MODEL, MODEL, succeeded
from tests.e2e.server import Server


def test_generate_content(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=MODEL, contents="hello there", config={"system_instruction": "be kind", "temperature": 0}
    )
    assert reply.text == "hello there"
    assert reply.candidates[0].finish_reason is types.FinishReason.STOP
    assert reply.usage_metadata.candidates_token_count == 2
    assert reply.model_version
    assert reply.response_id


async def test_the_asynchronous_client_works_too(client: genai.Client) -> None:
    reply = await client.aio.models.generate_content(model=MODEL, contents="hello there")
    assert reply.text == "hello there"
    pieces = await client.aio.models.generate_content_stream(model=MODEL, contents="one two three")
    assert "".join([piece.text or "" async for piece in pieces]) == "one two three"


def test_a_chat_keeps_its_turns(client: genai.Client) -> None:
    chat = client.chats.create(model=MODEL)
    assert chat.send_message("first").text == "first"
    assert chat.send_message("second").text == "second"
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


def test_streams_arrive_in_pieces_and_end_with_a_reason(server: Server, client: genai.Client) -> None:
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="one two three four five six"))
    assert "".join(piece.text or "" for piece in pieces) == "one two three four five six"
    assert len(pieces) > 1
    assert pieces[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert all(piece.candidates[0].finish_reason is None for piece in pieces[:-1])
    assert pieces[-1].usage_metadata.candidates_token_count == 6
    assert len({piece.response_id for piece in pieces}) == 1

    body = {"contents": [{"parts": [{"text": "one two three"}]}]}
    array = server.http("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", body).json
    assert (
        "".join(piece["candidates"][0]["content"]["parts"][0]["text"] for piece in array) == "one two three"
    )
    events = server.http("POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", body)
    assert events.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in events.body.decode().splitlines() if line]
    assert all(line.startswith("data: {") for line in lines), "neither [DONE] nor comments (contract 3.1)"


def test_count_tokens(client: genai.Client) -> None:
    assert client.models.count_tokens(model=MODEL, contents="one two three").total_tokens == 3


def test_models_are_listed_and_described(client: genai.Client) -> None:
    chat = client.models.get(model=MODEL)
    assert "batchGenerateContent" in chat.supported_actions
    assert "generateContent" in chat.supported_actions
    embedding = client.models.get(model=EMBEDDING_MODEL)
    assert "asyncBatchEmbedContent" in embedding.supported_actions
    assert [model.name for model in client.models.list()], "a list that names at least one model"


@pytest.mark.skipif(
    "service_tier" not in types.GenerateContentConfig.model_fields, reason="this SDK knows no service tier"
)
def test_flex_requests_wait_their_turn_and_answer_like_any_other(client: genai.Client) -> None:
    reply = client.models.generate_content(model=MODEL, contents="no hurry", config={"service_tier": "flex"})
    assert reply.text == "no hurry"


def test_function_calls_come_back_as_such(client: genai.Client) -> None:
    declaration = {
        "name": "set_light",
        "description": "Sets the brightness of a lamp",
        "parameters": {
            "type": "OBJECT",
            "properties": {"brightness": {"type": "INTEGER"}},
            "required": ["brightness"],
        },
    }
    reply = client.models.generate_content(
        model=MODEL,
        contents="dim the light",
        config={
            "tools": [{"function_declarations": [declaration]}],
            "tool_config": {"function_calling_config": {"mode": "ANY"}},
        },
    )
    assert reply.candidates[0].finish_reason is types.FinishReason.STOP
    if reply.function_calls:  # the simulated engine may answer in words
        assert reply.function_calls[0].name == "set_light"


def test_a_cache_lives_as_long_as_it_says_and_serves_requests(client: genai.Client) -> None:
    cache = client.caches.create(
        model=MODEL,
        config={
            "contents": ["a long document " * 50],
            "system_instruction": "be brief",
            "display_name": "document",
            "ttl": "600s",
        },
    )
    assert cache.name.startswith("cachedContents/")
    assert cache.display_name == "document"
    assert cache.usage_metadata.total_token_count > 0
    assert cache.name in [found.name for found in client.caches.list()]

    longer = client.caches.update(name=cache.name, config={"ttl": "6000s"})
    assert longer.expire_time > cache.expire_time
    assert client.caches.get(name=cache.name).expire_time == longer.expire_time

    with_cache = {"cached_content": cache.name}
    assert client.models.generate_content(model=MODEL, contents="what?", config=with_cache).text == "what?"
    job = client.batches.create(model=MODEL, src=[{"contents": "what again?", "config": with_cache}])
    [item] = succeeded(client, job).dest.inlined_responses
    assert item.response.text == "what again?"
    assert item.response.usage_metadata.prompt_token_count > 150, "the cached text is part of the prompt"

    client.caches.delete(name=cache.name)
    with pytest.raises(genai.errors.ClientError) as gone:
        client.caches.get(name=cache.name)
    assert gone.value.code == 403


def test_a_cache_and_a_system_instruction_together_are_refused(client: genai.Client) -> None:
    cache = client.caches.create(model=MODEL, config={"contents": ["a document"]})
    with pytest.raises(genai.errors.ClientError) as refused:
        client.models.generate_content(
            model=MODEL,
            contents="x",
            config={"cached_content": cache.name, "system_instruction": "be brief"},
        )
    assert refused.value.code == 400
    assert "system" in str(refused.value).lower()


def test_structured_output(client: genai.Client) -> None:
    schema = {"type": "OBJECT", "properties": {"ok": {"type": "BOOLEAN"}}, "required": ["ok"]}
    reply = client.models.generate_content(
        model=MODEL,
        contents="fine?",
        config={"response_mime_type": "application/json", "response_schema": schema},
    )
    assert isinstance(json.loads(reply.text)["ok"], bool)
