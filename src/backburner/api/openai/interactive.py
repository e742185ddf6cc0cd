"""chat/completions, completions, responses, embeddings: the same requests as in a batch, but at once."""

from collections.abc import AsyncIterator, Callable

from starlette.responses import Response

from backburner.api import answers
from backburner.api.openai.call import Call
from backburner.core import exchange
from backburner.core.errors import InvalidArgument, Refused, Unavailable
from backburner.core.exchange import Answer, Json
from backburner.core.names import mint
from backburner.dialects.openai.answers import encoded
from backburner.dialects.openai.bodies import ENDPOINTS
from backburner.dialects.openai.chat import check_chat
from backburner.dialects.openai.completions import check_completion
from backburner.dialects.openai.create import json_object
from backburner.dialects.openai.embeddings import check_embedding
from backburner.dialects.openai.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, KINDS, RESPONSES
from backburner.dialects.openai.errors import refusal
from backburner.dialects.openai.response_events import ResponseEvents
from backburner.dialects.openai.responses import check_response
from backburner.dialects.openai.streams import ChatChunks, Shape, TextChunks, delta_of, event
from backburner.dialects.protocol import Stamp
from backburner.dialects.report import Report
from backburner.engines.routes import Route

EVENT_STREAM = "text/event-stream; charset=utf-8"
FLEX = "flex"

Check = Callable[[dict[str, Json], Report], None]
_CHECKS: dict[str, Check] = {
    CHAT: check_chat,
    COMPLETIONS: check_completion,
    EMBEDDINGS: check_embedding,
    RESPONSES: check_response,
}
_SHAPES: dict[str, Callable[[dict[str, Json], Stamp, str], Shape]] = {
    CHAT: ChatChunks,
    COMPLETIONS: TextChunks,
    RESPONSES: ResponseEvents,
}


async def chat(call: Call) -> Response:
    return await _answer(call, CHAT)


async def complete(call: Call) -> Response:
    return await _answer(call, COMPLETIONS)


async def respond(call: Call) -> Response:
    return await _answer(call, RESPONSES)


async def embed(call: Call) -> Response:
    return await _answer(call, EMBEDDINGS)


async def _answer(call: Call, endpoint: str) -> Response:
    asked = json_object(await call.body())
    report = Report()
    _CHECKS[endpoint](asked, report)
    if not report.clean:
        raise InvalidArgument("the request is wrong", violations=report.violations())
    tier = _tier(asked)
    route = call.services.models.route(asked["model"], call.asker)
    prepared = await call.services.interactive.prepare(
        call.tenant, lambda setting: ENDPOINTS[endpoint].call(asked, setting), KINDS[endpoint], route
    )
    stamp = Stamp(mint(24), 0, None, call.services.clock.now())
    if asked.get("stream") and endpoint in _SHAPES:
        return await _streamed(call, route, prepared, _SHAPES[endpoint](asked, stamp, tier), tier)
    answer = await call.services.interactive.call(call.asker, route, prepared, flex=tier == FLEX)
    body = ENDPOINTS[endpoint].body(answer, asked, stamp)
    if body is None:
        raise _empty()
    if tier:
        body["service_tier"] = tier
    return answers.json(encoded(body))


def _tier(asked: dict[str, Json]) -> str:
    """What it was served at, told back where it was asked for: interactive is what this server calls default."""
    tier = asked.get("service_tier")
    if tier is None:
        return ""
    return tier if tier in (FLEX, "priority") else "default"


def _empty() -> Refused:
    return Unavailable("the engine's answer holds no choice", reason="ENGINE_EMPTY")


async def _streamed(call: Call, route: Route, prepared: exchange.Call, shape: Shape, tier: str) -> Response:
    if tier == FLEX:  # it waits its turn, and comes in one piece
        answer = await call.services.interactive.call(call.asker, route, prepared, flex=True)
        return answers.stream(_once(answer, shape), EVENT_STREAM, _HEADERS)
    pieces = _pieces(call, route, prepared, shape)
    first = await anext(pieces, b"")  # trouble before the first word is a plain error answer
    return answers.stream(_events(first, pieces), EVENT_STREAM, _HEADERS)


_HEADERS = {"cache-control": "no-cache"}


async def _once(answer: Answer, shape: Shape) -> AsyncIterator[bytes]:
    yield shape.add(delta_of(answer))
    yield shape.end()


async def _pieces(call: Call, route: Route, prepared: exchange.Call, shape: Shape) -> AsyncIterator[bytes]:
    async for delta in call.services.interactive.stream(call.asker, route, prepared):
        piece = shape.add(delta)
        if piece:
            yield piece
    yield shape.end()


async def _events(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in pieces:
            yield piece
    except Refused as refused:
        yield event(refusal(refused)[1])
