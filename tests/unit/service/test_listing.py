"""Lists whose pages are named by the jobs at their ends, as OpenAI and Anthropic have them."""

from pathlib import Path

import pytest

from backburner.core.errors import NotFound
from backburner.house import House
from backburner.store.jobs import Wanted
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import TENANT, create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, virtually


async def many(house: House, count: int) -> list[str]:
    """Ids of jobs, newest first; several at one instant."""
    made: list[str] = []
    for number in range(count):
        made.append((await create(house, numbered(1))).id)
        if number % 3 == 2:
            await house.clock.sleep(1.0)
    for job in made:
        await ended(house, job)
    listed = await house.jobs.list(TENANT, 100, None)
    assert {job.id for job in listed.items} == set(made)
    return [job.id for job in listed.items]


@virtually
async def test_pages_in_both_directions(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        ids = await many(house, 8)

        async def page(
            count: int, after: str | None = None, before: str | None = None
        ) -> tuple[list[str], bool]:
            jobs, more = await house.listing.beside(TENANT, count, after=after, before=before)
            return [job.id for job in jobs], more

        assert await page(3) == (ids[:3], True)
        assert await page(8) == (ids, False)
        for at in range(8):
            assert await page(3, after=ids[at]) == (ids[at + 1 : at + 4], at + 4 < 8)
            assert await page(3, before=ids[at]) == (ids[max(0, at - 3) : at], at > 3)
        with pytest.raises(NotFound):
            await page(3, after="none")


@virtually
async def test_other_tenants_and_other_dialects_are_not_in_it(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        mine = await create(house, numbered(1))
        other = await create(house, numbered(1), tenant="other")
        for wanted, found in ((Wanted(dialect="plain"), [mine.id]), (Wanted(dialect="anthropic"), [])):
            jobs, more = await house.listing.beside(TENANT, 10, wanted=wanted)
            assert ([job.id for job in jobs], more) == (found, False)
        with pytest.raises(NotFound):
            await house.listing.beside(TENANT, 10, after=other.id)
