"""Batches (contract section 1): create, get, list, cancel, delete, update, and the results so far."""

import hashlib

import msgspec
from starlette.responses import Response

from backburner.api import answers, auth
from backburner.api.creation import after, hold, reuse_duplicates, webhook
from backburner.api.gemini.call import Call
from backburner.api.native import call as native
from backburner.api.native import reading
from backburner.api.trail import made
from backburner.core.clock import rfc3339
from backburner.core.errors import InvalidArgument, NotFound, Refused, Violation
from backburner.core.exchange import Json
from backburner.core.job import Job, JobKind, OnInvalid
from backburner.core.limits import INLINE_BODY_BYTES
from backburner.dialects.gemini.bodies import batch_update
from backburner.dialects.gemini.create import create_body
from backburner.dialects.gemini.resources import (
    StatePrefix,
    batch_resource,
    inline_items,
    operation,
)
from backburner.service.drafts import Idempotency, JobDraft

IDEMPOTENCY_HEADER = "idempotency-key"
_CHANGEABLE = {"priority", "displayName", "display_name"}
ON_INVALID_HEADER = "x-backburner-on-invalid"
WAY_OUT = (
    "Put the requests into a JSONL file, upload it with the Files API and create the batch from that file"
)


class InputRefused(Exception):
    """A refusal of lines of an input file: carries the file's name to where the words are made."""

    def __init__(self, refused: Refused, input_name: str | None) -> None:
        super().__init__(refused.message)
        self.refused = refused
        self.input_name = input_name


async def create_generate(call: Call) -> Response:
    return await _create(call, JobKind.GENERATE)


async def create_embed(call: Call) -> Response:
    return await _create(call, JobKind.EMBED)


async def _create(call: Call, kind: JobKind) -> Response:
    call.services.space.admit()  # before the body is read
    raw = await call.body(INLINE_BODY_BYTES, WAY_OUT)
    asked = create_body(raw, kind, call.name)
    draft = JobDraft(
        dialect="gemini",
        kind=kind,
        model=asked.model,
        display_name=asked.display_name,
        priority=asked.priority,
        on_invalid=_on_invalid(call, asked.on_invalid),
        hold_after_canary=hold(call.request),
        local_only=call.asker.local_only,
        reuse_duplicates=reuse_duplicates(call.request),
        file_id=asked.file_id,
        after=asked.after or after(call.request),
        webhook=webhook(call.request, asked.webhook),
        lines=asked.lines() if asked.items is not None else None,
        warnings=asked.warnings,
    )
    try:
        job = await call.services.jobs.create(call.tenant, draft, _idempotency(call, raw))
    except InvalidArgument as refused:
        raise InputRefused(refused, f"files/{asked.file_id}" if asked.file_id else None) from None
    made(call.request, job.id)
    return await _operation(call, job, inline=False)


def _on_invalid(call: Call, asked: OnInvalid) -> OnInvalid:
    """The header is for SDKs, which refuse fields they do not know."""
    header = call.request.headers.get(ON_INVALID_HEADER)
    if header is None:
        return asked
    try:
        return OnInvalid(header.strip().lower())
    except ValueError:
        words = f"expected fail or skip, found {header!r}"
        raise InvalidArgument(
            f"header {ON_INVALID_HEADER}: {words}", violations=[Violation(ON_INVALID_HEADER, words)]
        ) from None


def _idempotency(call: Call, body: bytes) -> Idempotency | None:
    key = call.request.headers.get(IDEMPOTENCY_HEADER)
    if not key:
        return None
    digest = hashlib.sha256(f"{call.name}:{call.request.url.path.rpartition(':')[2]}\n".encode() + body)
    return Idempotency(key, digest.digest())


async def get(call: Call) -> Response:
    return await _operation(call, await call.services.jobs.get(call.tenant, call.name), inline=True)


async def _inline(call: Call, job: Job) -> msgspec.Raw | None:
    """The results of an inline job; None when their time was up: the job itself can still be looked at."""
    try:
        published = b"".join([piece async for piece in call.services.results.published(job)])
    except NotFound:
        return None
    python = "gl-python" in call.request.headers.get("x-goog-api-client", "")
    return inline_items(published.split(b"\n"), python_reader=python)


async def _operation(call: Call, job: Job, *, inline: bool) -> Response:
    wanted = inline and job.input_name is None and job.results_blob is not None
    items = await _inline(call, job) if wanted else None
    body = operation(job, inline=items, prefix=_prefix(call), more=await _more(call, job))
    return answers.json(msgspec.json.encode(body))


def _prefix(call: Call) -> StatePrefix:
    return StatePrefix(f"{call.services.wire_states}_")


async def _more(call: Call, job: Job) -> dict[str, Json]:
    """What the real service does not say: why a job waits, when it will be done, and that this is too late."""
    if job.ended:
        return {}
    found = await call.services.progress.of(job, tokens=False)
    more: dict[str, Json] = {"waitingReason": found.waiting_reason} if found.waiting_reason else {}
    if found.completion is not None:
        more["estimatedCompletion"] = {
            "earliest": rfc3339(found.completion.earliest_at),
            "likely": rfc3339(found.completion.likely_at),
            "latest": rfc3339(found.completion.latest_at),
        }
    if found.window_warning:
        more["warnings"] = [*job.warnings, found.window_warning]
    return more


async def list_all(call: Call) -> Response:
    """Without inline output: whoever wants that asks for the one job (contract 1.6)."""
    page = await call.services.jobs.list(call.tenant, *call.page())
    prefix = _prefix(call)
    body: dict[str, Json] = {}
    if page.items:
        body["operations"] = [
            operation(job, prefix=prefix, more=await _more(call, job)) for job in page.items
        ]
    if page.next_token:
        body["nextPageToken"] = page.next_token
    return answers.json(msgspec.json.encode(body))


async def cancel(call: Call) -> Response:
    await call.services.jobs.cancel(call.tenant, call.name)
    return answers.json(b"{}")


async def delete(call: Call) -> Response:
    await call.services.jobs.delete(call.tenant, call.name)
    return answers.json(b"{}")


async def cancel_by_get(call: Call) -> Response:
    auth.require_header(call.request)
    return await cancel(call)


async def delete_by_get(call: Call) -> Response:
    auth.require_header(call.request)
    return await delete(call)


async def update(call: Call) -> Response:
    """Priority and display name. An updateMask may narrow what of the body counts, and name nothing else."""
    query = call.request.query_params
    mask = query.get("updateMask", query.get("update_mask", ""))
    fields = {path.strip().rpartition(".")[2] for path in mask.split(",") if path.strip()}
    if unknown := fields - _CHANGEABLE:
        words = f"only priority and displayName may be changed, found {', '.join(sorted(unknown))}"
        raise InvalidArgument(words, violations=[Violation("updateMask", words)])
    priority, display_name = batch_update(await call.body())
    job = await call.services.jobs.update(
        call.tenant,
        call.name,
        priority=priority if not fields or "priority" in fields else None,
        display_name=display_name if not fields or fields - {"priority"} else None,
    )
    return answers.json(msgspec.json.encode(batch_resource(job, prefix=_prefix(call))))


async def watch(call: Call) -> Response:
    """Progress as server-sent events: the native API's stream under a name of this door. Our extension."""
    return await reading.events(_native(call))


async def results(call: Call) -> Response:
    """Result lines while the job runs and after, likewise the native API's. Our extension."""
    return await reading.results(_native(call))


def _native(call: Call) -> native.Call:
    return native.Call(call.services, call.request, call.asker, call.name)
