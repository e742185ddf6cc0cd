"""Files one by one: take one, show it, give its bytes, delete it."""

from starlette.responses import Response

from backburner.api import answers, bodies
from backburner.api.native import shapes
from backburner.api.native.bodies import DoneBody
from backburner.api.native.call import BYTES_TYPE, Call, reply

DEFAULT_TYPE = "application/jsonl"


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
    return reply(shapes.file_body(row))


async def get(call: Call) -> Response:
    return reply(shapes.file_body(await call.services.files.get(call.tenant, call.name)))


async def content(call: Call) -> Response:
    """The bytes, or a range of them (RFC 9110, 14.2); never as the type that the uploader said: a browser might
    run it."""
    row = await call.services.files.get(call.tenant, call.name)
    files = call.services.files
    return answers.content(
        call.request, row.size_bytes, BYTES_TYPE, lambda offset, length: files.read(row, offset, length)
    )


async def delete(call: Call) -> Response:
    await call.services.files.delete(call.tenant, call.name)
    return reply(DoneBody())
