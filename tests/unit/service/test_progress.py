"""When a job will be done, what it has cost, and why it waits."""

from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import JobState
from backburner.core.request import Usage
from backburner.engines.protocol import EngineStatus, Health
from backburner.house import House
from backburner.service.progress import Progress
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, run


async def progress(house: House, job: str) -> Progress:
    return await house.progress.snapshot("default", job)


def test_the_end_lies_in_the_interval_and_near_the_likely_time(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0 + int(text[-1]) % 2), slots=4)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(400))
            assert (await progress(house, job.id)).completion is None, "nothing is known yet"
            told: list[Progress] = []
            for _ in range(3):
                await clock.sleep(40)
                told.append(await progress(house, job.id))
            end_at = (await ended(house, job)).ended_at
            assert end_at is not None
            for found in told:
                assert found.completion is not None
                assert found.completion.earliest_at < end_at < found.completion.latest_at
                left_s = end_at - found.at
                assert found.completion.likely_at - found.at == pytest.approx(left_s, rel=0.25)
            after = await progress(house, job.id)
            assert (after.completion, after.rate_per_s, after.waiting_reason) == (None, 0.0, "")

    run(main)


def test_what_an_earlier_process_did_is_not_this_ones_speed(tmp_path: Path, clock: VirtualClock) -> None:
    fast = ScriptedEngine(clock, lambda text, nth: Play(0.1), slots=10)
    slow = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=10)

    async def main() -> None:
        async with running(tmp_path, fast, clock) as house:
            job = await create(house, numbered(900))
            await clock.sleep(5)
            before = await progress(house, job.id)
            assert before.rate_per_s > 50
        async with running(tmp_path, slow, clock) as house:
            await clock.sleep(60)
            found = await progress(house, job.id)
            assert found.rate_per_s == pytest.approx(1, rel=0.2)
            assert found.completion is not None
            left_s = found.job.counts.pending / 1.0
            assert found.completion.likely_at - found.at == pytest.approx(left_s, rel=0.3)
            assert before.usage is not None
            assert found.usage is not None
            made = found.job.counts.succeeded
            assert found.usage == Usage(2 * made, 0, made), "the tokens of both"

    run(main)


def test_tokens_are_summed_once_and_only_what_is_new_is_read(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backburner.store.ledger_view.USAGE_ROWS", 7)

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(1.0)), clock) as house:
            job = await create(house, numbered(50))
            while True:
                found = await progress(house, job.id)
                made = found.job.counts.succeeded
                assert found.usage is not None
                assert found.usage.output in range(made, made + 5)
                if found.job.ended:
                    break
                await clock.sleep(0.7)
            assert found.usage == Usage(100, 0, 50)
            assert (await house.progress.of(found.job, tokens=False)).usage is None

    run(main)


def test_while_the_input_is_read_its_rest_counts(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(
            tmp_path, ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=5), clock
        ) as house:
            job = await create(house, numbered(100))
            await clock.sleep(10.5)
            whole = await progress(house, job.id)
            ledger = house.board.runs[job.id].ledger
            half = ledger.progress.__class__(
                next_offset=job.input_bytes // 2, next_line=51, next_ordinal=50, done=False
            )
            ledger.progress = half
            found = await progress(house, job.id)
            assert whole.completion is not None
            assert found.completion is not None
            assert found.completion.likely_at == pytest.approx(whole.completion.likely_at, abs=0.5)

    run(main)


def test_why_a_job_waits(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(30.0), slots=2)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            first = await create(house, numbered(2))
            await clock.sleep(1)
            second, third = await create(house, numbered(3)), await create(house, numbered(4))
            foreign = await create(house, numbered(5), tenant="other")
            await clock.sleep(5)
            assert (await progress(house, first.id)).waiting_reason == ""
            reasons = [(await progress(house, job.id)).waiting_reason for job in (second, third)]
            assert reasons[0] == "waits for a free slot on the engine simulated, behind another job of yours"
            assert reasons[1] == "waits for a free slot on the engine simulated, behind 2 of your other jobs"
            theirs = (await house.progress.snapshot("other", foreign.id)).waiting_reason
            assert theirs == "waits for a free slot on the engine simulated", "nothing about other tenants"
            await house.jobs.update("default", third.id, priority=5)
            assert "2 of" not in (await progress(house, third.id)).waiting_reason

            engine.status = lambda: EngineStatus(Health.DOWN, "it fell over")  # type: ignore[method-assign]
            assert (
                await progress(house, third.id)
            ).waiting_reason == "the engine simulated is down: it fell over"

    run(main)


