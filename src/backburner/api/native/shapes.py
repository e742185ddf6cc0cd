"""From what the services give to what the wire shows."""

import msgspec

from backburner.api.native.bodies import (
    AttemptBody,
    CompletionBody,
    CountsBody,
    EngineBody,
    EngineModelBody,
    EstimateBody,
    FileBody,
    JobBody,
    JobErrorBody,
    KeyBody,
    ModelBody,
    NumberedLine,
    OutcomeBody,
    ProgressBody,
    RequestBody,
    SavedBody,
    UsageBody,
    ViolationBody,
    WebhookBody,
)
from backburner.core.clock import rfc3339
from backburner.core.errors import Violation
from backburner.core.job import Counts, Job
from backburner.core.names import errors_file_id, result_file_id
from backburner.core.request import Saved, Usage
from backburner.policy.price import amount
from backburner.service.completion import Completion
from backburner.service.engines import EngineCard
from backburner.service.estimate import Estimate
from backburner.service.models import ModelCard
from backburner.service.progress import Progress
from backburner.service.requests import RequestView
from backburner.service.results import Numbered, encode_cursor
from backburner.store.files import FileRow
from backburner.store.keys import KeyRow
from backburner.store.ledger_view import OutcomeRow

NULL = msgspec.Raw(b"null")


def instant(at: float | None) -> str | None:
    return rfc3339(at) if at is not None else None


def counts_body(counts: Counts) -> CountsBody:
    return CountsBody(counts.total, counts.succeeded, counts.failed, counts.pending)


def usage_body(usage: Usage) -> UsageBody:
    share = usage.cached / usage.prompt if usage.prompt else 0.0
    return UsageBody(usage.prompt, usage.cached, usage.output, round(share, 4))


def _saved(saved: Saved) -> SavedBody:
    return SavedBody(saved.calls, saved.kept, saved.usage.prompt, saved.usage.output)


def part_done(job: Job) -> float:
    """0 to 1; of a job that ended with nothing in it, 1."""
    if not job.counts.total:
        return float(job.ended)
    return round(1 - job.counts.pending / job.counts.total, 6)


def completion_body(found: Completion) -> CompletionBody:
    return CompletionBody(
        rfc3339(found.earliest_at),
        rfc3339(found.likely_at),
        rfc3339(found.latest_at),
        round(found.confidence, 2),
    )


def _error(job: Job) -> JobErrorBody | None:
    return JobErrorBody(job.error.code.name, job.error.message) if job.error is not None else None


def progress_body(found: Progress) -> ProgressBody:
    job = found.job
    return ProgressBody(
        job=job.id,
        at=rfc3339(found.at),
        state=job.state,
        ended=job.ended,
        scanned=job.scanned,
        counts=counts_body(job.counts),
        progress=part_done(job),
        rate_per_s=round(found.rate_per_s, 3),
        usage=usage_body(found.usage) if found.usage is not None else None,
        estimated_completion=completion_body(found.completion) if found.completion is not None else None,
        waiting_reason=found.waiting_reason,
        deadline_at=rfc3339(job.created_at + job.window_s),
        window_warning=found.window_warning,
        error=_error(job),
    )


def job_body(found: Progress) -> JobBody:
    job, now = found.job, progress_body(found)
    retry_of = job.extras.get("retry_of")
    return JobBody(
        id=job.id,
        display_name=job.display_name,
        dialect=job.dialect,
        kind=job.kind,
        model=job.model,
        state=job.state,
        ended=job.ended,
        priority=job.priority,
        on_invalid=job.on_invalid,
        hold_after_canary=job.hold_after_canary,
        held=job.held and not job.ended,
        reuse_duplicates=job.reuse_duplicates,
        retry_of=str(retry_of) if retry_of else None,
        after=list(job.after),
        waits_for=list(job.waits_for),
        webhook=WebhookBody(list(job.webhook.uris), job.webhook.metadata) if job.webhook else None,
        input_file=job.input_name,
        input_bytes=job.input_bytes,
        scanned=job.scanned,
        created_at=rfc3339(job.created_at),
        updated_at=rfc3339(job.updated_at),
        started_at=instant(job.started_at),
        ended_at=instant(job.ended_at),
        deadline_at=now.deadline_at,
        expire_at=rfc3339(job.expire_at),
        window_s=job.window_s,
        counts=now.counts,
        progress=now.progress,
        rate_per_s=now.rate_per_s,
        usage=now.usage,
        saved=_saved(job.saved),
        estimated_completion=now.estimated_completion,
        waiting_reason=now.waiting_reason,
        window_warning=now.window_warning,
        warnings=list(job.warnings),
        error=now.error,
        results_file=f"files/{result_file_id(job.id)}" if job.results_blob else None,
        results_bytes=job.results_bytes,
        errors_file=f"files/{errors_file_id(job.id)}" if job.errors_blob else None,
        errors_bytes=job.errors_bytes,
    )


