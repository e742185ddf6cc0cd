"""Batch and file objects have every field that today's SDK knows, filled with what is true at the moment."""

from typing import Any

import pytest
from openai.types import Batch, FileObject

from backburner.core.errors import Code, Violation
from backburner.core.job import Counts, Job, JobError, JobKind, JobState
from backburner.core.limits import REPORTED_VIOLATIONS
from backburner.core.request import Usage
from backburner.dialects.openai.names import Ids, file_of, job_of
from backburner.dialects.openai.resources import FileView, Outlook, batch_object, file_object, list_object

PLAIN, SLASHED = Ids(slashed=False), Ids(slashed=True)


def job(**more: Any) -> Job:
    values: dict[str, Any] = {
        "id": "j1",
        "tenant": "default",
        "dialect": "openai",
        "kind": JobKind.GENERATE,
        "model": "gpt-4o-mini",
        "state": JobState.RUNNING,
        "created_at": 100.7,
        "updated_at": 100.7,
        "started_at": 101.0,
        "expire_at": 1900.0,
        "window_s": 1800.0,
        "input_name": "files/abc",
        "input_blob": "b",
        "input_bytes": 5,
        "scanned": True,
        "extras": {
            "endpoint": "/v1/chat/completions",
            "completion_window": "30m",
            "input_file_id": "files/abc",
            "metadata": {"a": "b"},
        },
        **more,
    }
    return Job(**values)


def batch(ids: Ids = PLAIN, violations: tuple[Violation, ...] = (), **more: Any) -> dict[str, Any]:
    found = batch_object(job(**more), ids, violations)
    Batch.model_validate(found)
    return found


def test_a_running_batch() -> None:
    found = batch(counts=Counts(10, 4, 0), usage=Usage(50, 20, 8))
    assert found == {
        "id": "batch_j1",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "model": "gpt-4o-mini",
        "errors": None,
        "input_file_id": "file-abc",
        "completion_window": "30m",
        "status": "in_progress",
        "output_file_id": "file-batch-j1",
        "error_file_id": None,
        "created_at": 100,
        "in_progress_at": 101,
        "expires_at": 1900,
        "finalizing_at": None,
        "failed_at": None,
        "completed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 10, "completed": 4, "failed": 0},
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"cached_tokens": 20},
            "output_tokens": 8,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 58,
        },
        "metadata": {"a": "b"},
    }


def test_no_field_of_the_sdks_object_is_missing() -> None:
    known = set(Batch.model_fields) - {"output_expires_after"}
    assert known <= batch().keys()
    view = FileView(id="a", size_bytes=1, created_at=1.0, expire_at=2.0, filename="f", purpose="batch")
    assert set(FileObject.model_fields) <= file_object(view, PLAIN).keys()


@pytest.mark.parametrize(
    ("state", "scanned", "status"),
    [
        (JobState.PENDING, False, "validating"),
        (JobState.PENDING, True, "validating"),
        (JobState.RUNNING, False, "validating"),
        (JobState.RUNNING, True, "in_progress"),
        (JobState.FINALIZING, True, "finalizing"),
        (JobState.SUCCEEDED, True, "completed"),
        (JobState.FAILED, True, "failed"),
        (JobState.CANCELLED, True, "cancelled"),
        (JobState.EXPIRED, True, "expired"),
    ],
)
def test_status(state: JobState, scanned: bool, status: str) -> None:
    found = batch(state=state, scanned=scanned, ended_at=200.0, finalizing_at=150.0)
    assert found["status"] == status
    assert (found["in_progress_at"] is None) == (status == "validating")
    if status in ("completed", "failed", "cancelled", "expired"):
        assert found[f"{status}_at"] == 200
    assert found["cancelling_at"] == (200 if status == "cancelled" else None)


def test_ids_are_written_as_the_base_url_writes_them() -> None:
    found = batch(SLASHED, counts=Counts(3, 1, 1))
    assert (found["id"], found["input_file_id"]) == ("batches/j1", "files/abc")
    assert (found["output_file_id"], found["error_file_id"]) == ("files/batch-j1", "files/errors-j1")


@pytest.mark.parametrize("ids", [PLAIN, SLASHED])
@pytest.mark.parametrize("name", ["abc", "file-x", "batch-j1", "errors-j1", "my-file"])
def test_ids_go_there_and_back(ids: Ids, name: str) -> None:
    assert file_of(ids.file(name)) == name
    assert job_of(ids.batch(name)) == name


