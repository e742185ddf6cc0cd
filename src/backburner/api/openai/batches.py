"""Batches: create, get, list, cancel (contract 5.3, 5.4)."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.creation import after, hold, idempotency, on_invalid, reuse_duplicates, webhook
from backburner.api.openai.call import Call
from backburner.api.openai.refusals import refused_response
from backburner.api.trail import made
from backburner.core.errors import NotFound, PermissionDenied, Violation
from backburner.core.exchange import Json
from backburner.core.job import Job, JobState
from backburner.core.limits import LINE_BYTES, MIB
from backburner.dialects.openai.create import CreateBody, create_body
from backburner.dialects.openai.lines import first_model
from backburner.dialects.openai.names import job_of
from backburner.dialects.openai.resources import Outlook, batch_object, list_object
from backburner.service.drafts import JobDraft
from backburner.store.files import FileRow
from backburner.store.jobs import Wanted

DIALECT = "openai"
PAGE_DEFAULT, PAGE_MOST = 20, 100
LOOKED_INTO_BYTES = 4 * MIB  # for a request that names its model


async def create(call: Call) -> Response:
    """The batch begins as `validating`, whatever its file holds: what is wrong with its lines fails it later."""
    raw = await call.body()
    asked = create_body(raw)
    try:
        row = await call.services.files.get(call.tenant, asked.file_id)
    except PermissionDenied as missing:
        return refused_response(missing, str(asked.extras["input_file_id"]))
    draft = _draft(call, asked, await _model(call, row))
    job = await call.services.jobs.create(call.tenant, draft, idempotency(call.request, "batch", raw))
    made(call.request, job.id)
    return await _shown(call, job)


def _draft(call: Call, asked: CreateBody, model: str) -> JobDraft:
    return JobDraft(
        dialect=DIALECT,
        kind=asked.kind,
        model=model,
        display_name=asked.display_name,
        priority=asked.priority,
        on_invalid=on_invalid(call.request),
        hold_after_canary=hold(call.request),
        local_only=call.asker.local_only,
        after=after(call.request),
        webhook=webhook(call.request),
        reuse_duplicates=reuse_duplicates(call.request),
        window_s=asked.window_s,
        expire_after_s=asked.window_s,
        check_first=False,
        result_retention_s=asked.retention_s,
        file_id=asked.file_id,
        extras=dict(asked.extras),
    )


async def _model(call: Call, row: FileRow) -> str:
    """The model that the first request names, which is the model of the batch; empty when none can be found."""
    begun = bytearray()
    async for piece in call.services.files.read(row, 0, min(row.size_bytes, LINE_BYTES)):
        begun += piece
        found = first_model(bytes(begun), whole=len(begun) >= row.size_bytes)
        if found or (b"\n" in piece and len(begun) > LOOKED_INTO_BYTES):
            return found
    return ""


async def get(call: Call) -> Response:
    return await _shown(call, await _found(call))


async def _found(call: Call) -> Job:
    """The batch that the path names. One of another tenant or another dialect is answered as one that is none."""
    job = await call.services.jobs.get(call.tenant, job_of(call.name))
    if job.dialect != DIALECT:
        raise NotFound("Requested entity was not found.", reason="JOB_NOT_FOUND")
    return job


async def _shown(call: Call, job: Job) -> Response:
    return answers.json(msgspec.json.encode(await _object(call, job)))


async def _object(call: Call, job: Job) -> dict[str, Json]:
    violations: list[Violation] = []
    if job.state is JobState.FAILED and job.counts.failed:
        violations = await call.services.jobs.violations(job)
    found = await call.services.progress.of(job, tokens=False)
    end = found.completion
    times = (end.earliest_at, end.likely_at, end.latest_at) if end is not None else None
    return batch_object(job, call.ids, violations, Outlook(found.waiting_reason, times, found.window_warning))


async def list_all(call: Call) -> Response:
    after = call.request.query_params.get("after")
    jobs, more = await call.services.listing.beside(
        call.tenant,
        call.limit(PAGE_DEFAULT, PAGE_MOST),
        after=job_of(after) if after else None,
        wanted=Wanted(dialect=DIALECT),
    )
    body = list_object([await _object(call, job) for job in jobs], more)
    return answers.json(msgspec.json.encode(body))


async def cancel(call: Call) -> Response:
    """CANCELLED is durable before the answer, so `cancelling` is never seen. An ended batch stays as it is."""
    job = await _found(call)
    await call.services.jobs.cancel(call.tenant, job.id)
    return await _shown(call, await _found(call))
