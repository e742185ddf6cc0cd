"""messages, at once or streamed, and messages/count_tokens."""

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.anthropic.call import Call
from backburner.core import exchange
from backburner.core.errors import Refused, Unavailable
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.core.names import mint
from backburner.dialects.anthropic.answers import Failure, message, wish_of
from backburner.dialects.anthropic.bodies import Asked, count_body, message_body
from backburner.dialects.anthropic.errors import refusal
from backburner.dialects.anthropic.streams import StreamShape
from backburner.dialects.anthropic.translate import message_call
from backburner.dialects.protocol import Stamp
from backburner.engines.routes import Route

EVENT_STREAM = "text/event-stream; charset=utf-8"
TIER = "standard"


async def create(call: Call) -> Response:
    asked = message_body(await call.body())
    route, engine_call = await _prepared(call, asked)
    if asked.stream:
        return await _stream(call, asked, route, engine_call)
    answer = await call.services.interactive.call(call.asker, route, engine_call)
    made = message(answer, wish_of(asked.params, TIER), _stamp(call))
    if isinstance(made, Failure):
        raise _unusable(made)
    return answers.json(msgspec.json.encode(made), headers=_headers(asked))


async def count_tokens(call: Call) -> Response:
    route, engine_call = await _prepared(call, count_body(await call.body()))
    total = await call.services.interactive.count_tokens(route, engine_call)
    return answers.json(msgspec.json.encode({"input_tokens": total}))


async def _prepared(call: Call, asked: Asked) -> tuple[Route, exchange.Call]:
    route = call.services.models.route(asked.model, call.asker)
    prepared = await call.services.interactive.prepare(
        call.tenant, lambda setting: message_call(asked.params, setting), JobKind.GENERATE, route
    )
    return route, prepared


async def _stream(call: Call, asked: Asked, route: Route, engine_call: exchange.Call) -> Response:
    shape = StreamShape(wish_of(asked.params, TIER), _stamp(call), route.model)
    events = _events(call, route, engine_call, shape)
    first = await anext(events)  # trouble before the first word is a plain error answer
    headers = {"cache-control": "no-cache", **_headers(asked)}
    return answers.stream(_written(call, first, events), EVENT_STREAM, headers)


async def _events(
    call: Call, route: Route, engine_call: exchange.Call, shape: StreamShape
) -> AsyncIterator[dict[str, Json]]:
    async for delta in call.services.interactive.stream(call.asker, route, engine_call):
        for event in shape.add(delta):
            yield event
    ending = shape.end()
    if isinstance(ending, Failure):
        raise _unusable(ending)
    for event in ending:
        yield event


async def _written(
    call: Call, first: dict[str, Json], events: AsyncIterator[dict[str, Json]]
) -> AsyncIterator[bytes]:
    """Server-sent events. Trouble in the middle is an error event: the status has long been sent."""
    try:
        yield _event(first)
        async for event in events:
            yield _event(event)
    except Refused as refused:
        yield _event(refusal(refused, call.request_id)[1])


def _event(event: dict[str, Json]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event))


def _unusable(failure: Failure) -> Unavailable:
    return Unavailable(failure.message, reason="ENGINE_EMPTY")


def _stamp(call: Call) -> Stamp:
    return Stamp(mint(20), 0, None, call.services.clock.now())


def _headers(asked: Asked) -> dict[str, str]:
    return {"x-backburner-warning": "; ".join(asked.warnings)} if asked.warnings else {}
