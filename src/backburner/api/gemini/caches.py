"""cachedContents (contract section 4)."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.gemini import shapes
from backburner.api.gemini.call import Call
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.dialects.gemini.bodies import cache_body, cache_update
from backburner.dialects.gemini.translate import generate_call
from backburner.store.caches import CacheRow

# A cache may hold a system instruction alone; a call to count its tokens needs some contents.
_NOTHING: list[Json] = [{"role": "user", "parts": [{"text": ""}]}]


async def create(call: Call) -> Response:
    call.services.space.admit()  # before the body is read
    asked = cache_body(await call.body())
    route = call.services.models.route(asked.model, call.asker)
    counted = {"contents": _NOTHING, **asked.body}
    prepared = await call.services.interactive.prepare(
        call.tenant, lambda setting: generate_call(counted, setting), JobKind.GENERATE, route
    )
    row = await call.services.caches.create(
        call.tenant,
        model=asked.model,
        body=asked.body,
        display_name=asked.display_name,
        tokens=await call.services.interactive.count_tokens(route, prepared),
        expire_at=asked.expire_at,
        ttl_s=asked.ttl_s,
    )
    return _one(row)


def _one(row: CacheRow) -> Response:
    return answers.json(msgspec.json.encode(shapes.cache_body(row)))


async def get(call: Call) -> Response:
    return _one(await call.services.caches.get(call.tenant, call.name))


async def list_all(call: Call) -> Response:
    page = await call.services.caches.list(call.tenant, *call.page())
    body: dict[str, Json] = (
        {"cachedContents": [shapes.cache_body(row) for row in page.items]} if page.items else {}
    )
    if page.next_token:
        body["nextPageToken"] = page.next_token
    return answers.json(msgspec.json.encode(body))


async def update(call: Call) -> Response:
    ttl_s, expire_at = cache_update(await call.body())
    row = await call.services.caches.update(call.tenant, call.name, expire_at=expire_at, ttl_s=ttl_s)
    return _one(row)


async def delete(call: Call) -> Response:
    await call.services.caches.delete(call.tenant, call.name)
    return answers.json(b"{}")
