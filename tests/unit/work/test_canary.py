"""The canary: answers at once whatever else runs, a whole refusal ends the job, and a job may wait for approval."""

from pathlib import Path

import pytest

from backburner.core.errors import Code, Conflict
from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState
from backburner.work.dispatch import HELD
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually

REFUSED = trouble(TroubleKind.REQUEST, "this schema is not supported")


@virtually
async def test_a_sample_over_the_whole_input_is_answered_first(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        await run_to_end(house, numbered(301))
    assert {made.text for made in engine.calls[:4]} == {"text 0", "text 100", "text 200", "text 300"}
    assert len(engine.calls) == 301, "and none of them twice"


@virtually
async def test_a_new_jobs_canary_does_not_wait_behind_a_big_one(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=8)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(2000), priority=5)
        await clock.sleep(10)
        begun = clock.monotonic()
        later = await create(house, numbered(1000, start=5000))
        while (await house.jobs.get("default", later.id)).counts.succeeded < 4:
            await clock.sleep(0.1)
        assert clock.monotonic() - begun < 12, "though the other has priority and hundreds of seconds to go"


@virtually
async def test_a_job_whose_whole_canary_is_refused_fails_at_once_and_says_why(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5, REFUSED), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, numbered(400))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code is Code.INVALID_ARGUMENT
    assert "this schema is not supported" in job.error.message
    assert len(engine.calls) < 20, "the other hundreds were spared"
    assert len(found) == 400, "each request still has its line"


@virtually
async def test_one_answer_in_the_canary_lets_the_job_go_on(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(
        clock, lambda text, nth: Play(0.5, None if text == "text 0" else REFUSED), slots=4
    )
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(50))
    assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(50, 1, 49))


@virtually
async def test_passing_trouble_in_the_canary_does_not_condemn_the_job(
    tmp_path: Path, clock: VirtualClock
) -> None:
    fails = trouble(TroubleKind.TRANSIENT)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, fails if nth == 1 else None), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(20))
    assert job.counts == Counts(20, 20, 0)


@virtually
async def test_a_held_job_runs_its_canary_alone_until_it_is_approved(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(100), hold_after_canary=True)
        await clock.sleep(60)
        held = await house.jobs.get("default", job.id)
        assert held.counts.succeeded == 4
        assert house.jobs.reason(held) == HELD
        await house.jobs.approve("default", job.id)
        assert (await ended(house, job)).counts == Counts(100, 100, 0)
        with pytest.raises(Conflict):
            await house.jobs.approve("default", job.id)


@virtually
async def test_a_held_job_that_nobody_wants_is_cancelled_with_the_answers_of_its_canary(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(100), hold_after_canary=True)
        await clock.sleep(60)
        await house.jobs.cancel("default", job.id)
        found = await ended(house, job)
        assert (found.state, found.counts) == (JobState.CANCELLED, Counts(100, 4, 0))
        assert sum("response" in line for line in await results(house, found)) == 4
        assert len(engine.calls) == 4
        assert house.shares.tenants(("simulated", "m")) == frozenset()


@virtually
async def test_a_held_job_stays_held_over_a_restart(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(100), hold_after_canary=True)
        await clock.sleep(60)
    async with running(tmp_path, engine, clock) as house:
        await clock.sleep(60)
        assert (await house.jobs.get("default", job.id)).counts.succeeded == 4
        assert len(engine.calls) == 4, "and its canary is not drawn again"


@virtually
async def test_retry_makes_a_job_of_what_has_no_answer(tmp_path: Path, clock: VirtualClock) -> None:
    broken = {"text 3", "text 17"}
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, REFUSED if text in broken else None))
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(30), display_name="thirty")
        assert job.counts == Counts(30, 28, 2)
        broken.clear()
        again = await ended(house, await house.retries.retry("default", job.id))
        assert again.display_name == "thirty (retry)"
        assert [line["key"] for line in await results(house, again)] == ["k3", "k17"]
        assert again.counts == Counts(2, 2, 0)
        with pytest.raises(Conflict):
            await house.retries.retry("default", again.id)
