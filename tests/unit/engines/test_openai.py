"""The engine against a server that imitates the real ones."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backburner.core.exchange import Answer, Delta, Feature, Trouble, TroubleKind
from backburner.core.request import Usage
from backburner.engines.openai import OpenAIEngine
from tests.doubles.recording_server import CACHED_TOKENS, Cut, Hang, RecordingServer
from tests.doubles.recording_server import Answer as Says
from tests.unit.engines.conformance import Conformance, Rig, all_of, chat, embed, until
from tests.unit.engines.upstream import PROMPT, SECRET, connected, trouble_of


class TestConformance(Conformance):
    @pytest.fixture(params=["vllm", "sglang", "llamacpp", "ollama", "openai", "generic"])
    async def rig(self, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
        async with RecordingServer(request.param) as server, RecordingServer(request.param) as silent:
            silent.always = Hang()
            options = {"kind": "openai"} if request.param == "openai" else {}
            async with connected(server, **options) as engine, connected(silent, **options) as hanging:
                assert engine.kind.name == request.param
                yield Rig(
                    engine,
                    hanging,
                    "chat-model",
                    "embed-model",
                    Feature.WEB_SEARCH,
                    unknown="no-such-model",
                    counts_tokens=request.param in ("vllm", "llamacpp"),
                    held=lambda: silent.held,
                )


# What is sent


async def test_a_call_is_sent_as_it_is_with_the_key_and_the_model(server: RecordingServer) -> None:
    server.api_key = SECRET
    async with connected(server, api_key=SECRET) as engine:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        call = chat("chat-model", temperature=0, seed=3)
        call.body["messages"][0]["content"] = [{"type": "text", "text": "what is it"}, image]
        assert isinstance(await engine.call(call, 5), Answer)
    assert server.chats[0].json == {**call.body, "model": "chat-model"}
    assert server.chats[0].headers["Content-Type"] == "application/json"
    assert "model" not in call.body  # the caller's own body is left alone


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("vllm", "max_completion_tokens"),
        ("sglang", "max_completion_tokens"),
        ("openai", "max_completion_tokens"),
        ("llamacpp", "max_tokens"),
        ("ollama", "max_tokens"),
        ("generic", "max_tokens"),
    ],
)
async def test_the_maximum_goes_by_the_name_the_server_knows(
    server: RecordingServer, kind: str, field: str
) -> None:
    async with connected(server, kind=kind) as engine:
        await engine.call(chat("chat-model", max_completion_tokens=5), 5)
    sent = server.chats[0].json
    assert {name: value for name, value in sent.items() if name.startswith("max_")} == {field: 5}


async def test_embeddings_are_asked_for_as_numbers_and_come_in_the_order_of_the_inputs(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    data = [{"index": place, "embedding": [float(place)]} for place in (2, 0, 1)]
    server.next(Says(body={"data": data, "usage": {"prompt_tokens": 3}}))
    answer = await engine.call(embed("embed-model", "a", "b", "c"), 5)
    assert isinstance(answer, Answer)
    assert [each["embedding"] for each in answer.body["data"]] == [[0.0], [1.0], [2.0]]
    assert answer.usage == Usage(prompt=3)
    assert server.embeds[0].json == {
        "model": "embed-model",
        "input": ["a", "b", "c"],
        "encoding_format": "float",
    }


async def test_dimensions_that_a_server_passes_over_are_the_requests_trouble(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    call = embed("embed-model", "a")
    call.body["dimensions"] = 3
    assert isinstance(await engine.call(call, 5), Answer)
    server.next(Says(body={"data": [{"index": 0, "embedding": [1.0, 2.0]}]}))
    trouble = await trouble_of(engine, call)
    assert trouble.kind is TroubleKind.REQUEST
    assert "3 dimensions" in trouble.message


# What comes back


async def test_cached_tokens_and_the_model_that_answered_are_told(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    answer = await engine.call(chat("chat-model", "one two three"), 5)
    assert isinstance(answer, Answer)
    assert answer.usage == Usage(prompt=3, cached=CACHED_TOKENS, output=3)
    other = {
        "model": "chat-model-0613",
        "choices": [{"message": {"content": "x"}}],
        "timings": {"cache_n": 7},
    }
    server.next(Says(body=other))
    answer = await engine.call(chat("chat-model"), 5)
    assert isinstance(answer, Answer)
    assert answer.model == "chat-model-0613"
    assert answer.usage == Usage(cached=7)


async def test_many_calls_at_once_each_get_their_own_answer(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    answers = await asyncio.gather(*(engine.call(chat("chat-model", f"text {n}"), 10) for n in range(200)))
    texts = [each.body["choices"][0]["message"]["content"] for each in answers if isinstance(each, Answer)]
    assert texts == [f"text {n}" for n in range(200)]


# Streams


async def streamed(server: RecordingServer, raw: bytes) -> list[Delta | Trouble]:
    async with connected(server) as engine:
        server.next(Says(body=raw))
        return await all_of(engine, chat("chat-model", PROMPT), 5)


async def test_a_stream_asks_for_usage_and_brings_it_last(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    deltas = await all_of(engine, chat("chat-model", "one two three"), 5)
    assert server.chats[0].json["stream"] is True
    assert server.chats[0].json["stream_options"] == {"include_usage": True}
    last = deltas[-1]
    assert isinstance(last, Delta)
    assert last.usage == Usage(prompt=3, cached=CACHED_TOKENS, output=3)
    assert last.model == "chat-model"


PIECE = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}\n\n'
LAST = PIECE.replace(b"null", b'"stop"')


async def test_a_stream_without_its_end_word_is_whole_if_it_gave_a_reason(server: RecordingServer) -> None:
    assert all(isinstance(each, Delta) for each in await streamed(server, PIECE + LAST))


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (PIECE, TroubleKind.TRANSIENT, "ends in the middle"),
        (b"", TroubleKind.TRANSIENT, "ends in the middle"),
        (PIECE + b"data: {\n\n", TroubleKind.TRANSIENT, "no JSON"),
        (PIECE + b"data: {}\n\n", TroubleKind.TRANSIENT, "no choices"),
        (PIECE + b'data: {"error": {"code": 400, "message": "bad"}}\n\n', TroubleKind.REQUEST, "bad"),
        (PIECE + b'data: {"error": {"message": "engine died"}}\n\n', TroubleKind.TRANSIENT, "engine died"),
    ],
)
async def test_trouble_within_a_stream_ends_it(
    server: RecordingServer, raw: bytes, kind: TroubleKind, words: str
) -> None:
    *before, last = await streamed(server, raw)
    assert all(isinstance(each, Delta) for each in before)
    assert isinstance(last, Trouble)
    assert last.kind is kind
    assert words in last.message


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Says(429), TroubleKind.BUSY),
        (Cut(), TroubleKind.TRANSIENT),
        (Cut(after=150), TroubleKind.TRANSIENT),
        (Hang(after_head=True), TroubleKind.TIMEOUT),
    ],
)
async def test_a_stream_that_fails_says_so_once(
    server: RecordingServer, engine: OpenAIEngine, fault: Any, kind: TroubleKind
) -> None:
    server.next(fault)
    troubles = [each for each in await all_of(engine, chat("chat-model"), 0.2) if isinstance(each, Trouble)]
    assert [each.kind for each in troubles] == [kind]


async def test_a_stream_that_begun_and_is_left_frees_its_connection(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    server.next(Hang(after_head=True))
    task = asyncio.create_task(all_of(engine, chat("chat-model"), 60))
    await until(lambda: server.held == 1)
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: server.held == 0)


# Tokens


async def test_tokens_of_messages_and_of_embedding_inputs() -> None:
    for kind in ("vllm", "llamacpp"):
        async with RecordingServer(kind) as server, connected(server) as engine:
            body = chat("chat-model", "one two three", tools=[{"type": "function"}]).body
            assert await engine.count_tokens("chat-model", body) == 3
            assert await engine.count_tokens("embed-model", {"input": ["one two", "three"]}) == 3
            asked = [each.json for each in server.requests if each.method == "POST"]
            assert asked[0]["tools"] == [{"type": "function"}]


async def test_tokens_that_cannot_be_counted_are_trouble(
    server: RecordingServer, engine: OpenAIEngine
) -> None:
    await server.deafen()
    trouble = await engine.count_tokens("chat-model", chat("chat-model").body)
    assert isinstance(trouble, Trouble)
    assert trouble.kind in (TroubleKind.TRANSIENT, TroubleKind.BUSY), "cut, or nobody there any more"
