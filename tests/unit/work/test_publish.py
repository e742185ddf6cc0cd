"""The result file: one line for each request, in input order, whole, and only then is the job called done."""

import asyncio
import hashlib
import random
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState, OnInvalid
from backburner.core.names import errors_file_id, result_file_id
from backburner.house import House
from backburner.store.files import FileSource
from backburner.store.ledger import Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.work import publish
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually
from tests.unit.store.ledger_rows import answer, scan


@pytest.mark.parametrize("seed", range(4))
@virtually
async def test_lines_stand_in_input_order_over_all_pages(
    tmp_path: Path, clock: VirtualClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "PAGE_ROWS", 7)
    chance = random.Random(seed)
    engine = ScriptedEngine(clock, lambda text, nth: Play(chance.random() * 9), slots=10)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        _, found = await run_to_end(house, numbered(50))
    assert [line["key"] for line in found] == [f"k{n}" for n in range(50)]
    assert [made.text for made in engine.calls] != [f"text {n}" for n in range(50)]


def test_a_walk_over_fewer_requests_than_there_are_ends_where_it_was_told(tmp_path: Path) -> None:
    """The scan may have gone on since they were counted."""
    ledger = Ledger(tmp_path / "ledger.db")
    scan(ledger, 6)
    ledger.commit([answer(5), answer(0)], [])
    reader = LedgerReader(tmp_path / "ledger.db")
    assert [(row.ordinal, row.body is None) for row in publish.rows(reader, 3)] == [
        (0, False),
        (1, True),
        (2, True),
    ]
    reader.close()


@virtually
async def test_the_file_of_results_is_described_truly(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job, _ = await run_to_end(house, numbered(5), display_name="five")
        row = await house.files.get("default", result_file_id(job.id))
        content = b"".join([piece async for piece in house.files.read(row)])
    assert (row.size_bytes, job.results_bytes) == (len(content), len(content))
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert (row.source, row.job, row.display_name) == (FileSource.GENERATED, job.id, "results of five")
    assert content.endswith(b"\n")
    assert content.count(b"\n") == 5


@virtually
async def test_a_job_is_not_done_before_its_results_can_be_read(tmp_path: Path, clock: VirtualClock) -> None:
    """At every moment that a caller may look."""
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job = await create(house, numbered(20))
        states: list[JobState] = []
        while not states or states[-1] is not JobState.SUCCEEDED:
            seen = await house.jobs.get("default", job.id)
            if seen.ended:
                assert len(await results(house, seen)) == 20
            if not states or states[-1] is not seen.state:
                states.append(seen.state)
            await asyncio.sleep(0)
    order = [JobState.PENDING, JobState.RUNNING, JobState.FINALIZING, JobState.SUCCEEDED]
    assert states == [state for state in order if state in states], "states only move forward"


@virtually
async def test_a_second_call_to_publish_does_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job = await create(house, numbered(3))
        run = house.board.runs[job.id]
        await ended(house, job)
        house._publisher.submit(run)
        before = sorted(house.stores.blobs.all())
        await clock.sleep(5)
        assert sorted(house.stores.blobs.all()) == before
        assert (await house.jobs.get("default", job.id)).state is JobState.SUCCEEDED


@virtually
async def test_every_line_wrong_is_still_a_job_with_a_result_for_each(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, [b"a|!", b"b|!!"], on_invalid=OnInvalid.SKIP)
    assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(2, 0, 2))
    assert [line["key"] for line in found] == ["a", "b"]
    assert engine.calls == []


@virtually
async def test_where_errors_stand_apart_there_are_two_files_each_in_input_order(
    tmp_path: Path, clock: VirtualClock
) -> None:
    refused = trouble(TroubleKind.REQUEST)
    engine = ScriptedEngine(
        clock, lambda text, nth: Play(0.1, refused if int(text.split()[1]) % 3 == 1 else None)
    )
    async with running(tmp_path, engine, clock) as house:
        house.dialects["plain"] = PlainDialect(errors_apart=True)  # type: ignore[assignment]
        job, answers = await run_to_end(house, numbered(10))
        row = await house.files.get("default", errors_file_id(job.id))
        errors = b"".join([piece async for piece in house.files.read(row)]).decode().splitlines()
        by_seq = b"".join([piece async for piece in (await house.results.so_far(job, None)).lines])
    assert [line["key"] for line in answers] == ["k0", "k2", "k3", "k5", "k6", "k8", "k9"]
    assert [line.split('"')[3] for line in errors] == ["k1", "k4", "k7"]
    assert job.errors_blob == row.blob
    assert len(by_seq.splitlines()) == 10, "followed by seq all of them are there"


@virtually
async def test_without_errors_there_is_no_file_of_errors(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        house.dialects["plain"] = PlainDialect(errors_apart=True)  # type: ignore[assignment]
        job, answers = await run_to_end(house, numbered(3))
        assert (len(answers), job.errors_blob, job.errors_bytes) == (3, None, 0)
        assert await house.lanes.read.run(house.stores.files.get, "default", errors_file_id(job.id)) is None
        assert house.stores.blobs.incoming() == []


@virtually
async def test_bodies_leave_the_ledger_once_they_are_in_the_file(tmp_path: Path, clock: VirtualClock) -> None:
    long = b"x" * 20_000
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job, found = await run_to_end(house, [b"k%d|%s" % (n, long) for n in range(100)])
        assert len(found) == 100
        await clock.sleep(5)
        size_bytes = (tmp_path / "jobs" / job.id / "ledger.db").stat().st_size
        assert size_bytes < 100_000, "2 MB of answers went through it"


def slow_to_publish(house: House, job: str, duration_s: float, patch: pytest.MonkeyPatch) -> None:
    lane, writing = house.lanes.read.run, house._publisher._write

    async def slow(work: object, *args: object) -> object:
        if work == writing and args[0].id == job:  # type: ignore[attr-defined]
            await house.clock.sleep(duration_s)
        return await lane(work, *args)  # type: ignore[arg-type]

    patch.setattr(house.lanes.read, "run", slow)


@virtually
async def test_a_job_deleted_while_its_results_are_written_is_gone_when_they_are(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job = await create(house, numbered(5))
        slow_to_publish(house, job.id, 500.0, monkeypatch)
        await clock.sleep(5)
        await house.jobs.delete("default", job.id)
        await clock.sleep(1000)
        assert not house.broken.done(), "nobody pulled the ledger from under the publisher"
        assert house.stores.ledgers.all() == []
        assert list(house.stores.blobs.all()) == []


@virtually
async def test_a_small_job_is_published_beside_a_large_one(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, ScriptedEngine(clock, slots=64), clock) as house:
        large = await create(house, numbered(50))
        slow_to_publish(house, large.id, 500.0, monkeypatch)
        await clock.sleep(5)
        began = clock.monotonic()
        await ended(house, await create(house, numbered(2, start=900)))
        assert clock.monotonic() - began < 10
        await ended(house, large)
