"""Results while a job runs and afterwards: in both orders, and a cursor that means the same before and after."""

import random
from pathlib import Path

import msgspec
import pytest

from backburner.core.errors import InvalidArgument, NotFound
from backburner.core.exchange import TroubleKind
from backburner.core.job import Job
from backburner.house import House
from backburner.service import results as results_module
from backburner.service.results import Results, decode_cursor, encode_cursor
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually


def keys(lines: bytes) -> list[str]:
    return [msgspec.json.decode(line)["key"] for line in lines.splitlines()]


async def read(found: Results) -> bytes:
    return b"".join([piece async for piece in found.lines])


def slow(seed: int, clock: VirtualClock) -> ScriptedEngine:
    chance = random.Random(seed)
    refused = trouble(TroubleKind.REQUEST)
    return ScriptedEngine(
        clock,
        lambda text, nth: Play(chance.random() * 3, refused if chance.random() < 0.2 else None),
        slots=8,
    )


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("seed", range(6))
@virtually
async def test_a_cursor_gives_every_line_once_also_across_publishing(
    tmp_path: Path, clock: VirtualClock, seed: int, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_module, "PAGE_ROWS", 7)
    async with running(tmp_path, slow(seed, clock), clock, seed=seed) as house:
        house.dialects["plain"] = PlainDialect(errors_apart=apart)  # type: ignore[assignment]
        job = await create(house, numbered(80))
        cursor, seen = None, b""
        while True:
            job = await house.jobs.get("default", job.id)
            found = await house.results.so_far(job, cursor)
            seen += await read(found)
            cursor = found.cursor
            if found.complete:
                break
            await clock.sleep(1.0)
        assert sorted(keys(seen)) == sorted(f"k{n}" for n in range(80))
        await clock.sleep(10)
        again = await house.results.so_far(await house.jobs.get("default", job.id), None)
        assert await read(again) == seen, "the order of commit is the same when it is read from the file"
        assert await read(await house.results.so_far(job, cursor)) == b""


@pytest.mark.parametrize("seed", range(6))
@virtually
async def test_in_input_order_the_finished_prefix_stops_at_the_first_gap(
    tmp_path: Path, clock: VirtualClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_module, "STREAM_BYTES", 100)
    async with running(tmp_path, slow(seed, clock), clock, seed=seed) as house:
        job = await create(house, numbered(60))
        last = 0
        while not job.ended:
            done = set(keys(await read(await house.results.so_far(job, None))))
            found = await house.results.prefix(job)
            prefix = keys(await read(found))
            assert prefix == [f"k{n}" for n in range(len(prefix))]
            assert f"k{len(prefix)}" not in done, "it stops at a gap and not before"
            assert len(prefix) >= last
            last = len(prefix)
            await clock.sleep(1.0)
            job = await house.jobs.get("default", job.id)
        found = await house.results.prefix(job)
        assert found.complete
        assert keys(await read(found)) == [f"k{n}" for n in range(60)]


@pytest.mark.parametrize("seed", range(4))
@virtually
async def test_a_reader_is_not_upset_when_the_job_ends_under_it(
    tmp_path: Path, clock: VirtualClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies move from the ledger to the file while somebody reads page by page."""
    monkeypatch.setattr(results_module, "PAGE_ROWS", 3)
    async with running(tmp_path, slow(seed, clock), clock, seed=seed) as house:
        job = await create(house, numbered(40))
        while (running_job := await house.jobs.get("default", job.id)).counts.succeeded < 20:
            await clock.sleep(0.1)
        found = await house.results.so_far(running_job, None)
        seen = b""
        async for page in found.lines:
            seen += page
            await clock.sleep(5)
        assert (await house.jobs.get("default", job.id)).ended
        assert len(keys(seen)) == len(set(keys(seen))) == decode_cursor(found.cursor)


@virtually
async def test_a_cancelled_jobs_answers_stay_readable(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1 if text < "text 3" else 1000.0))
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(6))
        await clock.sleep(5)
        before = await read(await house.results.so_far(await house.jobs.get("default", job.id), None))
        await house.jobs.cancel("default", job.id)
        job = await ended(house, job)
        assert await read(await house.results.so_far(job, None)) == before
        assert len(keys(before)) == 3
        assert [line["key"] for line in await results(house, job)] == [f"k{n}" for n in range(6)]


async def gone(house: House, job: Job) -> None:
    for ask in (house.results.so_far(job, None), house.results.prefix(job)):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(NotFound):
        await anext(house.results.published(job))


@virtually
async def test_results_that_are_gone_are_said_to_be(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job, _ = await run_to_end(house, numbered(2))
        await house.files.delete("default", f"batch-{job.id}")
        await gone(house, job)
        other, _ = await run_to_end(house, numbered(2))
        await house.jobs.delete("default", other.id)
        await gone(house, other)


def test_a_cursor_is_opaque_and_comes_back() -> None:
    for seq in (0, 1, 10**6, 10**17):
        assert decode_cursor(encode_cursor(seq)) == seq
        assert f"{seq}" not in encode_cursor(seq)


@pytest.mark.parametrize(
    "forged",
    ["x", "!!!", "c2VxOg", "c2VxOi01", "c2VxOjEuNQ", "b3JkOjU", "ä", "c2Vx" * 1000, encode_cursor(10**30)],
)
@virtually
async def test_a_forged_cursor_is_refused(tmp_path: Path, clock: VirtualClock, forged: str) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job, _ = await run_to_end(house, numbered(1))
        with pytest.raises(InvalidArgument):
            await house.results.so_far(job, forged)
