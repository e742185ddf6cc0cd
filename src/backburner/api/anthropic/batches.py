"""Message batches: create, retrieve, list, cancel, delete, and the results, also while they come."""

import msgspec
from starlette.responses import Response

from backburner.api import answers, bodies
from backburner.api.anthropic.call import ROOT, Call
from backburner.api.creation import after, hold, idempotency, on_invalid, reuse_duplicates, webhook
from backburner.api.trail import made
from backburner.core.errors import Conflict, InvalidArgument, NotFound, Violation
from backburner.core.exchange import Json
from backburner.core.job import Job, JobKind
from backburner.core.limits import JOB_WINDOW_S
from backburner.dialects.anthropic.create import create_body
from backburner.dialects.anthropic.resources import (
    TOTAL,
    Outlook,
    batch_id,
    deleted,
    job_of,
    message_batch,
    page,
    status_of,
)
from backburner.service.drafts import JobDraft
from backburner.store.jobs import Wanted

DIALECT = "anthropic"
JSONL_TYPE = "application/x-jsonl"
WAY_OUT = "Make several batches, or raise anthropic_batch_bytes_max in the server's config"


async def create(call: Call) -> Response:
    call.services.space.admit()  # before the body is read
    raw = await bodies.gathered(call.request, call.services.message_batch_bytes, WAY_OUT)
    asked = create_body(raw, call.services.message_batch_requests)
    draft = JobDraft(
        dialect=DIALECT,
        kind=JobKind.GENERATE,
        model=asked.model,
        on_invalid=on_invalid(call.request),
        hold_after_canary=hold(call.request),
        local_only=call.asker.local_only,
        after=after(call.request),
        webhook=webhook(call.request),
        reuse_duplicates=reuse_duplicates(call.request),
        expire_after_s=JOB_WINDOW_S,
        lines=asked.lines(),
        extras={TOTAL: len(asked.items)},
    )
    job = await call.services.jobs.create(call.tenant, draft, idempotency(call.request, "message_batch", raw))
    made(call.request, job.id)
    return await _shown(call, job)


async def _shown(call: Call, job: Job) -> Response:
    return answers.json(msgspec.json.encode(await _view(call, job)))


async def _view(call: Call, job: Job) -> dict[str, Json]:
    url = f"{call.base_url}{ROOT}/v1/messages/batches/{batch_id(job.id)}/results"
    found = await call.services.progress.of(job, tokens=False)
    end = found.completion
    times = (end.earliest_at, end.likely_at, end.latest_at) if end is not None else None
    return message_batch(job, url, Outlook(found.waiting_reason, times, found.window_warning))


async def _found(call: Call) -> Job:
    """The batch that the path names. One of another tenant or another dialect is answered as one that is none."""
    try:
        job = await call.services.jobs.get(call.tenant, job_of(call.name))
    except NotFound:
        job = None
    if job is None or job.dialect != DIALECT:
        raise NotFound(f"there is no message batch {call.name[:80]!r}", reason="JOB_NOT_FOUND")
    return job


async def retrieve(call: Call) -> Response:
    return await _shown(call, await _found(call))


async def list_all(call: Call) -> Response:
    limit, after, before = call.page()
    jobs, more = await call.services.listing.beside(
        call.tenant,
        limit,
        after=_mark(after),
        before=_mark(before),
        wanted=Wanted(dialect=DIALECT),
    )
    return answers.json(msgspec.json.encode(page([await _view(call, job) for job in jobs], has_more=more)))


def _mark(batch: str) -> str | None:
    """A cursor's job; a word that is no batch id stays one that no job has."""
    return (job_of(batch) or batch) if batch else None


async def cancel(call: Call) -> Response:
    """Cancelled when this answers, so that no call is made any more. A batch that has ended stays as it is."""
    job = await _found(call)
    await call.services.jobs.cancel(call.tenant, job.id)
    return await _shown(call, await _found(call))


async def delete(call: Call) -> Response:
    job = await _found(call)
    if not job.ended:
        raise Conflict(
            f"message batch {batch_id(job.id)} has not ended; only batches that have ended can be deleted. "
            "Cancel it first"
        )
    await call.services.jobs.delete(call.tenant, job.id)
    return answers.json(msgspec.json.encode(deleted(job.id)))


async def results(call: Call) -> Response:
    """The results in the order of the requests, once the batch has ended. Before that, and with `?cursor=`, those
    that are there, in the order of commit: `X-Next-Cursor` goes on from here, `X-Incomplete` says that more will
    come. `?order=input` gives the finished start of the batch instead."""
    job = await _found(call)
    query = call.request.query_params
    order = query.get("order", "input" if status_of(job) == "ended" and "cursor" not in query else "commit")
    if order == "input":
        found = await call.services.results.prefix(job)
    elif order == "commit":
        found = await call.services.results.so_far(job, query.get("cursor"))
    else:
        words = f"expected commit or input, found {order[:40]!r}"
        raise InvalidArgument("the results cannot be given", violations=[Violation("order", words)])
    headers = {"x-incomplete": "false" if found.complete else "true"}
    if found.cursor:
        headers["x-next-cursor"] = found.cursor
    return answers.stream(found.lines, JSONL_TYPE, headers)
