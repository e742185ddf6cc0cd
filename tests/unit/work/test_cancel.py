"""Cancelled at any moment: nothing is sent after the answer, what was finished is kept, and everything adds up."""

import asyncio
import random
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, Job, JobState
from backburner.house import House
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually

COUNT = 60


def moody(chance: random.Random) -> ScriptedEngine:
    """Slow, at once, failing, busy: whatever the chance says."""
    troubles = [trouble(TroubleKind.TRANSIENT), trouble(TroubleKind.BUSY), trouble(TroubleKind.DIED)]

    def play(text: str, nth: int) -> Play:
        latency_s = chance.choice((0.0, 0.05, 1.0))
        return Play(latency_s, chance.choice(troubles) if chance.random() < 0.2 else None)

    return ScriptedEngine(VirtualClock(), play, slots=6)


async def check_adds_up(house: House, job: Job, engine: ScriptedEngine) -> None:
    found = await results(house, job)
    answers = [line for line in found if "response" in line]
    errors = [line for line in found if "error" in line]
    assert [line["key"] for line in found] == [f"k{n}" for n in range(job.counts.total)]
    assert len(answers) == job.counts.succeeded
    assert len(errors) == job.counts.failed + job.counts.pending
    assert sum("unfinished" in str(line["error"]) for line in errors) == job.counts.pending
    for line in answers:
        assert line["response"] == f"text {str(line['key'])[1:]}"


@pytest.mark.parametrize("seed", range(25))
@virtually
async def test_cancelled_at_any_moment_nothing_is_sent_after_and_everything_adds_up(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    engine = moody(chance)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job = await create(house, numbered(COUNT))
        await clock.sleep(chance.choice((0.0, 0.001, 1.0, 3.0)))
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        await house.jobs.cancel("default", job.id)
        sent = len(engine.calls)
        job = await ended(house, job)
        await clock.sleep(100)
        assert job.state in (JobState.CANCELLED, JobState.SUCCEEDED)
        assert len(engine.calls) == sent, "no call begins once the cancel is answered"
        assert engine.in_flight == [], "and none goes on"
        if job.state is JobState.CANCELLED:
            assert job.error is not None
        await check_adds_up(house, job, engine)
        assert (await house.jobs.get("default", job.id)) == job, "an ended job stays as it is"
        assert all(pace.in_flight == 0 for pace in house.slots.paces.values()), "every slot came back"
        other, _ = await run_to_end(house, numbered(10, start=1000))
        assert other.counts.pending == 0


@pytest.mark.parametrize("seed", range(10))
@virtually
async def test_cancelled_while_its_calls_begin_no_slot_is_lost(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    """A task that is cancelled before its first step runs not a single line."""
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        for steps in range(24):
            job = await create(house, numbered(8))
            for _ in range(steps):
                await asyncio.sleep(0)
            await house.jobs.cancel("default", job.id)
            await ended(house, job)
        assert [pace.in_flight for pace in house.slots.paces.values()] in ([0], [])
        began = clock.monotonic()
        await run_to_end(house, numbered(8))
        assert clock.monotonic() - began < 2.5, "all four slots are there"


@virtually
async def test_cancel_is_harmless_twice_and_after_the_end(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        done, _ = await run_to_end(house, numbered(3))
        await house.jobs.cancel("default", done.id)
        assert (await house.jobs.get("default", done.id)).state is JobState.SUCCEEDED
        engine = house.routes.engines["simulated"]
        assert isinstance(engine, ScriptedEngine)
        engine.play = lambda text, nth: Play(10.0)
        job = await create(house, numbered(3))
        await asyncio.gather(*(house.jobs.cancel("default", job.id) for _ in range(3)))
        assert (await ended(house, job)).state is JobState.CANCELLED


@pytest.mark.parametrize("steps", range(12))
@virtually
async def test_a_cancel_whose_caller_hangs_up_happens_wholly_or_not_at_all(
    tmp_path: Path, clock: VirtualClock, steps: int
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(5.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(8))
        await clock.sleep(1)
        caller = asyncio.ensure_future(house.jobs.cancel("default", job.id))
        for _ in range(steps):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait([caller])
        job = await ended(house, job)
        assert job.state in (JobState.CANCELLED, JobState.SUCCEEDED)
        assert job.counts == (Counts(8, 8, 0) if job.state is JobState.SUCCEEDED else Counts(8, 0, 0))


@pytest.mark.parametrize("seed", range(8))
@virtually
async def test_deleted_at_any_moment_nothing_of_a_job_is_left(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    engine = moody(chance)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job = await create(house, numbered(COUNT))
        await clock.sleep(chance.choice((0.0, 0.5, 3.0, 60.0)))
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        await house.jobs.delete("default", job.id)
        assert house.stores.ledgers.all() == []
        assert list(house.stores.blobs.all()) == []
        assert house.stores.blobs.incoming() == []
        assert (await house.jobs.list("default", None, None)).items == []
        assert house.board.runs == {}
        sent = len(engine.calls)
        await clock.sleep(100)
        assert len(engine.calls) == sent