def numbered_line(row: Numbered) -> NumberedLine:
    return NumberedLine(row.seq, row.ordinal, row.key, encode_cursor(row.seq), msgspec.Raw(row.line))


def violation_body(found: Violation) -> ViolationBody:
    return ViolationBody(found.path, found.reason, found.instead, found.line, found.key)


def request_body(found: RequestView) -> RequestBody:
    row = found.row
    return RequestBody(
        ordinal=row.ordinal,
        line=row.line,
        key=row.key,
        request=_as_json(found.request),
        outcome=_outcome(found.outcome) if found.outcome is not None else None,
        result=msgspec.Raw(found.result) if found.result is not None else NULL,
        attempts=[
            AttemptBody(
                engine=x.engine,
                model=x.model,
                started_at=rfc3339(x.started_at),
                ended_at=instant(x.ended_at),
                trouble=x.trouble,
                message=x.message,
                usage=usage_body(x.usage),
                reused_from=x.reused_from,
            )
            for x in found.attempts
        ],
    )


def _outcome(row: OutcomeRow) -> OutcomeBody:
    return OutcomeBody(
        seq=row.seq,
        kind=row.kind,
        code=row.code.name,
        finish_reason=row.finish_reason,
        usage=usage_body(row.usage),
        engine=row.engine,
        model=row.model,
        at=rfc3339(row.at),
        reused_from=row.reused_from,
    )


def _as_json(line: bytes | None) -> msgspec.Raw:
    """A line of an input as a JSON value: itself, or, where it is wrong and no JSON at all, a string."""
    if line is None:
        return NULL
    try:
        msgspec.json.decode(line)
        line.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.Raw(msgspec.json.encode(line.decode("utf-8", "replace")))
    return msgspec.Raw(line)


def engine_body(card: EngineCard) -> EngineBody:
    models = [
        EngineModelBody(
            id=x.id,
            display_name=x.display_name,
            features=sorted(feature.name.lower() for feature in x.features),
            context_tokens=x.context_tokens,
            output_tokens=x.output_tokens,
            slots=x.slots,
            limit=x.limit,
            in_flight=x.in_flight,
            closed_until_at=instant(x.closed_until_at),
        )
        for x in card.models
    ]
    return EngineBody(name=card.name, status=card.health, reason=card.reason, names=card.names, models=models)


def file_body(row: FileRow) -> FileBody:
    return FileBody(
        name=f"files/{row.id}",
        display_name=row.display_name,
        mime_type=row.mime_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        source=row.source,
        job=row.job,
        created_at=rfc3339(row.created_at),
        expire_at=rfc3339(row.expire_at),
    )


def model_body(card: ModelCard) -> ModelBody:
    return ModelBody(
        id=card.id,
        display_name=card.display_name,
        description=card.description,
        served_by=card.served_by,
        engine=card.engine,
        chat=card.chat,
        embed=card.embed,
        input_tokens=card.input_tokens,
        output_tokens=card.output_tokens,
    )


def key_body(row: KeyRow) -> KeyBody:
    return KeyBody(
        id=row.id,
        name=row.name,
        hint=row.hint,
        created_at=rfc3339(row.created_at),
        revoked_at=instant(row.revoked_at),
    )


def estimate_body(found: Estimate, currency: str) -> EstimateBody:
    def money(nanos: int | None) -> float | None:
        return None if nanos is None else amount(nanos)

    return EstimateBody(
        requests=found.requests,
        sampled=found.sampled,
        wrong=found.wrong,
        engine=found.engine,
        model=found.model,
        counted=found.counted,
        prompt_tokens=found.prompt_tokens,
        output_tokens_most=found.output_tokens_most,
        output_tokens_likely=found.output_tokens_likely,
        currency=currency,
        cost_most=money(found.cost_most_nanos),
        cost_likely=money(found.cost_likely_nanos),
        likely_s=found.likely_s,
    )
