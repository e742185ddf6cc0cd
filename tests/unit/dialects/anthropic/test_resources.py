"""Batches and models as the wire shows them: states, live counts, moments."""

from typing import Any

import msgspec
import pytest

from backburner.core.errors import Code
from backburner.core.job import Counts, Job, JobError, JobKind, JobState
from backburner.dialects.anthropic.resources import (
    TOTAL,
    ModelView,
    Outlook,
    batch_id,
    job_of,
    message_batch,
    model_object,
    page,
)

RUNNING = Job(
    id="abc",
    tenant="t",
    dialect="anthropic",
    kind=JobKind.GENERATE,
    model="m",
    state=JobState.RUNNING,
    created_at=0.0,
    updated_at=5.0,
    expire_at=86400.0,
    window_s=86400.0,
    input_blob="b",
    input_bytes=1,
    counts=Counts(5, 2, 1),
)
URL = "http://x/results"


def shown(**changes: Any) -> dict[str, Any]:
    return message_batch(msgspec.structs.replace(RUNNING, **changes), URL)


def ended(state: JobState, **changes: Any) -> dict[str, Any]:
    return shown(state=state, ended_at=9.0, results_blob="r", **changes)


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    names = ("processing", "succeeded", "errored", "canceled", "expired")
    assert set(found["request_counts"]) == set(names)
    return tuple(found["request_counts"][name] for name in names)


def test_a_running_batch_has_live_counts() -> None:
    found = shown()
    assert found["id"] == "msgbatch_abc"
    assert found["type"] == "message_batch"
    assert found["processing_status"] == "in_progress"
    assert counts(found) == (2, 2, 1, 0, 0)
    assert found["expires_at"] == "1970-01-02T00:00:00.000000Z"
    assert [found[name] for name in ("ended_at", "cancel_initiated_at", "archived_at", "results_url")] == [
        None
    ] * 4


def test_counts_add_up_to_the_creation_before_all_of_it_was_read() -> None:
    assert counts(shown(extras={TOTAL: 100})) == (97, 2, 1, 0, 0)
    assert counts(shown(extras={TOTAL: 100}, scanned=True)) == (2, 2, 1, 0, 0)
    assert counts(shown(extras={TOTAL: 100}, input_name="files/a")) == (2, 2, 1, 0, 0), "a retry of another"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (JobState.SUCCEEDED, (0, 4, 1, 0, 0)),
        (JobState.CANCELLED, (0, 2, 1, 2, 0)),
        (JobState.EXPIRED, (0, 2, 1, 0, 2)),
        (JobState.FAILED, (0, 2, 3, 0, 0)),
    ],
)
def test_ends(state: JobState, expected: tuple[int, ...]) -> None:
    done = Counts(5, 4, 1) if state is JobState.SUCCEEDED else Counts(5, 2, 1)
    found = ended(state, counts=done)
    assert (found["processing_status"], counts(found)) == ("ended", expected)
    assert (found["ended_at"], found["results_url"]) == ("1970-01-01T00:00:09.000000Z", URL)
    assert (found["cancel_initiated_at"] is not None) == (state is JobState.CANCELLED)


def test_a_cancelled_batch_is_canceling_until_its_results_can_be_read() -> None:
    found = shown(state=JobState.CANCELLED, ended_at=9.0)
    assert (found["processing_status"], found["results_url"], found["ended_at"]) == ("canceling", None, None)
    assert found["cancel_initiated_at"] is not None
    assert counts(found) == (2, 2, 1, 0, 0)
    assert shown(state=JobState.FINALIZING)["processing_status"] == "in_progress"


def test_why_a_batch_waits_or_failed_is_said() -> None:
    waiting = message_batch(RUNNING, URL, Outlook(waiting="the engine is down"))
    assert waiting["waiting_reason"] == "the engine is down"
    found = ended(JobState.FAILED, error=JobError(Code.INVALID_ARGUMENT, "3 lines are wrong"))
    assert found["error"] == {"type": "invalid_request_error", "message": "3 lines are wrong"}
    assert "error" not in ended(JobState.CANCELLED, error=JobError(Code.CANCELLED, "x"))
    assert shown(warnings=("w",))["warnings"] == ["w"]


def test_when_a_batch_will_be_done_is_said_with_its_interval() -> None:
    found = message_batch(RUNNING, URL, Outlook(end=(1.0, 2.0, 3.0)))["estimated_completion"]
    assert list(found) == ["earliest", "likely", "latest"]
    assert found["likely"] == "1970-01-01T00:00:02.000000Z"
    assert "estimated_completion" not in shown()


def test_ids() -> None:
    assert job_of(batch_id("abc")) == "abc"
    assert job_of("abc") == job_of("batch_abc") == ""


def test_pages() -> None:
    assert page([], has_more=False) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    found = page([{"id": "a"}, {"id": "b"}], has_more=True)
    assert (found["first_id"], found["last_id"], found["has_more"]) == ("a", "b", True)


def test_models() -> None:
    view = ModelView(id="m", display_name="M", description="served by x", input_tokens=0, output_tokens=512)
    found = model_object(view)
    assert (found["type"], found["id"], found["display_name"], found["lifecycle"]) == (
        "model",
        "m",
        "M",
        "active",
    )
    assert (found["max_input_tokens"], found["max_tokens"]) == (None, 512)
    assert found["created_at"].startswith("1970-01-01")
