"""Makes a job, in the dialect of its lines."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from backburner.api import creation
from backburner.api.native import shapes
from backburner.api.native.bodies import INT64, WebhookBody
from backburner.api.native.call import Call, reply, wrong
from backburner.api.trail import made
from backburner.core.job import JobKind, OnInvalid, Webhook
from backburner.core.limits import JOB_WINDOW_S
from backburner.core.names import file_id_of
from backburner.dialects.openai.endpoints import CHAT, EMBEDDINGS, KINDS, endpoint_of
from backburner.service.drafts import JobDraft

WINDOWS_S = (60.0, 366 * 86400.0)


class JobAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to be made of a `file` or of `requests`, the lines of one. `dialect` is that of the lines and of the
    results; `endpoint` is for OpenAI's, which have more than one for a kind. `after`: it starts when these jobs
    have succeeded."""

    model: str
    dialect: Literal["gemini", "openai", "anthropic"] = "gemini"
    kind: Literal["generate", "embed"] = "generate"
    endpoint: str = ""
    file: str = ""
    requests: list[msgspec.Raw] | None = None
    display_name: str = ""
    priority: Annotated[int, Meta(ge=-INT64, le=INT64 - 1)] = 0
    window_s: Annotated[float, Meta(ge=WINDOWS_S[0], le=WINDOWS_S[1])] = JOB_WINDOW_S
    on_invalid: Literal["fail", "skip"] = "fail"
    hold_after_canary: bool = False
    reuse_duplicates: bool | None = None
    after: list[str] = msgspec.field(default_factory=list[str])
    webhook: WebhookBody | None = None


async def create(call: Call) -> Response:
    """Wrong lines refuse it; what is found in lines that could not be looked at in time fails it later."""
    asked = await call.body(JobAsked)
    if bool(asked.file) == (asked.requests is not None):
        raise wrong("body", "expected either file or requests")
    if asked.requests == []:
        raise wrong("requests", "expected at least one request, found an empty list")
    kind = _kind(asked)
    file = _file(asked.file) if asked.file else await _adopted(call, asked)
    draft = JobDraft(
        dialect=asked.dialect,
        kind=kind,
        model=asked.model.removeprefix("models/"),
        display_name=asked.display_name,
        priority=asked.priority,
        on_invalid=OnInvalid(asked.on_invalid),
        window_s=asked.window_s,
        expire_after_s=None if asked.dialect == "gemini" else asked.window_s,
        hold_after_canary=asked.hold_after_canary,
        local_only=call.asker.local_only,
        reuse_duplicates=asked.reuse_duplicates,
        file_id=file,
        lines=_lines(asked.requests or []) if file is None else None,
        after=tuple(asked.after),
        webhook=Webhook(tuple(dict.fromkeys(asked.webhook.uris)), asked.webhook.metadata)
        if asked.webhook is not None
        else None,
        extras=_extras(asked, file),
    )
    raw = msgspec.json.encode(asked)
    try:
        job = await call.services.jobs.create(
            call.tenant, draft, creation.idempotency(call.request, "job", raw)
        )
    except BaseException:
        if file is not None and not asked.file:  # made for this job alone
            await call.services.files.delete(call.tenant, file)
        raise
    made(call.request, job.id)
    return reply(shapes.job_body(await call.services.progress.of(job, tokens=True)))


def _file(named: str) -> str:
    found = file_id_of(named.removeprefix("file-"))
    if found is None:
        raise wrong("file", f"expected the name of a file, files/..., found {named[:80]!r}")
    return found


async def _adopted(call: Call, asked: JobAsked) -> str | None:
    """OpenAI's batches have their input in a file, always: who reads this one with that API must find it."""
    if asked.dialect != "openai":
        return None
    name = asked.display_name or "requests of a job"
    lines = (line + b"\n" for line in _lines(asked.requests or []))
    return (await call.services.files.adopt(call.tenant, "application/jsonl", name, lines)).id


def _lines(requests: list[msgspec.Raw]) -> Iterator[bytes]:
    for request in requests:
        yield msgspec.json.format(bytes(request), indent=-1)


def _kind(asked: JobAsked) -> JobKind:
    if asked.dialect == "anthropic" and asked.kind == "embed":
        raise wrong("kind", "expected generate: this dialect has no embeddings")
    if not asked.endpoint:
        return JobKind(asked.kind)
    found = endpoint_of(asked.endpoint) if asked.dialect == "openai" else None
    if found is None:
        known = f"one of {', '.join(KINDS)}" if asked.dialect == "openai" else "none in this dialect"
        raise wrong("endpoint", f"expected {known}, found {asked.endpoint[:80]!r}")
    return KINDS[found]


def _extras(asked: JobAsked, file: str | None) -> dict[str, object]:
    """What the OpenAI API tells back of a batch."""
    if asked.dialect != "openai":
        return {}
    usual = EMBEDDINGS if asked.kind == "embed" else CHAT
    return {
        "endpoint": endpoint_of(asked.endpoint) or usual,
        "completion_window": f"{asked.window_s:g}s",
        "input_file_id": f"file-{file}",
    }
