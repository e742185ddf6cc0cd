"""Pages of files named by the file at their end, files that are wanted for a purpose, and files kept for a time."""

from pathlib import Path

import pytest

from backburner.core.errors import PermissionDenied
from backburner.core.limits import FILE_PAGE_SIZE_MAX, FILE_RETENTION_S
from backburner.house import House
from backburner.store.files import FileRow
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import TENANT, pieces, running
from tests.doubles.virtual_time import VirtualClock, virtually


async def made(
    house: House, purpose: str = "", retention_s: float | None = None, tenant: str = TENANT
) -> FileRow:
    row = await house.files.start(tenant, name=None, display_name="", mime_type="jsonl", size_bytes=None)
    await house.files.append(row.id, 0, pieces(b"x"))
    return await house.files.complete(row.id, purpose=purpose, retention_s=retention_s)


async def page(
    house: House, count: int, mark: str | None = None, *, wanted: str = "", oldest: bool = False
) -> tuple[list[str], bool]:
    rows, more = await house.files.beside(
        TENANT, count, mark, lambda row: not wanted or row.purpose == wanted, oldest_first=oldest
    )
    return [row.id for row in rows], more


@virtually
async def test_pages_in_either_order(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        for number in range(7):
            await made(house, "batch" if number % 2 else "vision")
            if number % 3 == 2:  # several at one instant
                await clock.sleep(1.0)
        await made(house, tenant="other")
        ids, more = await page(house, 7)
        assert (len(ids), more) == (7, False)
        assert await page(house, 7, oldest=True) == (ids[::-1], False)
        for oldest, order in ((False, ids), (True, ids[::-1])):
            for at in range(7):
                assert await page(house, 3, order[at], oldest=oldest) == (order[at + 1 : at + 4], at + 4 < 7)
        batch, more = await page(house, 2, wanted="batch")
        assert more
        assert set((await page(house, 9, batch[-1], wanted="batch"))[0]).isdisjoint(batch)
        with pytest.raises(PermissionDenied):
            await page(house, 1, "none")


@virtually
async def test_what_is_wanted_is_found_behind_much_that_is_not(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        first = await made(house, "batch")
        await clock.sleep(1.0)
        for _ in range(FILE_PAGE_SIZE_MAX + 5):
            await made(house)
        assert await page(house, 1, wanted="batch") == ([first.id], False)


@virtually
async def test_a_file_is_kept_as_long_as_was_said(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        short, usual = await made(house, retention_s=60.0), await made(house)
        assert usual.expire_at - usual.created_at == FILE_RETENTION_S
        await clock.sleep(61.0)
        assert (await page(house, 9))[0] == [usual.id]
        with pytest.raises(PermissionDenied):
            await house.files.get(TENANT, short.id)
