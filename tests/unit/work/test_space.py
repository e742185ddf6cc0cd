"""A disk that fills up: nothing new is taken, what runs waits and goes on, and nothing is lost."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from backburner.core.errors import DiskFull
from backburner.core.exchange import Capabilities
from backburner.core.job import Job, JobState
from backburner.core.limits import MIB
from backburner.core.request import Outcome
from backburner.engines.routes import Route
from backburner.house import House
from backburner.store.blobs import BlobWriter
from backburner.store.disk import Free
from backburner.store.ledger import Ledger
from backburner.store.ledger_values import AttemptEnd
from backburner.work.commit import commit_all
from backburner.work.dispatch import start_all
from backburner.work.run import JobRun
from backburner.work.window import Ready
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually
from tests.unit.core.test_job import job as a_job
from tests.unit.store.ledger_rows import answer, scan

P = ParamSpec("P")
T = TypeVar("T")

RESERVE = 256 * MIB
TOTAL = 100_000 * MIB


class Disk:
    """What the house measures. While it is `broken` the writes that a test chose fail."""

    def __init__(self, house: House | None = None) -> None:
        self.free_bytes = TOTAL
        self.broken = False
        self.refused = 0
        if house is not None:
            house.space.measure = self.measure

    def measure(self) -> Free:
        return Free(self.free_bytes, TOTAL)

    def breaks(self, work: Callable[P, T]) -> Callable[P, T]:
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            if self.broken:
                self.refused += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return work(*args, **kwargs)

        return run


async def waiting(house: House, job: Job) -> str:
    return (await house.progress.snapshot("default", job.id)).waiting_reason


def slow(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock, lambda text, nth: Play(1.0))


@virtually
async def test_below_the_reserve_nothing_new_is_taken_and_what_is_there_goes_on(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        disk = Disk(house)
        job = await create(house, numbered(40))
        disk.free_bytes = RESERVE - 1
        await clock.sleep(1)
        for refused in (create(house, numbered(1)), upload(house, b"k|text")):
            with pytest.raises(DiskFull, match="no room"):
                await refused
        assert (await ended(house, job)).state is JobState.SUCCEEDED
        disk.free_bytes = RESERVE
        await clock.sleep(1)
        await create(house, numbered(1))


@virtually
async def test_a_file_that_would_not_fit_is_refused_before_it_is_sent(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        disk = Disk(house)
        disk.free_bytes = RESERVE + 100
        await clock.sleep(1)
        named = {"name": None, "display_name": "", "mime_type": "jsonl"}
        await house.files.start("default", size_bytes=100, **named)
        with pytest.raises(DiskFull):
            await house.files.start("default", size_bytes=101, **named)


@virtually
async def test_below_half_the_reserve_no_calls_are_made_until_there_is_room(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = slow(clock)
    async with running(tmp_path, engine, clock) as house:
        disk = Disk(house)
        job = await create(house, numbered(40))
        await clock.sleep(2)
        disk.free_bytes = RESERVE // 2 - 1
        await clock.sleep(3)
        made = len(engine.calls)
        assert 0 < made < 40
        await clock.sleep(100)
        assert len(engine.calls) == made
        assert (await waiting(house, job)).startswith("waits for disk space: 127 MiB are free")
        disk.free_bytes = RESERVE // 2
        await clock.sleep(2)
        assert len(engine.calls) > made
        assert await waiting(house, job) == ""
        assert (await ended(house, job)).counts.succeeded == 40


@virtually
async def test_answers_that_find_no_room_wait_in_memory_and_no_call_is_repeated(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, disk = slow(clock), Disk()
    for name in ("commit", "start_attempts"):
        monkeypatch.setattr(Ledger, name, disk.breaks(getattr(Ledger, name)))
    async with running(tmp_path, engine, clock) as house:
        jobs = [await create(house, numbered(20, start)) for start in (0, 100)]
        await clock.sleep(1.5)
        disk.broken = True
        await clock.sleep(300)
        assert disk.refused > 2, "it is tried again"
        assert (await waiting(house, jobs[0])).startswith("waits for disk space")
        with pytest.raises(DiskFull):
            await create(house, numbered(1))
        disk.broken = False
        for job in jobs:
            assert (await ended(house, job)).counts.succeeded == 20
        assert engine.repeats == 0


def test_a_group_that_gets_half_way_goes_on_behind_it(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, ledgers = Disk(), [Ledger(tmp_path / f"{n}.db") for n in range(2)]
    for ledger in ledgers:
        scan(ledger, 4)
    for name in ("commit", "start_attempts"):
        monkeypatch.setattr(ledgers[1], name, disk.breaks(getattr(ledgers[1], name)))
    runs = [JobRun(a_job(JobState.RUNNING), ledger, PlainDialect()) for ledger in ledgers]  # type: ignore[arg-type]
    route = Route(ScriptedEngine(clock), "m", Capabilities(features=frozenset(), slots=1))
    starts = [(run, Ready(n, b"x", None), route) for n in range(2) for run in runs]
    ids, fresh = [0] * 4, list[list[Outcome]]()

    def keep(outcome: Outcome, *_: object) -> Outcome:
        return outcome

    batches = [
        (ledger, [answer(0), answer(1)], [AttemptEnd(1, 2.0), AttemptEnd(2, 2.0)], keep) for ledger in ledgers
    ]
    for group in (lambda: start_all(starts, 1.0, ids), lambda: commit_all(batches, fresh)):
        disk.broken = True
        with pytest.raises(OSError, match="No space"):
            group()
        disk.broken = False
        group()
    assert ids == [1, 1, 2, 2]
    assert [[outcome.ordinal for outcome in found] for found in fresh] == [[0, 1], [0, 1]]
    for ledger in ledgers:
        ledger.rest()


@virtually
async def test_when_sqlite_itself_says_that_the_disk_is_full_nothing_is_forgotten(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = slow(clock)
    async with running(tmp_path, engine, clock) as house:
        lines = [[line + b"x" * 5000 for line in numbered(20, start)] for start in (0, 100)]
        first, second = [await create(house, found) for found in lines]
        await clock.sleep(0.5)
        db = house.board.runs[second.id].ledger._open()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        await clock.sleep(60)
        assert house.space.waiting
        db.execute("PRAGMA max_page_count = 1000000")
        for job in (first, second):
            assert (await ended(house, job)).counts.succeeded == 20
        assert engine.repeats == 0
        with house.stores.ledgers.view(first.id) as view:
            attempts = view.attempts(range(20))
        assert all(len(tries) == 1 and tries[0].ended_at for tries in attempts.values())


@virtually
async def test_results_that_find_no_room_are_written_later_and_leave_nothing_behind(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    async with running(tmp_path, slow(clock), clock) as house:
        job = await create(house, numbered(20))
        monkeypatch.setattr(BlobWriter, "sync", disk.breaks(BlobWriter.sync))
        disk.broken = True
        await clock.sleep(60)
        assert disk.refused > 2
        assert (await waiting(house, job)).startswith("its results wait for disk space")
        assert not house.space.waiting, "one result that does not fit stops nothing else"
        assert house.stores.blobs.incoming() == []
        disk.broken = False
        job = await ended(house, job)
        assert len(await results(house, job)) == 20
        assert set(house.stores.blobs.all()) == {job.input_blob, job.results_blob}


@virtually
async def test_a_caller_is_told_that_a_cancel_waits_for_room_and_then_it_is_done(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    async with running(tmp_path, slow(clock), clock) as house:
        job = await create(house, numbered(40))
        await clock.sleep(1.5)
        monkeypatch.setattr(house.stores.jobs, "update", disk.breaks(house.stores.jobs.update))
        disk.broken = True
        with pytest.raises(DiskFull, match="waits for room"):
            await house.jobs.cancel("default", job.id)
        disk.broken = False
        assert (await ended(house, job)).state is JobState.CANCELLED


@virtually
async def test_a_server_stops_though_something_waits_for_room(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, disk = slow(clock), Disk()
    commit = Ledger.commit
    monkeypatch.setattr(Ledger, "commit", disk.breaks(Ledger.commit))
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(8))
        await clock.sleep(0.5)
        disk.broken = True
        await clock.sleep(20)
        began = clock.monotonic()
    assert clock.monotonic() - began < 10
    monkeypatch.setattr(Ledger, "commit", commit)
    async with running(tmp_path, engine, clock) as house:
        assert (await ended(house, job)).counts.succeeded == 8
