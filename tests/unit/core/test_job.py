import itertools

import pytest

from backburner.core.errors import Code
from backburner.core.job import (
    ENDED,
    TRANSITIONS,
    Counts,
    IllegalTransition,
    Job,
    JobError,
    JobKind,
    JobState,
    moved,
)


def job(state: JobState = JobState.PENDING) -> Job:
    return Job(
        id="j",
        tenant="t",
        dialect="plain",
        kind=JobKind.GENERATE,
        model="m",
        state=state,
        created_at=1.0,
        updated_at=1.0,
        expire_at=100.0,
        window_s=50.0,
        input_blob="b",
        input_bytes=1,
    )


def test_every_state_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(JobState)


def test_a_state_that_ends_a_job_leads_nowhere() -> None:
    assert {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED} == ENDED
    for state, to in itertools.product(ENDED, JobState):
        with pytest.raises(IllegalTransition):
            moved(job(state), to, 2.0)


def test_states_only_move_forward() -> None:
    order = [JobState.PENDING, JobState.RUNNING, JobState.FINALIZING]
    for at, state in enumerate(order):
        assert not TRANSITIONS[state].intersection(order[: at + 1])


def test_success_comes_only_after_every_result_was_written() -> None:
    assert [state for state in JobState if JobState.SUCCEEDED in TRANSITIONS[state]] == [JobState.FINALIZING]


def test_a_job_can_be_stopped_in_every_state_before_its_end() -> None:
    for state in set(JobState) - ENDED:
        assert {JobState.CANCELLED, JobState.FAILED, JobState.EXPIRED} <= TRANSITIONS[state]


def test_a_move_stamps_its_instants() -> None:
    running = moved(job(), JobState.RUNNING, 5.0)
    assert (running.started_at, running.updated_at, running.ended_at) == (5.0, 5.0, None)
    failed = moved(running, JobState.FAILED, 9.0, JobError(Code.INTERNAL, "why"))
    assert (failed.started_at, failed.ended_at, failed.error) == (5.0, 9.0, JobError(Code.INTERNAL, "why"))
    assert failed.ended
    assert not running.ended


def test_pending_is_what_has_no_outcome() -> None:
    assert Counts(10, 3, 2).pending == 5


def test_a_job_remembers_when_each_part_of_its_life_began() -> None:
    running = moved(job(), JobState.RUNNING, 2.0)
    finalizing = moved(running, JobState.FINALIZING, 3.0)
    done = moved(finalizing, JobState.SUCCEEDED, 4.0)
    assert (done.created_at, done.started_at, done.finalizing_at, done.ended_at) == (1.0, 2.0, 3.0, 4.0)
    assert moved(running, JobState.CANCELLED, 5.0).finalizing_at is None
