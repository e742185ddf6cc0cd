"""Tenants and their quotas, through the whole house."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from backburner.config import EVERYBODY, Settings, TenantSettings
from backburner.core.errors import Exhausted
from backburner.core.lanes import Lanes
from backburner.house import House
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, upload
from tests.doubles.virtual_time import VirtualClock, virtually


async def house_of(folder: Path, clock: VirtualClock, **quota: Any) -> House:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    tenants = {EVERYBODY: TenantSettings(**quota), "rich": TenantSettings()}
    settings = Settings(data=str(folder), engine="simulated", tenants=tenants)
    house = House(settings, clock=clock, lanes=Lanes.inline(), engines=[engine])
    house.dialects["plain"] = PlainDialect()  # type: ignore[assignment]
    await house.start()
    return house


@virtually
async def test_of_a_file_as_many_requests_are_read_as_there_is_room_for(
    tmp_path: Path, clock: VirtualClock
) -> None:
    house = await house_of(tmp_path, clock, queued_requests=50)
    file = await upload(house, b"\n".join(numbered(200)) + b"\n")
    job = await create(house, file_id=file)
    most = 0
    while not (found := await house.jobs.get("default", job.id)).ended:
        most = max(most, house.board.pending("default"))
        if found.counts.pending == 50:
            progress = await house.progress.of(found, tokens=False)
            assert "queued_requests" in progress.waiting_reason
        await clock.sleep(0.1)
    assert most == 50, "never more, and no less than there is room for"
    assert [line["key"] for line in await results(house, found)] == [f"k{n}" for n in range(200)]
    await house.stop()


@virtually
async def test_requests_that_come_with_the_creation_are_taken_whole_or_not_at_all(
    tmp_path: Path, clock: VirtualClock
) -> None:
    house = await house_of(tmp_path, clock, queued_requests=50)
    job = await create(house, numbered(50))
    with pytest.raises(Exhausted, match="queued_requests is 50, 50 requests wait") as refused:
        await create(house, numbered(1))
    assert refused.value.reason == "QUOTA_EXCEEDED"
    assert refused.value.retry_after_s
    await create(house, numbered(51), tenant="rich")
    await ended(house, job)
    with pytest.raises(Exhausted, match="queued_requests"):
        await create(house, numbered(51))
    page = await house.jobs.list("default", None, None)
    assert [one.id for one in page.items] == [job.id], "nothing of what was refused stays"
    await ended(house, await create(house, numbered(50)))
    await house.stop()


@virtually
async def test_storage_counts_uploads_and_results_and_is_freed_by_deleting(
    tmp_path: Path, clock: VirtualClock
) -> None:
    house = await house_of(tmp_path, clock, storage_mb=0.001)
    file = await upload(house, b"a|x\n" * 150)
    with pytest.raises(Exhausted, match=r"storage_mb is 0\.001"):
        await upload(house, b"a|x\n" * 150)
    undeclared = await house.files.start(
        "default", name=None, display_name="", mime_type="jsonl", size_bytes=None
    )

    async def pieces() -> Any:
        yield b"a|x\n" * 150

    await house.files.append(undeclared.id, 0, pieces())
    with pytest.raises(Exhausted, match="storage_mb"):
        await house.files.complete(undeclared.id)
    await house.files.delete("default", file)
    assert (await house.files.complete(undeclared.id)).size_bytes == 600
    await house.stop()


@virtually
async def test_a_minute_s_worth_of_jobs_and_then_no_more(tmp_path: Path, clock: VirtualClock) -> None:
    house = await house_of(tmp_path, clock, calls_per_minute=3)
    await asyncio.gather(*(create(house, numbered(1)) for _ in range(3)))
    with pytest.raises(Exhausted, match="calls_per_minute is 3") as refused:
        await create(house, numbered(1))
    assert refused.value.retry_after_s is not None
    await clock.sleep(refused.value.retry_after_s + 0.01)
    await create(house, numbered(1))
    await house.stop()


@virtually
async def test_jobs_wait_when_the_tokens_of_the_day_are_used_and_go_on_at_midnight(
    tmp_path: Path, clock: VirtualClock
) -> None:
    house = await house_of(tmp_path, clock, tokens_per_day=90)  # three tokens a call
    job = await create(house, numbered(100))
    await clock.sleep(120)
    found = await house.jobs.get("default", job.id)
    assert found.counts.succeeded == 30, "exactly as many as there are tokens for"
    assert "tokens_per_day is 90" in (await house.progress.of(found, tokens=False)).waiting_reason
    with pytest.raises(Exhausted, match="tokens_per_day"):
        house.quotas.call("default")
    clock.skew_s += 86_400
    await clock.sleep(120)
    assert (await house.jobs.get("default", job.id)).counts.succeeded == 60
    await house.stop()
