"""Files one by one: take one, show it, give its bytes, estimate a job of it, delete it."""

from starlette.responses import Response

from backburner.api import answers, bodies
from backburner.api.native import shapes
from backburner.api.native.bodies import DoneBody, EstimateAsked
from backburner.api.native.call import BYTES_TYPE, Call, reply, wrong
from backburner.api.trail import made
from backburner.core.job import JobKind

DEFAULT_TYPE = "application/jsonl"
KINDS = tuple(kind.value for kind in JobKind)


async def create(call: Call) -> Response:
    """The body is the file, of any size, and is streamed to disk. Cut off, nothing of it stays."""
    files = call.services.files
    declared = call.request.headers.get("content-length", "")
    upload = await files.start(
        call.tenant,
        name=None,
        display_name=call.text("display_name"),
        mime_type=call.request.headers.get("content-type", DEFAULT_TYPE),
        size_bytes=int(declared) if declared.isdecimal() else None,
    )
    try:
        await files.append(upload.id, 0, bodies.pieces(call.request))
        row = await files.complete(upload.id)
    except BaseException:
        await files.abandon(upload.id)
        raise
    made(call.request, row.id)
    return reply(shapes.file_body(row))


async def get(call: Call) -> Response:
    return reply(shapes.file_body(await call.services.files.get(call.tenant, call.name)))


async def content(call: Call) -> Response:
    """The bytes, or a range of them (RFC 9110, 14.2); never as the type that the uploader said: a browser might
    run it."""
    row = await call.services.files.get(call.tenant, call.name)
    files = call.services.files
    await files.check(row)
    return answers.content(
        call.request, row.size_bytes, BYTES_TYPE, lambda offset, length: files.read(row, offset, length)
    )


async def delete(call: Call) -> Response:
    await call.services.files.delete(call.tenant, call.name)
    return reply(DoneBody())


async def estimate(call: Call) -> Response:
    """What a job made of a file would take."""
    asked = await call.body(EstimateAsked)
    if asked.kind not in KINDS:
        raise wrong("kind", f"expected {' or '.join(KINDS)}, found {asked.kind[:40]!r}")
    if asked.dialect not in call.services.dialects:
        known = ", ".join(sorted(call.services.dialects))
        raise wrong("dialect", f"expected one of {known}, found {asked.dialect[:40]!r}")
    file = asked.file.removeprefix("files/")
    found = await call.services.estimates.of(
        call.tenant, file, asked.model, JobKind(asked.kind), asked.dialect
    )
    return reply(shapes.estimate_body(found, call.services.currency))
