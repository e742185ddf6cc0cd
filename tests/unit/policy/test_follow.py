import msgspec

from backburner.core.errors import Code
from backburner.core.job import Job, JobError, JobState
from backburner.policy.follow import Broken, Waits, follow, waiting_words
from tests.unit.core.test_job import job as a_job


def job(state: JobState, error: JobError | None = None) -> Job:
    return msgspec.structs.replace(a_job(state), error=error)


def test_waits_for_those_that_have_not_succeeded() -> None:
    found = {"a": job(JobState.SUCCEEDED), "b": job(JobState.RUNNING), "c": job(JobState.FINALIZING)}
    assert follow(("a", "b", "c"), found) == Waits(("b", "c"))
    assert follow(("a",), found) == Waits(())
    assert waiting_words(("b", "c")) == "waits for batches/b and 1 more to succeed"


def test_one_that_cannot_succeed_any_more_breaks_it_and_is_named() -> None:
    failed = job(JobState.FAILED, JobError(Code.INVALID_ARGUMENT, "3 lines are wrong"))
    step = follow(("a", "b"), {"a": job(JobState.RUNNING), "b": failed})
    assert step == Broken("batches/b, which this job was to follow, ended as FAILED: 3 lines are wrong")
    for state in (JobState.CANCELLED, JobState.EXPIRED):
        assert isinstance(follow(("a",), {"a": job(state)}), Broken)
    gone = follow(("a",), {"a": None})
    assert isinstance(gone, Broken) and "deleted" in gone.words
