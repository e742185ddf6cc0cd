"""Files: upload, list, metadata, content, delete (contract 5.3, 5.4)."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.openai.call import Call
from backburner.api.openai.multipart import Form
from backburner.api.trail import made
from backburner.core.errors import InvalidArgument, NotFound, PermissionDenied, Refused, Violation
from backburner.core.job import Job
from backburner.core.request import OutcomeKind
from backburner.dialects.openai.create import check_expiry
from backburner.dialects.openai.names import file_of
from backburner.dialects.openai.resources import FileView, file_object, list_object, purpose_of
from backburner.dialects.report import Report
from backburner.store.files import FileRow, FileSource

PURPOSES = ("batch", "assistants", "fine-tune", "vision", "user_data", "evals")
PAGE_DEFAULT = PAGE_MOST = 10_000
_JSONL = "application/jsonl"
_MADE = {"batch-": (OutcomeKind.ANSWER, "output"), "errors-": (OutcomeKind.ERROR, "error")}


def view_of(row: FileRow) -> FileView:
    made = row.source is FileSource.GENERATED
    return FileView(
        id=row.id,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        expire_at=row.expire_at,
        filename=_made_name(row.id) if made else row.display_name or row.id,
        purpose=row.purpose,
        mime_type=row.mime_type,
        generated=made,
    )


def _made_name(file: str) -> str:
    for prefix, (_, what) in _MADE.items():
        if file.startswith(prefix):
            return f"batch_{file.removeprefix(prefix)}_{what}.jsonl"
    return file


# -- upload


async def create(call: Call) -> Response:
    form = Form(call.request)
    part = await form.file()
    if part is None:
        raise InvalidArgument("there is no file in the form", violations=[Violation("file", "is missing")])
    files = call.services.files
    upload = await files.start(
        call.tenant,
        name=None,
        display_name=part.filename,
        mime_type=_JSONL if part.filename.endswith(".jsonl") else part.content_type or _JSONL,
        size_bytes=None,
    )
    try:
        await files.append(upload.id, 0, form.content())
        await form.rest()  # its other fields may stand behind the file
        purpose, retention_s = _said(form.fields)
        row = await files.complete(upload.id, purpose=purpose, retention_s=retention_s)
    except BaseException:
        await files.abandon(upload.id)
        raise
    made(call.request, row.id)
    return _object(call, view_of(row))


def _said(fields: dict[str, str]) -> tuple[str, float | None]:
    """Purpose and retention. Raises InvalidArgument."""
    report = Report()
    purpose = fields.get("purpose", "")
    if purpose not in PURPOSES:
        words = f"expected one of {', '.join(PURPOSES)}, found {purpose[:40]!r}"
        report.wrong((None, "purpose"), words)
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    expires = anchor is not None or seconds is not None
    if expires:
        number = int(seconds) if seconds and seconds.isdecimal() else seconds
        check_expiry({"anchor": anchor, "seconds": number}, (None, "expires_after"), report)
    if not report.clean:
        raise InvalidArgument("this file cannot be taken", violations=report.violations())
    return purpose, float(seconds) if expires and seconds else None


# -- metadata


def _object(call: Call, view: FileView) -> Response:
    return answers.json(msgspec.json.encode(file_object(view, call.ids)))


async def get(call: Call) -> Response:
    try:
        row = await call.services.files.get(call.tenant, file_of(call.name))
    except PermissionDenied as missing:
        job, _ = await _unpublished(call, missing)
        if job.results_blob is not None:  # it was published, and is gone
            raise
        view = FileView(
            id=file_of(call.name),
            size_bytes=0,
            created_at=job.created_at,
            expire_at=None,
            filename=_made_name(file_of(call.name)),
            purpose="batch_output",
            written=False,
        )
        return _object(call, view)
    return _object(call, view_of(row))


async def list_all(call: Call) -> Response:
    query = call.request.query_params
    wanted, order = query.get("purpose"), query.get("order", "desc")
    if order not in ("asc", "desc"):
        words = f"expected asc or desc, found {order[:20]!r}"
        raise InvalidArgument("the page cannot be given", violations=[Violation("order", words)])
    after = query.get("after")
    rows, more = await call.services.files.beside(
        call.tenant,
        call.limit(PAGE_DEFAULT, PAGE_MOST),
        file_of(after) if after else None,
        lambda row: not wanted or purpose_of(view_of(row)) == wanted,
        oldest_first=order == "asc",
    )
    body = list_object([file_object(view_of(row), call.ids) for row in rows], more)
    return answers.json(msgspec.json.encode(body))


async def delete(call: Call) -> Response:
    file = file_of(call.name)
    await call.services.files.delete(call.tenant, file)
    body = {"id": call.ids.file(file), "object": "file", "deleted": True}
    return answers.json(msgspec.json.encode(body))


# -- content


async def content(call: Call) -> Response:
    """The bytes, or a range of them. The files of a batch that still runs are what there is so far, in the order of
    commit: X-Last-Line is how many lines that is, and `?offset=` goes on behind so many, also after the end."""
    file = file_of(call.name)
    skip = _offset(call)
    try:
        row = await call.services.files.get(call.tenant, file)
    except PermissionDenied as missing:
        job, kind = await _unpublished(call, missing)
        return await _lines(call, job, kind, skip or 0)
    if skip is not None and row.job is not None:
        job, kind = await _unpublished(call, NotFound("", reason="FILE_NOT_FOUND"))
        return await _lines(call, job, kind, skip)
    headers = {"x-incomplete": "false"} if row.job is not None else {}
    files = call.services.files
    await files.check(row)
    return answers.content(
        call.request,
        row.size_bytes,
        "application/octet-stream",
        lambda offset, length: files.read(row, offset, length),
        headers,
    )


def _offset(call: Call) -> int | None:
    """Raises InvalidArgument."""
    asked = call.request.query_params.get("offset")
    if asked is None:
        return None
    if not asked.isdecimal() or len(asked) > 15:
        words = f"expected the X-Last-Line of an earlier answer, found {asked[:20]!r}"
        raise InvalidArgument("the content cannot be given", violations=[Violation("offset", words)])
    return int(asked)


async def _unpublished(call: Call, missing: Refused) -> tuple[Job, OutcomeKind]:
    """The batch that a file belongs to, and which of its two files it is. Raises `missing` when there is none."""
    file = file_of(call.name)
    for prefix, (kind, _) in _MADE.items():
        if not file.startswith(prefix):
            continue
        try:
            job = await call.services.jobs.get(call.tenant, file.removeprefix(prefix))
        except NotFound:
            break
        if job.dialect == "openai":
            return job, kind
    raise missing


async def _lines(call: Call, job: Job, kind: OutcomeKind, skip: int) -> Response:
    found = await call.services.output.lines(job, kind, skip)
    headers = {
        "x-incomplete": "false" if found.complete else "true",
        "x-last-line": str(found.last_line),
    }
    return answers.stream(found.lines, _JSONL, headers)