@pytest.mark.parametrize(
    ("more", "output", "errors"),
    [
        ({"counts": Counts(2, 0, 0)}, None, None),
        ({"counts": Counts(2, 0, 1)}, None, "file-errors-j1"),
        ({"counts": Counts(2, 2, 0), "results_blob": "r"}, "file-batch-j1", None),
        # cancelled with requests that never ran: they stand in the error file
        (
            {"counts": Counts(2, 1, 0), "results_blob": "r", "errors_blob": "e"},
            "file-batch-j1",
            "file-errors-j1",
        ),
    ],
)
def test_files_are_named_when_there_is_something_in_them(
    more: dict[str, Any], output: str | None, errors: str | None
) -> None:
    found = batch(**more)
    assert (found["output_file_id"], found["error_file_id"]) == (output, errors)


def test_what_is_known_of_the_way_ahead_is_said_and_nothing_else() -> None:
    told = batch_object(
        job(warnings=("x has no effect",)),
        PLAIN,
        (),
        Outlook("the engine is down", (1.5, 2.5, 9.9), "it is late"),
    )
    assert told["waiting_reason"] == "the engine is down"
    assert told["estimated_completion"] == {"earliest": 1, "likely": 2, "latest": 9}
    assert told["warnings"] == ["x has no effect", "it is late"]
    assert not {"waiting_reason", "estimated_completion", "warnings"} & batch().keys()


WRONG = Violation("body.model", "expected this, found that", "Write this", 4, "r4", "model_mismatch")


def test_lines_that_failed_the_batch_are_named_with_number_and_code() -> None:
    error = JobError(Code.INVALID_ARGUMENT, "1 of 9 lines are wrong")
    found = batch(state=JobState.FAILED, error=error, counts=Counts(9, 0, 1), violations=(WRONG,))
    assert found["errors"] == {
        "object": "list",
        "data": [
            {
                "code": "model_mismatch",
                "line": 4,
                "message": "body.model: expected this, found that. Write this",
                "param": "body.model",
            }
        ],
    }


@pytest.mark.parametrize(
    ("code", "total", "word"),
    [
        (Code.NOT_FOUND, 0, "model_not_found"),
        (Code.INVALID_ARGUMENT, 0, "empty_file"),
        (Code.INTERNAL, 5, "batch_failed"),
    ],
)
def test_a_failure_of_the_whole_batch(code: Code, total: int, word: str) -> None:
    found = batch(state=JobState.FAILED, error=JobError(code, "why"), counts=Counts(total, 0, 0))
    assert found["errors"]["data"] == [{"code": word, "line": None, "message": "why", "param": None}]


def test_more_mistakes_than_can_be_named_are_counted() -> None:
    error = JobError(Code.INVALID_ARGUMENT, "500 of 900 lines are wrong")
    many = (WRONG,) * REPORTED_VIOLATIONS
    data = batch(state=JobState.FAILED, error=error, counts=Counts(900, 0, 500), violations=many)["errors"][
        "data"
    ]
    assert len(data) == REPORTED_VIOLATIONS + 1
    assert data[-1]["message"] == "500 of 900 lines are wrong"


@pytest.mark.parametrize(
    ("more", "purpose"),
    [
        ({"purpose": "vision"}, "vision"),
        ({"generated": True}, "batch_output"),
        ({"mime_type": "application/jsonl"}, "batch"),
        ({"mime_type": "image/png"}, "user_data"),
    ],
)
def test_a_file_has_a_purpose_whatever_door_it_came_through(more: dict[str, Any], purpose: str) -> None:
    values: dict[str, Any] = {"purpose": "", **more}
    view = FileView(id="abc", size_bytes=9, created_at=1.9, expire_at=None, filename="a.jsonl", **values)
    found = file_object(view, PLAIN)
    assert found["purpose"] == purpose
    assert (found["id"], found["bytes"], found["created_at"]) == ("file-abc", 9, 1)


def test_a_list_names_its_ends() -> None:
    assert list_object([{"id": "a"}, {"id": "b"}], True) == {
        "object": "list",
        "data": [{"id": "a"}, {"id": "b"}],
        "first_id": "a",
        "last_id": "b",
        "has_more": True,
    }
    assert list_object([], False)["first_id"] is None
