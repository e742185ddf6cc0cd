"""What time does, and what is swept up after a crash."""

import asyncio
from pathlib import Path

import pytest

from backburner.config import Settings
from backburner.core.errors import Code, NotFound, PermissionDenied
from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState
from backburner.core.limits import (
    FILE_RETENTION_S,
    IDEMPOTENCY_S,
    JOB_EXPIRY_S,
    RESULT_RETENTION_S,
    UPLOAD_RETENTION_S,
)
from backburner.core.names import result_file_id
from backburner.service.drafts import Idempotency
from backburner.store.jobs import Pin
from backburner.work.janitor import ROUND_S
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import (
    build,
    create,
    ended,
    numbered,
    pieces,
    results,
    run_to_end,
    running,
    upload,
)
from tests.doubles.virtual_time import VirtualClock, run, virtually

DAYS = 24 * 3600.0


async def later(clock: VirtualClock, instant_at: float) -> None:
    """The wall clock is set forward to an instant, and the janitor makes its round. (Sleeping for days would do
    as well, and take a while: the dispatcher wakes up every second.)"""
    clock.skew_s += instant_at - clock.now()
    await clock.sleep(ROUND_S + 1)


@pytest.mark.parametrize("window_s", [3600.0, JOB_EXPIRY_S + 3600])
def test_a_job_past_its_time_expires_with_its_finished_answers_kept(
    tmp_path: Path, clock: VirtualClock, window_s: float
) -> None:
    down = trouble(TroubleKind.OPERATOR, "the upstream key is wrong")
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, down if text > "text 2" else None), slots=2)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(6), window_s=window_s)
            expire_at = job.created_at + max(window_s, JOB_EXPIRY_S)
            assert job.expire_at == expire_at
            await later(clock, expire_at - 2 * ROUND_S)
            assert (await house.jobs.get("default", job.id)).state is JobState.RUNNING
            job = await ended(house, job)
            assert (job.state, job.counts) == (JobState.EXPIRED, Counts(6, 3, 0))
            assert job.ended_at is not None
            assert 0 <= job.ended_at - expire_at <= ROUND_S + 1
            assert job.error is not None
            assert job.error.code is Code.DEADLINE_EXCEEDED
            assert "the upstream key is wrong" in job.error.message
            found = await results(house, job)
            assert [line.get("response") for line in found[:3]] == ["text 0", "text 1", "text 2"]
            assert "EXPIRED" in str(found[5]["error"])

    run(main)


def test_a_job_that_expired_while_the_service_was_down_expires_when_it_is_back(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(1e6), slots=2)
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(2))
            await clock.sleep(1)
        clock.skew_s += JOB_EXPIRY_S
        async with running(tmp_path, engine, clock) as house:
            assert (await ended(house, job)).state is JobState.EXPIRED

    run(main)


def test_a_file_goes_after_its_time_and_stays_while_a_job_needs_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(300.0), slots=1)
        async with running(tmp_path, engine, clock) as house:
            unused = await upload(house, b"a|b\n")
            used = await upload(house, b"a|b\n")
            expire_at = clock.now() + FILE_RETENTION_S
            job = await create(house, None, file_id=used, window_s=4 * DAYS)
            await later(clock, expire_at - 2 * ROUND_S)
            assert (await house.files.get("default", unused)).expire_at == expire_at
            await later(clock, expire_at)
            for file in (unused, used):
                with pytest.raises(PermissionDenied):
                    await house.files.get("default", file)
            assert list(house.stores.blobs.all()) == [job.input_blob], "of the two blobs one is still needed"
            assert (await ended(house, job)).counts == Counts(1, 1, 0)
            await clock.sleep(1)
            assert not house.stores.blobs.exists(job.input_blob), (
                "it goes with the job that was last to need it"
            )

    run(main)


