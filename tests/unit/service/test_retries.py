"""Trying again with all answers kept: nothing that was answered is sent again, and the results are whole."""

from pathlib import Path

import pytest

from backburner.core.errors import Conflict
from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState
from backburner.core.request import Usage
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually

REFUSED = trouble(TroubleKind.REQUEST, "not this one")


@virtually
async def test_a_whole_retry_runs_only_what_has_no_answer_and_has_all_results_in_input_order(
    tmp_path: Path, clock: VirtualClock
) -> None:
    broken = {"text 3", "text 17"}
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, REFUSED if text in broken else None))
    async with running(tmp_path, engine, clock) as house:
        job, before = await run_to_end(house, numbered(30))
        assert job.counts == Counts(30, 28, 2)
        broken.clear()
        called = len(engine.calls)
        made = await house.retries.retry("default", job.id, whole=True)
        again = await ended(house, made)
        assert again.counts == Counts(30, 30, 0)
        assert len(engine.calls) - called == 2
        after = await results(house, again)
        assert [line["key"] for line in after] == [f"k{n}" for n in range(30)]
        assert [one for one, n in zip(after, range(30), strict=True) if n not in (3, 17)] == [
            one for one, n in zip(before, range(30), strict=True) if n not in (3, 17)
        ]
        assert again.usage == Usage(4, 0, 2), "what was kept costs nothing again"
        assert (await house.jobs.get("default", job.id)).counts == job.counts, "the old one stays as it ended"
        with pytest.raises(Conflict, match="every request"):
            await house.retries.retry("default", again.id, whole=True)


@virtually
async def test_of_a_cancelled_job_a_whole_retry_makes_the_rest_over_a_restart_too(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(60))
        await clock.sleep(5.5)
        await house.jobs.cancel("default", job.id)
        old = await ended(house, job)
        assert 0 < old.counts.succeeded < 40
        made = await house.retries.retry("default", job.id, whole=True)
        await clock.sleep(3.5)
    async with running(tmp_path, engine, clock) as house:
        again = await ended(house, made.id)
        assert (again.state, again.counts) == (JobState.SUCCEEDED, Counts(60, 60, 0))
        assert [line["key"] for line in await results(house, again)] == [f"k{n}" for n in range(60)]
        again = await ended(house, await house.jobs.get("default", made.id))
        cut = 2 * 4  # calls in flight at the cancel and at the restart are made again
        assert len(engine.calls) <= 60 + cut


@virtually
async def test_answers_that_are_gone_cannot_be_kept(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, REFUSED if text == "text 1" else None))
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(5))
        assert job.results_blob is not None
        house.stores.blobs.delete(job.results_blob)
        with pytest.raises(Conflict, match="without `whole`"):
            await house.retries.retry("default", job.id, whole=True)
        assert (await house.retries.retry("default", job.id)).counts.total == 1
