"""What is inside a job: its results, its progress live, its requests one by one, what is wrong with its lines."""

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.native import shapes
from backburner.api.native.bodies import RequestListBody, ViolationListBody
from backburner.api.native.call import Call, reply, wrong
from backburner.api.native.events import HEADERS, watched
from backburner.service.requests import PAGE_DEFAULT, PAGE_MAX
from backburner.service.results import Numbered

VIOLATIONS_DEFAULT = 100
VIOLATIONS_MAX = 10_000
_encode = msgspec.json.Encoder().encode


async def results(call: Call) -> Response:
    """`X-Next-Cursor` goes on behind the last line, `X-Incomplete` says that more will come; a stream that follows
    has neither, its envelopes have a cursor each."""
    job = await call.services.jobs.get(call.tenant, call.name)
    order, cursor = call.text("order") or "commit", call.text("cursor")
    follow, envelope = call.flag("follow"), call.flag("envelope")
    if order not in ("commit", "input"):
        raise wrong("order", f"expected commit or input, found {order!r}")
    if order == "input":
        if follow or envelope or cursor:
            raise wrong(
                "order", "follow, envelope and cursor go by order=commit; leave them or the order out"
            )
        found = await call.services.results.prefix(job)
    else:
        found = await call.services.results.so_far(job, cursor)
    if follow:
        pages = call.services.follow.numbered(call.tenant, job, cursor)
        return answers.stream(_joined(pages, envelope), answers.JSONL_TYPE, HEADERS)
    headers = {"x-incomplete": "false" if found.complete else "true"}
    if found.cursor:
        headers["x-next-cursor"] = found.cursor
    lines = found.lines
    if envelope:
        lines = _joined(call.services.results.numbered(job, cursor, found.cursor), envelope)
    return answers.stream(lines, answers.JSONL_TYPE, headers)


async def _joined(pages: AsyncIterator[list[Numbered]], envelope: bool) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b"".join([_line(row, envelope) for row in page])


def _line(row: Numbered, envelope: bool) -> bytes:
    return (_encode(shapes.numbered_line(row)) if envelope else row.line) + b"\n"


async def events(call: Call) -> Response:
    return await watched(call.services.progress, call.tenant, call.name)


async def requests(call: Call) -> Response:
    job = await call.services.jobs.get(call.tenant, call.name)
    page = await call.services.requests.page(
        job,
        failed=call.flag("failed"),
        cursor=call.text("cursor"),
        limit=call.number("page_size", PAGE_MAX) or PAGE_DEFAULT,
    )
    return reply(RequestListBody([shapes.request_body(one) for one in page.items], page.cursor))


async def violations(call: Call) -> Response:
    job = await call.services.jobs.get(call.tenant, call.name)
    limit = call.number("limit", VIOLATIONS_MAX) or VIOLATIONS_DEFAULT
    found = await call.services.jobs.violations(job, limit)
    return reply(ViolationListBody([shapes.violation_body(one) for one in found]))
