"""The only place that moves jobs from state to state: durably, forward only, one move at a time."""

import asyncio
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from backburner.core.clock import SystemClock
from backburner.core.errors import Code
from backburner.core.job import ENDED, TRANSITIONS, Job, JobError, JobState
from backburner.core.lanes import Lanes
from backburner.store.stores import Stores
from backburner.store.webhooks import Delivery
from backburner.work.board import Board
from backburner.work.run import JobRun
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.virtual_time import VirtualClock, virtually
from tests.unit.core.test_job import job as a_job


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


@pytest.fixture
def board(stores: Stores, clock: VirtualClock) -> Board:
    return Board(clock, stores, Lanes.inline(), {"plain": PlainDialect()})  # type: ignore[dict-item]


async def admitted(board: Board, stores: Stores, state: JobState = JobState.PENDING) -> JobRun:
    stores.jobs.insert(a_job(state), ())
    run = await board.open(a_job(state))
    board.admit(run)
    return run


@pytest.mark.parametrize(("state", "to"), list(itertools.product(JobState, JobState)))
@virtually
async def test_only_moves_of_the_table_happen(
    board: Board, stores: Stores, state: JobState, to: JobState
) -> None:
    run = await admitted(board, stores, state)
    assert await board.move(run, to) is (to in TRANSITIONS[state])
    stored = stores.jobs.get("t", "j")
    assert stored is not None
    assert run.job.state is stored.state is (to if to in TRANSITIONS[state] else state)


@virtually
async def test_a_move_is_durable_before_it_is_seen(
    board: Board, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await admitted(board, stores)
    update = stores.jobs.update

    def watched(job: object, events: object) -> None:
        assert run.job.state is JobState.PENDING
        update(job, events)  # type: ignore[arg-type]

    monkeypatch.setattr(stores.jobs, "update", watched)
    assert await board.move(run, JobState.RUNNING)
    assert run.job.state is JobState.RUNNING


@pytest.mark.parametrize("seed", range(10))
@virtually
async def test_of_moves_that_race_to_an_end_one_wins_and_the_others_are_told(
    board: Board, stores: Stores, seed: int
) -> None:
    run = await admitted(board, stores, JobState.FINALIZING)
    wanted = [JobState.SUCCEEDED, JobState.CANCELLED, JobState.EXPIRED, JobState.FAILED]
    won = await asyncio.gather(*(board.move(run, to, JobError(Code.UNKNOWN, to)) for to in wanted))
    assert sum(won) == 1
    assert run.job.state is wanted[won.index(True)]
    assert run.job.error == JobError(Code.UNKNOWN, run.job.state)


@pytest.mark.parametrize("steps", range(8))
@virtually
async def test_a_move_goes_on_when_whoever_asked_for_it_is_gone(
    board: Board, stores: Stores, steps: int
) -> None:
    run = await admitted(board, stores, JobState.RUNNING)
    caller = asyncio.ensure_future(board.move(run, JobState.CANCELLED))
    for _ in range(steps):
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    await board.settle()
    stored = stores.jobs.get("t", "j")
    assert stored is not None
    assert stored.state is run.job.state, "memory and disk say the same"
    assert run.ledger.sealed is (run.job.state in ENDED)


async def test_memory_and_disk_agree_also_when_the_caller_goes_while_the_disk_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread cannot be called back: what it writes is written."""
    stores, lanes = Stores(tmp_path), Lanes.real()
    board = Board(SystemClock(), stores, lanes, {"plain": PlainDialect()})  # type: ignore[dict-item]
    run = await admitted(board, stores, JobState.RUNNING)
    begun, go_on = threading.Event(), threading.Event()
    update = stores.jobs.update

    def slow(job: Job, events: Sequence[Delivery]) -> None:
        begun.set()
        go_on.wait(10)
        update(job, events)

    monkeypatch.setattr(stores.jobs, "update", slow)
    caller = asyncio.ensure_future(board.move(run, JobState.CANCELLED))
    await lanes.read.run(begun.wait, 10)
    caller.cancel()
    await asyncio.wait([caller])
    go_on.set()
    await board.settle()
    stored = stores.jobs.get("t", "j")
    assert stored is not None
    assert stored.state is run.job.state is JobState.CANCELLED
    lanes.close()
    stores.close()


@virtually
async def test_an_amendment_keeps_what_another_changed_meanwhile(board: Board, stores: Stores) -> None:
    run = await admitted(board, stores)
    await asyncio.gather(
        board.amend(run, priority=5), board.move(run, JobState.RUNNING), board.amend(run, display_name="x")
    )
    stored = stores.jobs.get("t", "j")
    assert stored == run.job
    assert (run.job.priority, run.job.display_name, run.job.state) == (5, "x", JobState.RUNNING)


@virtually
async def test_a_tenant_does_not_find_anothers_run(board: Board, stores: Stores) -> None:
    run = await admitted(board, stores)
    assert board.get("t", "j") is run
    assert board.get("other", "j") is None


@virtually
async def test_the_dispatcher_is_shown_what_changed_and_only_that(board: Board, stores: Stores) -> None:
    run = await admitted(board, stores)
    assert board.touched() == [run]
    assert board.touched() == []
    await board.amend(run, priority=1)
    assert board.touched() == [run]
    board.touch(run)
    await board.retire(run)
    assert board.touched() == [], "what is retired is nobody's business any more"
    assert run.retired.is_set()
