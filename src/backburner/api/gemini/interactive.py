"""generateContent, streamGenerateContent, embedContent, batchEmbedContents, countTokens (contract section 3)."""

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.gemini.call import Call
from backburner.core import exchange
from backburner.core.errors import InvalidArgument, Refused, Unavailable, Violation
from backburner.core.exchange import Answer, Json
from backburner.core.job import JobKind
from backburner.core.limits import EMBED_REQUESTS_PER_CALL
from backburner.core.names import mint
from backburner.dialects.gemini.answers import response, wish_of
from backburner.dialects.gemini.bodies import (
    Asked,
    batch_embed_body,
    count_tokens_body,
    embed_body,
    generate_body,
)
from backburner.dialects.gemini.embed import embed_call, embeddings_body
from backburner.dialects.gemini.status import status
from backburner.dialects.gemini.streams import StreamShape
from backburner.dialects.gemini.translate import generate_call
from backburner.dialects.protocol import Stamp
from backburner.engines.routes import Route

EVENT_STREAM = "text/event-stream"


async def generate(call: Call) -> Response:
    asked = generate_body(await call.body(), call.name)
    route, engine_call = await _prepared(call, asked)
    answer = await call.services.interactive.call(call.asker, route, engine_call, flex=asked.flex)
    body = response(answer, wish_of(asked.request), _stamp(call))
    if body is None:
        raise Unavailable("the engine's answer holds no choice", reason="ENGINE_EMPTY")
    return answers.json(msgspec.json.encode(body), headers=_headers(asked))


async def stream(call: Call) -> Response:
    asked = generate_body(await call.body(), call.name)
    route, engine_call = await _prepared(call, asked)
    headers = _headers(asked)
    shape = StreamShape(wish_of(asked.request), _stamp(call))
    chunks = _chunks(call, route, engine_call, shape)
    first = await anext(chunks, None)  # trouble before the first word is a plain error answer
    if call.request.query_params.get("alt") == "sse":
        return answers.stream(_events(first, chunks), EVENT_STREAM, headers)
    return answers.stream(_array(first, chunks), answers.JSON_TYPE, headers)


async def _chunks(
    call: Call, route: Route, engine_call: exchange.Call, shape: StreamShape
) -> AsyncIterator[bytes]:
    async for delta in call.services.interactive.stream(call.asker, route, engine_call):
        for chunk in shape.add(delta):
            yield msgspec.json.encode(chunk)
    for chunk in shape.end():
        yield msgspec.json.encode(chunk)


async def _events(first: bytes | None, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """No comments, no [DONE], a space behind `data:`: the SDKs take nothing else (contract 3.1)."""
    try:
        if first is not None:
            yield b"data: " + first + b"\r\n\r\n"
        async for chunk in chunks:
            yield b"data: " + chunk + b"\r\n\r\n"
    except Refused as refused:
        yield b"data: " + _trouble(refused) + b"\r\n\r\n"


async def _array(first: bytes | None, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"["
    try:
        if first is not None:
            yield first
        async for chunk in chunks:
            yield b",\r\n" + chunk
    except Refused as refused:
        yield b",\r\n" + _trouble(refused)
    yield b"]"


def _trouble(refused: Refused) -> bytes:
    return msgspec.json.encode(status(refused)[1])


async def embed(call: Call) -> Response:
    asked = embed_body(await call.body(), call.name)
    values = embeddings_body(await _embedded(call, [asked.request]))["embeddings"]
    return answers.json(msgspec.json.encode({"embedding": values[0]}), headers=_headers(asked))


async def embed_many(call: Call) -> Response:
    requests = batch_embed_body(await call.body(), call.name)
    if len(requests) > EMBED_REQUESTS_PER_CALL:
        raise InvalidArgument(
            f"{len(requests)} requests in one call, up to {EMBED_REQUESTS_PER_CALL} are allowed. "
            "Send several calls, or a batch (asyncBatchEmbedContent)"
        )
    return answers.json(msgspec.json.encode(embeddings_body(await _embedded(call, requests))))


async def _embedded(call: Call, requests: list[dict[str, Json]]) -> Answer:
    sizes = {request.get("outputDimensionality") for request in requests}
    if len(sizes) > 1:
        words = "all requests of one call must ask for the same outputDimensionality"
        raise InvalidArgument(words, violations=[Violation("requests", words)])
    route = call.services.models.route(call.name, call.asker)
    prepared = await call.services.interactive.prepare(
        call.tenant, lambda setting: embed_call(requests, setting), JobKind.EMBED, route
    )
    return await call.services.interactive.call(call.asker, route, prepared)


async def count_tokens(call: Call) -> Response:
    asked = count_tokens_body(await call.body(), call.name)
    route, prepared = await _prepared(call, asked)
    total = await call.services.interactive.count_tokens(route, prepared)
    details = [{"modality": "TEXT", "tokenCount": total}]
    return answers.json(msgspec.json.encode({"totalTokens": total, "promptTokensDetails": details}))


async def _prepared(call: Call, asked: Asked) -> tuple[Route, exchange.Call]:
    route = call.services.models.route(call.name, call.asker)
    prepared = await call.services.interactive.prepare(
        call.tenant, lambda setting: generate_call(asked.request, setting), JobKind.GENERATE, route
    )
    return route, prepared


def _stamp(call: Call) -> Stamp:
    return Stamp(mint(20), 0, None, call.services.clock.now())


def _headers(asked: Asked) -> dict[str, str]:
    tier = str(asked.request.get("serviceTier", ""))
    headers = {"x-gemini-service-tier": tier} if tier else {}
    if asked.warnings:
        headers["x-backburner-warning"] = "; ".join(asked.warnings).encode("ascii", "replace").decode()
    return headers