def test_results_outlive_inputs_and_then_go_too(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            job, _ = await run_to_end(house, numbered(3))
            await later(clock, job.created_at + RESULT_RETENTION_S - 2 * ROUND_S)
            assert len(await results(house, job)) == 3
            await later(clock, job.created_at + RESULT_RETENTION_S + ROUND_S)
            with pytest.raises(NotFound) as gone:
                await results(house, job)
            assert gone.value.reason == "RESULTS_GONE"
            with pytest.raises(PermissionDenied):
                await house.files.get("default", result_file_id(job.id))
            assert (await house.jobs.get("default", job.id)).state is JobState.SUCCEEDED

    run(main)


def test_unfinished_uploads_and_idempotency_keys_are_forgotten_after_their_time(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            row = await house.files.start(
                "default", name=None, display_name="", mime_type="jsonl", size_bytes=None
            )
            await house.files.append(row.id, 0, pieces(b"abc"))
            first = await create(house, numbered(1), idempotency=Idempotency("key", b"d"))
            await later(clock, row.created_at + UPLOAD_RETENTION_S - 2 * ROUND_S)
            assert (await house.files.upload(row.id)).received_bytes == 3
            await later(clock, row.created_at + UPLOAD_RETENTION_S + 1)
            with pytest.raises(NotFound):
                await house.files.upload(row.id)
            assert house.stores.blobs.incoming() == []
            again = await create(house, numbered(1), idempotency=Idempotency("key", b"d"))
            assert again.id == first.id
            await later(clock, first.created_at + IDEMPOTENCY_S + 1)
            third = await create(house, numbered(1), idempotency=Idempotency("key", b"d"))
            assert third.id != first.id

    run(main)


def test_what_nobody_owns_is_swept_up_at_the_start(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            kept, _ = await run_to_end(house, numbered(3))
            file = await upload(house, b"a|b\n")
            half = await house.files.start(
                "default", name=None, display_name="", mime_type="jsonl", size_bytes=None
            )
            await house.files.append(half.id, 0, pieces(b"abc"))
            stores = house.stores
            stores.ledgers.get("never-accepted")
            stores.blobs.writer().write(b"half a blob")
            orphan = stores.blobs.writer()
            orphan.write(b"a blob that nobody names")
            lost = orphan.commit()
            stores.jobs.pin("never-accepted", [Pin("input", "inline", lost)])
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            assert house.stores.ledgers.all() == [kept.id]
            assert not house.stores.blobs.exists(lost)
            assert house.stores.blobs.incoming() == [half.id]
            assert (await house.files.upload(half.id)).received_bytes == 3
            assert len(await results(house, kept)) == 3
            assert (await house.files.get("default", file)).size_bytes == 4

    run(main)


def test_a_clock_that_jumps_back_expires_nothing_and_runs_nothing_twice(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=2)
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(20))
            for skew_s in (-3600.0, 3600.0, -30 * DAYS, 0.0):
                clock.skew_s = skew_s
                await clock.sleep(15)
            job = await ended(house, job)
            assert (job.state, job.counts, engine.repeats) == (JobState.SUCCEEDED, Counts(20, 20, 0), 0)

    run(main)


def test_a_house_that_is_stopped_while_it_works_stops_and_comes_back(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """A clean stop: what ran out of its few seconds is made again and is no suspect of anything."""

    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(7.0 if nth < 4 else 1.0), slots=4)
        job = None
        for _ in range(4):
            house = build(tmp_path, engine, clock)
            await house.start()
            job = job or await create(house, numbered(4))
            await clock.sleep(1)
            before = clock.monotonic()
            await house.stop()
            assert clock.monotonic() - before <= 5.1
            assert engine.in_flight == []
            left = [
                task
                for task in asyncio.all_tasks()
                if "small_house" in str(task) or "backburner" in str(task)
            ]
            assert [task for task in left if task is not asyncio.current_task()] == []
        async with running(tmp_path, engine, clock) as house:
            assert job is not None
            assert (await ended(house, job)).counts == Counts(4, 4, 0)
        assert max(len(made.beside) for made in engine.calls[-4:]) == 3, "side by side to the end"

    run(main)


@virtually
async def test_trouble_on_the_operators_side_ends_a_job_after_the_time_of_the_settings_with_what_it_has(
    tmp_path: Path, clock: VirtualClock
) -> None:
    key = trouble(TroubleKind.OPERATOR, "the upstream does not know our key")

    def play(text: str, nth: int) -> Play:
        return Play(1.0, key if clock.monotonic() > 3.5 else None)

    settings = Settings(data=str(tmp_path), engine="simulated", operator_trouble_hours=0.5)
    async with running(tmp_path, ScriptedEngine(clock, play, slots=1), clock, settings=settings) as house:
        job = await create(house, numbered(10))
        await clock.sleep(1800.0 - 60.0)
        assert (await house.jobs.get("default", job.id)).state is JobState.RUNNING
        job = await ended(house, job)
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert "for 0.5 hours: the upstream does not know our key" in job.error.message
        assert clock.monotonic() < 1800.0 + 60.0
        assert job.counts.succeeded == 4
        assert sum("response" in line for line in await results(house, job)) == 4
