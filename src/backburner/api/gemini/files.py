"""The Files API (contract section 2): upload, metadata, list, get, delete, download."""

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from backburner.api import answers, bodies
from backburner.api.gemini.call import Call
from backburner.api.gemini.multipart import related_parts
from backburner.api.gemini.shapes import file_body
from backburner.api.trail import made
from backburner.core.errors import InvalidArgument, PermissionDenied, Refused
from backburner.core.exchange import Json
from backburner.core.limits import MIB, UPLOAD_CHUNK_BYTES
from backburner.core.names import file_id_of
from backburner.dialects.gemini.bodies import FileStart, file_start
from backburner.dialects.gemini.status import status
from backburner.service.files import Upload
from backburner.store.files import FileRow

_METADATA_BYTES = 1 * MIB
_DEFAULT_MIME = "application/octet-stream"


def rendered(call: Call, row: FileRow) -> dict[str, Json]:
    return file_body(row, call.base_url)


# -- upload


async def upload(call: Call) -> Response:
    """`POST /upload/{v}/files`: the start of an upload, a piece of one, or a whole one as multipart."""
    query = call.request.query_params
    if upload_id := query.get("upload_id"):
        return await _piece(call, upload_id)
    protocol = call.request.headers.get("x-goog-upload-protocol", query.get("uploadType", "")).lower()
    content_type = call.request.headers.get("content-type", "")
    if protocol == "multipart" or content_type.startswith("multipart/"):
        return await _multipart(call)
    if protocol in ("raw", "media"):
        return await _whole(call, FileStart(), bodies.pieces(call.request), content_type)
    return await _start(call)


async def _start(call: Call) -> Response:
    headers = call.request.headers
    told = file_start(await call.body(_METADATA_BYTES, "The start of an upload holds metadata alone"))
    declared = headers.get("x-goog-upload-header-content-length")
    row = await call.services.files.start(
        call.tenant,
        name=told.name,
        display_name=told.display_name,
        mime_type=headers.get("x-goog-upload-header-content-type") or told.mime_type or _DEFAULT_MIME,
        size_bytes=_number(declared, "the declared length of the upload") if declared else told.size_bytes,
    )
    address = f"{call.base_url}/upload/{call.version}/files?upload_id={row.id}&upload_protocol=resumable"
    return answers.json(
        b"{}",
        headers={
            "x-goog-upload-url": address,
            "x-goog-upload-control-url": address,
            "x-goog-upload-status": "active",
            "x-goog-upload-chunk-granularity": str(UPLOAD_CHUNK_BYTES),
        },
    )


def _number(text: str, what: str) -> int:
    if not text.isdigit():
        raise InvalidArgument(f"{what} is {text!r}; expected a number of bytes")
    return int(text)


async def _piece(call: Call, upload_id: str) -> Response:
    """The data requests: the upload's id is the credential, the Content-Type means nothing (contract 2.2)."""
    files, headers = call.services.files, call.request.headers
    commands = {
        word.strip() for word in headers.get("x-goog-upload-command", "upload, finalize").lower().split(",")
    }
    if "cancel" in commands:
        await files.abandon(upload_id)
        return answers.json(b"{}", headers={"x-goog-upload-status": "cancelled"})
    if "query" in commands:
        return _active(await files.upload(upload_id))
    if "upload" in commands:
        offset = _number(headers.get("x-goog-upload-offset", "0"), "the offset of the piece")
        state = await files.append(upload_id, offset, bodies.pieces(call.request))
        if "finalize" not in commands:
            return _active(state)
    try:
        row = await files.complete(upload_id)
    except Refused as refused:  # without `final` the Python SDK would send the piece again (contract 2.2)
        http, body = status(refused)
        return answers.json(msgspec.json.encode(body), http, {"x-goog-upload-status": "final"})
    return _final(call, row)


def _active(state: Upload) -> Response:
    received = {"x-goog-upload-size-received": str(state.received_bytes)}
    return answers.json(b"{}", headers={"x-goog-upload-status": "active", **received})


def _final(call: Call, row: FileRow) -> Response:
    body = msgspec.json.encode({"file": rendered(call, row)})
    return answers.json(body, headers={"x-goog-upload-status": "final"})


async def _multipart(call: Call) -> Response:
    metadata, content_type, content = await related_parts(call.request)
    return await _whole(call, file_start(metadata), content, content_type)


async def _whole(call: Call, told: FileStart, content: AsyncIterator[bytes], content_type: str) -> Response:
    """A file that comes in one request."""
    row = await call.services.files.start(
        call.tenant,
        name=told.name,
        display_name=told.display_name,
        mime_type=told.mime_type or content_type or _DEFAULT_MIME,
        size_bytes=None,
    )
    try:
        await call.services.files.append(row.id, 0, content)
        file = await call.services.files.complete(row.id)
        made(call.request, file.id)
        return _final(call, file)
    except BaseException:
        await call.services.files.abandon(row.id)
        raise


# -- the rest


async def create(call: Call) -> Response:
    """`POST /{v}/files`: metadata alone."""
    told = file_start(await call.body())
    row = await call.services.files.create_empty(
        call.tenant,
        name=told.name,
        display_name=told.display_name,
        mime_type=told.mime_type or _DEFAULT_MIME,
    )
    return answers.json(msgspec.json.encode({"file": rendered(call, row)}))


def _id(call: Call) -> str:
    """The id in the path; the SDKs put a whole plain-http URI there (contract 2.4)."""
    return file_id_of(f"files/{call.name}") or call.name


async def get(call: Call) -> Response:
    row = await call.services.files.get(call.tenant, _id(call))
    return answers.json(msgspec.json.encode(rendered(call, row)))


async def list_all(call: Call) -> Response:
    page = await call.services.files.list(call.tenant, *call.page())
    body: dict[str, Json] = {"files": [rendered(call, row) for row in page.items]} if page.items else {}
    if page.next_token:
        body["nextPageToken"] = page.next_token
    return answers.json(msgspec.json.encode(body))


async def delete(call: Call) -> Response:
    await call.services.files.delete(call.tenant, _id(call))
    return answers.json(b"{}")


async def download(call: Call) -> Response:
    """The bytes, or a range of them. The results of a job that still runs are what there is so far, in the
    order of commit, and say so in a header."""
    try:
        row = await call.services.files.get(call.tenant, _id(call))
    except PermissionDenied:
        unfinished = await _unfinished(call)
        if unfinished is None:
            raise
        return unfinished
    mime_type = row.mime_type if "/" in row.mime_type else _DEFAULT_MIME
    files = call.services.files
    await files.check(row)
    return answers.content(
        call.request, row.size_bytes, mime_type, lambda offset, length: files.read(row, offset, length)
    )


async def _unfinished(call: Call) -> Response | None:
    job_id = _id(call).removeprefix("batch-")
    if job_id == _id(call):
        return None
    try:
        job = await call.services.jobs.get(call.tenant, job_id)
    except Refused:
        return None
    if job.ended:  # it was published meanwhile, or its results have expired
        row = await call.services.files.get(call.tenant, _id(call))
        return answers.stream(call.services.files.read(row), answers.JSONL_TYPE)
    results = await call.services.results.so_far(job, None)
    headers = {"x-incomplete": "true", "x-next-cursor": results.cursor}
    return answers.stream(results.lines, answers.JSONL_TYPE, headers)
