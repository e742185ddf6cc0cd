"""Batches, files and models as objects (contract 5.4). Times are whole unix seconds."""

from collections.abc import Sequence

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Json
from backburner.core.job import Job, JobState
from backburner.core.limits import REPORTED_VIOLATIONS
from backburner.core.names import errors_file_id, result_file_id
from backburner.dialects.openai.names import Ids, file_of
from backburner.dialects.openai.response_answers import response_usage

_STATUS = {
    JobState.PENDING: "validating",
    JobState.RUNNING: "in_progress",
    JobState.FINALIZING: "finalizing",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.EXPIRED: "expired",
}
_ENDED_AT = {
    JobState.SUCCEEDED: "completed_at",
    JobState.FAILED: "failed_at",
    JobState.CANCELLED: "cancelled_at",
    JobState.EXPIRED: "expired_at",
}
# Why a whole batch failed, where no line of it is to blame.
_FAILED = {
    Code.NOT_FOUND: "model_not_found",
    Code.INVALID_ARGUMENT: "invalid_request",
    Code.DATA_LOSS: "input_file_missing",
}


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """`generated` is an output or error file of a batch; `written` says that its content is all there."""

    id: str
    size_bytes: int
    created_at: float
    expire_at: float | None
    filename: str
    purpose: str
    mime_type: str = ""
    generated: bool = False
    written: bool = True


class Outlook(msgspec.Struct, frozen=True):
    """What is known of the way ahead: why a batch waits, the instants between which it will likely end, and that this
    is behind the end of its window."""

    waiting: str = ""
    end: tuple[float, float, float] | None = None  # earliest, likely, latest
    late: str = ""


def purpose_of(view: FileView) -> str:
    """Files that came through another door never had a purpose said."""
    if view.purpose:
        return view.purpose
    if view.generated:
        return "batch_output"
    return "batch" if view.mime_type.endswith(("jsonl", "json-lines")) else "user_data"


def file_object(view: FileView, ids: Ids) -> dict[str, Json]:
    return {
        "id": ids.file(view.id),
        "object": "file",
        "bytes": view.size_bytes,
        "created_at": int(view.created_at),
        "expires_at": None if view.expire_at is None else int(view.expire_at),
        "filename": view.filename,
        "purpose": purpose_of(view),
        "status": "processed" if view.written else "uploaded",
        "status_details": None,
    }


def status_of(job: Job) -> str:
    """A batch is being validated until every line of it has been seen: until then it may still fail as a whole."""
    if job.state is JobState.RUNNING and not job.scanned:
        return "validating"
    return _STATUS[job.state]


def batch_object(
    job: Job, ids: Ids, violations: Sequence[Violation] = (), outlook: Outlook | None = None
) -> dict[str, Json]:
    """`violations` are of a job that failed because of its lines."""
    said = job.extras
    status = status_of(job)
    output, errors = _files(job)
    times: dict[str, Json] = dict.fromkeys(
        ("failed_at", "completed_at", "expired_at", "cancelling_at", "cancelled_at")
    )
    if job.state in _ENDED_AT:
        times[_ENDED_AT[job.state]] = _seconds(job.ended_at)
    if job.state is JobState.CANCELLED:
        times["cancelling_at"] = _seconds(job.ended_at)
    body: dict[str, Json] = {
        "id": ids.batch(job.id),
        "object": "batch",
        "endpoint": said["endpoint"],
        "model": job.model or None,
        "errors": _errors(job, violations),
        "input_file_id": _input(job, ids),
        "completion_window": said["completion_window"],
        "status": status,
        "output_file_id": ids.file(output) if output else None,
        "error_file_id": ids.file(errors) if errors else None,
        "created_at": int(job.created_at),
        "in_progress_at": None if status == "validating" else _seconds(job.started_at),
        "expires_at": int(job.expire_at),
        "finalizing_at": _seconds(job.finalizing_at),
        **times,
        "request_counts": {
            "total": job.counts.total,
            "completed": job.counts.succeeded,
            "failed": job.counts.failed,
        },
        "usage": response_usage(job.usage),
        "metadata": said.get("metadata"),
    }
    if said.get("output_expires_after"):
        body["output_expires_after"] = said["output_expires_after"]
    return body | _extensions(job, outlook or Outlook())


def _extensions(job: Job, outlook: Outlook) -> dict[str, Json]:
    """What the real service does not say, where there is something to say."""
    out: dict[str, Json] = {}
    if outlook.waiting:
        out["waiting_reason"] = outlook.waiting
    if outlook.end is not None:
        names = ("earliest", "likely", "latest")
        out["estimated_completion"] = dict(zip(names, map(int, outlook.end), strict=True))
    if warnings := [*job.warnings, *([outlook.late] if outlook.late else [])]:
        out["warnings"] = warnings
    return out


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)


def _input(job: Job, ids: Ids) -> str:
    """As this base URL writes it, whatever the caller wrote."""
    return ids.file(file_of(str(job.extras["input_file_id"])))


def _files(job: Job) -> tuple[str, str]:
    """Ids of the output and error files, empty where nothing is in them (yet)."""
    failures = job.errors_blob is not None if job.results_blob is not None else job.counts.failed > 0
    return (
        result_file_id(job.id) if job.counts.succeeded else "",
        errors_file_id(job.id) if failures else "",
    )


def _errors(job: Job, violations: Sequence[Violation]) -> Json:
    """What made the whole batch fail; None for one that did not."""
    if job.state is not JobState.FAILED:
        return None
    data = [
        {
            "code": found.word or "invalid_request",
            "line": found.line,
            "message": found.sentence(),
            "param": found.path or None,
        }
        for found in violations
    ]
    if job.error is not None and (not data or len(data) >= REPORTED_VIOLATIONS):
        data.append({"code": _failed_word(job), "line": None, "message": job.error.message, "param": None})
    return {"object": "list", "data": data}


def _failed_word(job: Job) -> str:
    assert job.error is not None
    if job.error.code is Code.INVALID_ARGUMENT and not job.counts.total:
        return "empty_file"
    return _FAILED.get(job.error.code, "batch_failed")


def model_object(name: str, created_at: float, owner: str) -> dict[str, Json]:
    return {"id": name, "object": "model", "created": int(created_at), "owned_by": owner}


def list_object(data: Sequence[dict[str, Json]], has_more: bool) -> dict[str, Json]:
    return {
        "object": "list",
        "data": list(data),
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }
