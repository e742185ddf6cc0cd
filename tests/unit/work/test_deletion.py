"""Deleted is gone: no byte of it is left in the data folder. And what nobody deletes goes when its time is up."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backburner.config import Settings
from backburner.core.errors import DataLoss, NotFound
from backburner.core.job import Job
from backburner.core.limits import JOB_RETENTION_S, RESULT_RETENTION_S
from backburner.core.names import result_file_id
from backburner.house import House
from backburner.store import blobs as blobs_module
from backburner.store.blobs import blob_path
from backburner.work.janitor import FORGET_EACH_S, ROUND_S
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually

CANARY = b"canary-in-a-coal-mine"
LINES = [b"k%d|%s %d" % (n, CANARY, n) for n in range(30)]


def slow(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock, lambda text, nth: Play(0.5))


def with_canary(folder: Path) -> list[str]:
    """Every file that has it, in the database pages and logs, too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if CANARY in path.read_bytes())


async def later(clock: VirtualClock, duration_s: float) -> None:
    clock.skew_s += duration_s
    await clock.sleep(ROUND_S + 1)


async def inline(house: House) -> Callable[[], Awaitable[None]]:
    job = await ended(house, await create(house, LINES, display_name=CANARY.decode()))
    return lambda: house.jobs.delete("default", job.id)


async def running_job(house: House) -> Callable[[], Awaitable[None]]:
    job = await create(house, LINES, display_name=CANARY.decode())
    await house.clock.sleep(1.2)
    return lambda: house.jobs.delete("default", job.id)


async def from_file(house: House) -> Callable[[], Awaitable[None]]:
    file = await upload(house, b"\n".join(LINES), name="canary-in-a-coal-mine")
    job = await ended(house, await create(house, file_id=file))

    async def delete() -> None:
        await house.files.delete("default", file)
        await house.jobs.delete("default", job.id)

    return delete


async def cached(house: House) -> Callable[[], Awaitable[None]]:
    row = await house.caches.create("default", model="m", body={"contents": [CANARY.decode()]})
    return lambda: house.caches.delete("default", row.id)


@pytest.mark.parametrize("make", [inline, running_job, from_file, cached])
@virtually
async def test_when_a_deletion_is_answered_nothing_of_it_is_left(
    tmp_path: Path, clock: VirtualClock, make: Callable[[House], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        other = await ended(house, await create(house, numbered(3)))
        delete = await make(house)
        assert with_canary(tmp_path), "or nothing is shown"
        await delete()
        assert with_canary(tmp_path) == []
        assert len(await results(house, other)) == 3


@virtually
async def test_a_deleted_file_that_a_job_needs_goes_when_the_job_ends(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        file = await upload(house, b"\n".join(LINES))
        job = await create(house, file_id=file)
        await house.files.delete("default", file)
        assert any(path.startswith("blobs/") for path in with_canary(tmp_path))
        job = await ended(house, job)
        blob = blob_path(tmp_path / "blobs", job.input_blob)
        assert not blob.exists()
        await house.jobs.delete("default", job.id)
        assert with_canary(tmp_path) == []


@virtually
async def test_a_reader_in_the_way_delays_it_by_one_round(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        delete = await cached(house)
        reader = house.stores.catalog.read().execute("SELECT doc FROM cache UNION ALL SELECT doc FROM cache")
        reader.fetchone()
        await delete()
        assert with_canary(tmp_path)
        reader.close()
        await clock.sleep(ROUND_S + 1)
        assert with_canary(tmp_path) == []


@virtually
async def test_a_job_goes_when_its_time_is_up_and_everything_of_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        job = await ended(house, await create(house, LINES))
        await later(clock, JOB_RETENTION_S - 2 * FORGET_EACH_S)
        assert (await house.jobs.get("default", job.id)).ended, "its results are gone, the job is not"
        await later(clock, 3 * FORGET_EACH_S)
        with pytest.raises(NotFound):
            await house.jobs.get("default", job.id)
        assert with_canary(tmp_path) == []


@pytest.mark.parametrize("days", [0, 1])
@virtually
async def test_no_job_goes_before_its_results_and_with_0_none_goes(
    tmp_path: Path, clock: VirtualClock, days: int
) -> None:
    settings = Settings(data=str(tmp_path), engine="simulated", job_retention_days=days)
    async with running(tmp_path, slow(clock), clock, settings=settings) as house:
        job = await ended(house, await create(house, LINES))
        await later(clock, RESULT_RETENTION_S - FORGET_EACH_S)
        assert len(await results(house, await house.jobs.get("default", job.id))) == len(LINES)
        await later(clock, 3 * FORGET_EACH_S)
        await later(clock, FORGET_EACH_S)
        there = house.stores.jobs.get("default", job.id)
        assert (there is not None) == (days == 0)


# -- what is damaged is not served


async def published(house: House, clock: VirtualClock) -> Job:
    return await ended(house, await create(house, LINES))


@pytest.mark.parametrize("at_once_bytes", [10**9, 0], ids=["small", "large"])
@virtually
async def test_a_damaged_file_is_never_served_whole(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, at_once_bytes: int
) -> None:
    monkeypatch.setattr(blobs_module, "AT_ONCE_BYTES", at_once_bytes)
    async with running(tmp_path, slow(clock), clock) as house:
        sound, job = await published(house, clock), await published(house, clock)
        path = blob_path(tmp_path / "blobs", str(job.results_blob))
        path.write_bytes(path.read_bytes().replace(b"canary", b"parrot", 1))
        row = await house.files.get("default", result_file_id(job.id))
        for stream in (lambda: house.files.read(row), lambda: house.results.published(job)):
            came = b""
            with pytest.raises(DataLoss, match="damaged"):
                async for piece in stream():
                    came += piece
            assert b"parrot" not in came
        with pytest.raises(DataLoss):  # known by now, whatever its size
            await house.files.check(row)
        assert len(await results(house, sound)) == len(LINES)


@virtually
async def test_a_cut_or_missing_file_is_not_begun(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, slow(clock), clock) as house:
        job = await published(house, clock)
        path = blob_path(tmp_path / "blobs", str(job.results_blob))
        path.write_bytes(path.read_bytes()[:-1])
        row = await house.files.get("default", result_file_id(job.id))
        with pytest.raises(DataLoss, match="bytes instead of"):
            await house.files.check(row)
        path.unlink()
        with pytest.raises(DataLoss):
            await house.files.check(row)