def test_an_engine_that_asked_to_be_left_alone_is_the_reason(tmp_path: Path, clock: VirtualClock) -> None:
    busy = trouble(TroubleKind.BUSY, "quota used up", retry_after_s=600)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, busy if nth == 1 else None), slots=1)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            one = await create(house, numbered(1))
            await clock.sleep(5)
            other = await create(house, numbered(1, start=7))
            await clock.sleep(5)
            assert (await progress(house, one.id)).waiting_reason == "quota used up"
            reason = (await progress(house, other.id)).waiting_reason
            assert reason.startswith("the engine simulated asked not to be called until 2027-")
            assert (await progress(house, other.id)).job.state is JobState.PENDING

    run(main)


def test_a_watcher_hears_of_a_job_that_does_not_move_now_and_then(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0)), clock) as house:
            job = await create(house, numbered(1))
            found = [one async for one in house.progress.watch("default", job.id)]
            assert 5 <= len(found) <= 12, "about every ten seconds"
            assert [one.job.ended for one in found] == [False] * (len(found) - 1) + [True]

    run(main)


def test_nothing_is_kept_of_jobs_that_are_gone(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            for n in range(20):
                await ended(house, await create(house, numbered(2, start=10 * n)))
            await clock.sleep(5)
            assert house.progress._pulses == {}  # type: ignore[attr-defined]
            assert house.progress._forecasts._kept == {}  # type: ignore[attr-defined]

    run(main)


def test_a_job_that_will_be_too_late_is_told_so_as_soon_as_there_is_a_rate(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=4)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            late = await create(house, numbered(400), window_s=600)  # takes 1,000 s
            assert (await progress(house, late.id)).window_warning == ""
            await clock.sleep(45)
            found = await progress(house, late.id)
            assert found.completion is not None
            assert found.completion.earliest_at > late.created_at + 600
            assert found.window_warning.startswith(
                "the job cannot meet its window, which ends 2027-01-15 08:10 UTC,"
            )
            assert "likely finish 2027-01-15 08:1" in found.window_warning
            await clock.sleep(600)
            assert "has missed its window" in (await progress(house, late.id)).window_warning
            await house.jobs.cancel("default", late.id)
            assert (await progress(house, late.id)).window_warning == "", "an ended job warns of nothing"
            timely = await create(house, numbered(40), window_s=600)
            await clock.sleep(45)
            assert (await progress(house, timely.id)).window_warning == ""

    run(main)


def test_a_job_behind_others_knows_when_its_turn_comes_and_whether_that_is_too_late(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=10)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            await create(house, numbered(300), priority=1)  # takes 300 s
            await clock.sleep(60)
            behind = await create(house, numbered(200), window_s=120)
            await clock.sleep(5)
            found = await progress(house, behind.id)
            assert found.completion is None, "no call of its own has been made"
            assert (
                "behind another job of yours; its turn will likely come 2027-01-15 08:0"
                in found.waiting_reason
            )
            assert found.window_warning.startswith("the job cannot meet its window")

    run(main)


def test_a_job_that_shorter_ones_overtook_counts_their_time_and_not_its_pause(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=10)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            long = await create(house, numbered(400))  # takes 400 s
            await clock.sleep(100)
            short = await create(house, numbered(200))  # takes 200 s, and goes first
            told: list[Progress] = []
            for _ in range(2):
                await clock.sleep(60)
                told.append(await progress(house, long.id))
            assert (await ended(house, short)).ended_at is not None
            await clock.sleep(30)
            told.append(await progress(house, long.id))
            end_at = (await ended(house, long)).ended_at
            assert end_at is not None
            for found in told:
                assert found.completion is not None
                assert found.completion.earliest_at < end_at < found.completion.latest_at
                assert found.completion.likely_at - found.at == pytest.approx(end_at - found.at, rel=0.15)
            assert ["its turn will likely come" in found.waiting_reason for found in told] == [
                True,
                True,
                False,
            ]

    run(main)
