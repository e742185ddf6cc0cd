"""Outcomes become durable in groups: soon, once, and not after the job has ended."""

import asyncio
from pathlib import Path

import pytest

from backburner.core.job import Counts, JobState
from backburner.core.lanes import Inline, Lanes
from backburner.core.request import Outcome
from backburner.store.ledger_values import AttemptEnd
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.commit import Committer
from backburner.work.run import JobRun
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.virtual_time import VirtualClock, virtually
from tests.unit.core.test_job import job as a_job
from tests.unit.store.ledger_rows import answer, scan


class Rig:
    """A run with ten requests, and a committer that is not running yet."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.stores = Stores(folder)
        self.lanes = Lanes.inline()
        self.told: list[list[int]] = []
        self.board = Board(clock, self.stores, self.lanes, {"plain": PlainDialect()})  # type: ignore[dict-item]
        self.committer = Committer(self.lanes, self._committed)
        self.stores.jobs.insert(a_job(JobState.RUNNING), ())
        ledger = self.stores.ledgers.get("j")
        self.run = JobRun(a_job(JobState.RUNNING), ledger, PlainDialect())  # type: ignore[arg-type]
        scan(self.run.ledger, 10)

    def _committed(self, run: JobRun, outcomes: list[Outcome]) -> None:
        assert run is self.run
        self.told.append([outcome.ordinal for outcome in outcomes])


@virtually
async def test_while_one_group_is_written_the_next_gathers(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock)
    loop = asyncio.ensure_future(rig.committer.loop())
    rig.committer.put(rig.run, None, answer(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for ordinal in range(1, 6):
        rig.committer.put(rig.run, None, answer(ordinal))
    await rig.committer.flush()
    assert rig.told == [[0], [1, 2, 3, 4, 5]]
    assert rig.run.counts == Counts(10, 6, 0)
    loop.cancel()


@virtually
async def test_flush_returns_only_when_everything_put_is_durable(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock)
    loop = asyncio.ensure_future(rig.committer.loop())
    await rig.committer.flush()  # nothing to wait for
    for ordinal in range(10):
        rig.committer.put(rig.run, AttemptEnd(ordinal + 1, 1.0), answer(ordinal))
        if ordinal % 3 == 0:
            await asyncio.sleep(0)
    await rig.committer.flush()
    with rig.stores.ledgers.reader("j") as reader:
        assert reader.last_seq() == 10
    loop.cancel()


@virtually
async def test_what_comes_after_the_end_does_not_count(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock)
    loop = asyncio.ensure_future(rig.committer.loop())
    rig.committer.put(rig.run, None, answer(0))
    await rig.committer.flush()
    assert await rig.board.move(rig.run, JobState.CANCELLED)
    rig.committer.put(rig.run, None, answer(1))
    await rig.committer.flush()
    assert rig.told == [[0]]
    assert rig.run.counts == Counts(10, 1, 0)
    loop.cancel()


@pytest.mark.parametrize("seed", range(20))
@virtually
async def test_a_cancel_that_overtakes_a_commit_leaves_counts_that_never_change_again(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    rig = Rig(tmp_path, clock)
    loop = asyncio.ensure_future(rig.committer.loop())
    for ordinal in range(5):
        rig.committer.put(rig.run, None, answer(ordinal))
    for _ in range(seed % 4):
        await asyncio.sleep(0)
    moving = asyncio.ensure_future(rig.board.move(rig.run, JobState.CANCELLED))
    for ordinal in range(5, 10):
        rig.committer.put(rig.run, None, answer(ordinal))
    await moving
    final = rig.run.job.counts
    assert final == rig.run.counts
    await rig.committer.flush()
    await clock.sleep(1)
    assert rig.run.counts == final, "what publishing reads is what is there"
    stored = rig.stores.jobs.get("t", "j")
    assert stored is not None
    assert stored.counts == final
    loop.cancel()


@virtually
async def test_nobody_waits_for_a_committer_that_broke(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock)

    class Full(Inline):
        async def run(self, work: object, *args: object, **kwargs: object) -> object:
            raise OSError(28, "No space left on device")

    rig.committer = Committer(Lanes(Full(), Inline(), Inline()), rig._committed)  # type: ignore[arg-type]
    loop = asyncio.ensure_future(rig.committer.loop())
    rig.committer.put(rig.run, None, answer(0))
    with pytest.raises(OSError, match="No space"):
        await loop
    await rig.committer.flush()
    rig.committer.put(rig.run, None, answer(1))
    await rig.committer.flush()
    assert rig.told == []
