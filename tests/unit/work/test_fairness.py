"""Nobody's job waits for somebody else's load: acceptance of the shares, at a smaller scale, in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backburner.config import Settings, TenantSettings
from backburner.core.exchange import TroubleKind
from backburner.house import House
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, virtually

SMALL = 40
SLOTS = 8


async def nothing(house: House) -> None: ...


async def one_large_job(house: House) -> None:
    await create(house, numbered(100 * SMALL, start=1000), tenant="large")


async def very_many_small_jobs(house: House) -> None:
    for n in range(100 * SMALL // 4):
        await create(house, numbered(4, start=1000 + 4 * n), tenant="large")


async def time_of(
    folder: Path,
    clock: VirtualClock,
    load: Callable[[House], Awaitable[None]],
    call_s: Callable[[str], float],
) -> float:
    """How long the small tenant's job takes beside a load that was there before."""
    engine = ScriptedEngine(clock, lambda text, nth: Play(call_s(text)), slots=SLOTS)
    async with running(folder, engine, clock) as house:
        await load(house)
        await clock.sleep(10.0)
        began = clock.monotonic()
        await ended(house, await create(house, numbered(SMALL), tenant="small"), "small")
        return clock.monotonic() - began


@pytest.mark.parametrize("load", [one_large_job, very_many_small_jobs])
@virtually
async def test_beside_a_hundred_times_its_load_a_job_takes_at_most_twice_its_time_alone(
    tmp_path: Path, clock: VirtualClock, load: Callable[[House], Awaitable[None]]
) -> None:
    def varied(text: str) -> float:
        return 0.5 + int(text.split()[1]) * 7 % 11 / 10

    alone_s = await time_of(tmp_path / "alone", clock, nothing, varied)
    beside_s = await time_of(tmp_path / "beside", clock, load, varied)
    assert beside_s <= 2 * alone_s, (beside_s, alone_s)
    assert beside_s > 1.2 * alone_s, "or there was no load"


@virtually
async def test_twenty_lines_behind_very_many_of_the_same_tenant_are_done_within_seconds(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=SLOTS)
    async with running(tmp_path, engine, clock) as house:
        large = await create(house, numbered(20_000, start=1000))
        await clock.sleep(30.0)
        began = clock.monotonic()
        await ended(house, await create(house, numbered(20)))
        assert clock.monotonic() - began <= 3.0 + 2.0, "alone: 20 on 8 slots, 3 s"
        assert not (await house.jobs.get("default", large.id)).ended


@virtually
async def test_a_tenant_who_comes_new_does_not_push_aside_one_who_was_there_all_along(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=SLOTS)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(2000), tenant="old")
        await clock.sleep(60.0)
        await create(house, numbered(2000, start=10_000), tenant="new")
        seen = len(engine.calls)
        await clock.sleep(20.0)
        new = sum(int(made.text.split()[1]) >= 10_000 for made in engine.calls[seen:])
        assert 0.4 < new / len(engine.calls[seen:]) < 0.6


@virtually
async def test_what_a_tenant_is_charged_is_what_its_answers_used_not_how_often_it_failed(
    tmp_path: Path, clock: VirtualClock
) -> None:
    fails = trouble(TroubleKind.TRANSIENT)

    def play(text: str, nth: int) -> Play:
        return Play(1.0, fails if nth < 3 and text.endswith("7") else None)

    engine = ScriptedEngine(clock, play, slots=SLOTS)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(800), tenant="one")
        await create(house, numbered(800, start=1000), tenant="two")
        await clock.sleep(20.25)
        lane = ("simulated", "m")
        answered = house.board.runs[job.id].counts.succeeded
        in_flight = len(house.board.runs[job.id].in_flight)
        assert house.shares.of("one", (lane,)) == pytest.approx(3 * (answered + in_flight), abs=5)


@virtually
async def test_weights_come_from_the_settings(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=SLOTS)
    settings = Settings(data=str(tmp_path), engine="simulated", tenants={"heavy": TenantSettings(weight=3.0)})
    async with running(tmp_path, engine, clock, settings=settings) as house:
        await create(house, numbered(900), tenant="heavy")
        await create(house, numbered(900, start=1000), tenant="light")
        await clock.sleep(50.0)
        light = sum(int(made.text.split()[1]) >= 1000 for made in engine.calls)
        assert 0.2 < light / len(engine.calls) < 0.3
