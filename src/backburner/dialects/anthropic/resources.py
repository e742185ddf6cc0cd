"""Batches and models as the wire shows them (contract 6.1). Counts are live, where the real service shows zeros
until the end; what it has no word for (why a batch waits, why it failed) stands in members of ours."""

import msgspec

from backburner.core.clock import rfc3339
from backburner.core.exchange import Json
from backburner.core.job import Job, JobState
from backburner.dialects.anthropic.errors import error_object

PREFIX = "msgbatch_"
TOTAL = "requests"  # in Job.extras: how many requests the creation had, before all of them are read


def batch_id(job: str) -> str:
    return PREFIX + job


def job_of(batch: str) -> str:
    """The job id in a batch's id; empty, which no job has, for any other word."""
    return batch.removeprefix(PREFIX) if batch.startswith(PREFIX) else ""


def status_of(job: Job) -> str:
    """`ended` means that the results can be read, which is what a poller waits for."""
    if job.ended and job.results_blob is not None:
        return "ended"
    return "canceling" if job.state is JobState.CANCELLED else "in_progress"


def counts_of(job: Job) -> dict[str, Json]:
    counts = job.counts
    named = job.extras.get(TOTAL)
    # a job made anew from what another one left undone has that one's extras, and its input in a file
    known = named if isinstance(named, int) and job.input_name is None and not job.scanned else 0
    pending = max(counts.total, known) - counts.succeeded - counts.failed
    out: dict[str, Json] = {
        "processing": 0,
        "succeeded": counts.succeeded,
        "errored": counts.failed,
        "canceled": 0,
        "expired": 0,
    }
    if status_of(job) != "ended":
        out["processing"] = pending
    elif job.state is JobState.CANCELLED:
        out["canceled"] = pending
    elif job.state is JobState.EXPIRED:
        out["expired"] = pending
    else:  # a batch that failed answers what it did not get to with an error
        out["errored"] = counts.failed + pending
    return out


class Outlook(msgspec.Struct, frozen=True):
    """What is known of the way ahead: why a batch waits, the instants between which it will likely end, and that this
    is behind the end of its window."""

    waiting: str = ""
    end: tuple[float, float, float] | None = None  # earliest, likely, latest
    late: str = ""


def message_batch(job: Job, results_url: str, outlook: Outlook | None = None) -> dict[str, Json]:
    status = status_of(job)
    ended = status == "ended"
    cancelled = job.state is JobState.CANCELLED
    out: dict[str, Json] = {
        "id": batch_id(job.id),
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts_of(job),
        "created_at": rfc3339(job.created_at),
        "expires_at": rfc3339(job.expire_at),
        "ended_at": _moment(job.ended_at if ended else None),
        "cancel_initiated_at": _moment(job.ended_at if cancelled else None),
        "archived_at": None,
        "results_url": results_url if ended else None,
    }
    if outlook is not None and outlook.waiting:
        out["waiting_reason"] = outlook.waiting
    if outlook is not None and outlook.end is not None:
        names = ("earliest", "likely", "latest")
        out["estimated_completion"] = dict(zip(names, map(rfc3339, outlook.end), strict=True))
    late = [outlook.late] if outlook is not None and outlook.late else []
    if job.warnings or late:
        out["warnings"] = [*job.warnings, *late]
    if job.error is not None and not cancelled:
        out["error"] = error_object(job.error.code, job.error.message, f"req_{job.id}")["error"]
    return out


def _moment(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def deleted(job: str) -> dict[str, Json]:
    return {"id": batch_id(job), "type": "message_batch_deleted"}


def page(items: list[dict[str, Json]], *, has_more: bool) -> dict[str, Json]:
    """A page of a list; ids of its ends are the cursors of its neighbours."""
    return {
        "data": items,
        "has_more": has_more,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
    }


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model. Token limits are 0 where nobody tells them."""

    id: str
    display_name: str
    description: str
    input_tokens: int
    output_tokens: int
    created_at: float = 0.0


def model_object(view: ModelView) -> dict[str, Json]:
    out: dict[str, Json] = {
        "type": "model",
        "id": view.id,
        "display_name": view.display_name,
        "created_at": rfc3339(view.created_at),
        "lifecycle": "active",
        "line": None,
        "max_input_tokens": view.input_tokens or None,
        "max_tokens": view.output_tokens or None,
    }
    if view.description:
        out["description"] = view.description
    return out
