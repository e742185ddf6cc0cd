"""Who may call an engine when people and jobs both want to."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from backburner.core.errors import Exhausted
from backburner.core.exchange import Call, CallKind, Capabilities, Feature, TroubleKind
from backburner.core.limits import CALLERS_WAITING
from backburner.engines.routes import Route
from backburner.house import House
from backburner.policy.pace import PEOPLE_S
from backburner.service.keys import Asker
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, virtually


def asked(house: House, text: str, model: str = "m") -> tuple[Asker, Route, Call]:
    route = house.routes.find(model)
    assert route is not None
    body = {"messages": [{"role": "user", "content": text}]}
    return Asker("default"), route, Call(kind=CallKind.CHAT, model=model, body=body)


async def call(house: House, text: str = "hello", model: str = "m") -> float:
    """Somebody's call, to its end; how long it took."""
    began = house.clock.monotonic()
    await house.interactive.call(*asked(house, text, model))
    return house.clock.monotonic() - began


def of_jobs(engine: ScriptedEngine) -> int:
    return sum(made.text.startswith("text") for made in engine.in_flight)


@virtually
async def test_while_people_call_jobs_leave_the_reserved_slots_and_have_them_again_afterwards(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.3 if text == "hello" else 1.0), slots=8)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(5000))
        await clock.sleep(10.5)
        assert of_jobs(engine) == 8, "nobody calls: jobs have all of it"
        assert await call(house) < 1.3, "the first caller has the next slot that comes free"
        await clock.sleep(1.0)
        for _ in range(20):
            assert await call(house) == pytest.approx(0.3), "from then on one is free"
            await clock.sleep(0.01)
            assert of_jobs(engine) == 4
        await clock.sleep(PEOPLE_S - 2.0)
        assert of_jobs(engine) == 4
        await clock.sleep(4.05)
        assert of_jobs(engine) == 8


@virtually
async def test_a_caller_who_waits_goes_before_flex_calls_and_jobs(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=1)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(50))
        await clock.sleep(3.5)
        flex = asyncio.ensure_future(house.interactive.call(*asked(house, "flex"), flex=True))
        await clock.sleep(0)
        person = asyncio.ensure_future(call(house, "person"))
        await asyncio.gather(flex, person)
    order = [made.text for made in engine.calls]
    assert order[4:6] == ["person", "flex"]


@virtually
async def test_people_never_starve_a_job_to_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    for slots in (1, 4, 64):
        engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=slots)
        async with running(tmp_path / str(slots), engine, clock) as house:

            async def persist(house: House) -> None:
                while True:
                    await call(house)

            people = [asyncio.ensure_future(persist(house)) for _ in range(3 * slots)]
            await clock.sleep(2.0)
            began = clock.monotonic()
            await ended(house, await create(house, numbered(10 * max(1, slots // 16))))
            assert clock.monotonic() - began < 12 * (11 if slots == 1 else 1)
            for each in people:
                each.cancel()
            await asyncio.gather(*people, return_exceptions=True)


@virtually
async def test_a_closed_door_keeps_the_jobs_of_every_model_out_and_lets_people_hear_the_engine(
    tmp_path: Path, clock: VirtualClock
) -> None:
    busy = trouble(TroubleKind.BUSY, "come back", retry_after_s=30.0)

    def play(text: str, nth: int) -> Play:
        return Play(0.5, busy if text in ("text 0", "impatient") and nth == 1 else None)

    engine = ScriptedEngine(clock, play, slots=4)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(100), model="one")
        await create(house, numbered(100, start=1000), model="two")
        await clock.sleep(2.0)
        made = len(engine.calls)
        with pytest.raises(Exhausted, match="come back") as refused:
            await call(house, "impatient", model="two")
        assert refused.value.retry_after_s == 30.0, "which closes the door for longer"
        assert await call(house, "lucky", model="two") == 0.5
        await clock.sleep(29.0)
        assert [made.text for made in engine.calls[made:]] == ["impatient", "lucky"]
        await clock.sleep(5.0)
        assert {made.model for made in engine.calls[made + 2 :]} == {"one", "two"}


@virtually
async def test_a_streamed_answer_has_its_slot_until_the_caller_hangs_up(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        async with aclosing(house.interactive.stream(*asked(house, "story"))) as words:
            for _ in range(5):
                await anext(words)
                pace = house.slots.paces["simulated", "m"]
                assert (pace.in_flight, pace.people) == (1, 1)
        assert (pace.in_flight, pace.people) == (0, 0)
        assert engine.in_flight == []


@pytest.mark.parametrize("seed", range(4))
@virtually
async def test_a_caller_who_hangs_up_at_any_moment_leaves_no_slot_taken(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=2)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        for steps in range(12):
            callers = [asyncio.ensure_future(call(house, str(n))) for n in range(4)]
            await clock.sleep(0.5 * (steps % 2))
            for _ in range(steps):
                await asyncio.sleep(0)
            for each in callers:
                each.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
        pace = house.slots.paces["simulated", "m"]
        assert (pace.in_flight, pace.people) == (0, 0)


@virtually
async def test_more_callers_than_can_wait_are_refused_at_once(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=2)
    async with running(tmp_path, engine, clock) as house:
        callers = [asyncio.ensure_future(call(house)) for _ in range(CALLERS_WAITING + 2)]
        await clock.sleep(0.5)
        with pytest.raises(Exhausted, match="all slots of the engine simulated are taken"):
            await call(house)
        for each in callers:
            each.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


@virtually
async def test_what_was_found_out_about_an_engine_is_known_after_a_restart(
    tmp_path: Path, clock: VirtualClock
) -> None:
    full = trouble(TroubleKind.BUSY, "enough", status=429)
    engine = ScriptedEngine(clock)
    engine.play = lambda text, nth: Play(0.01, full) if len(engine.in_flight) >= 24 else Play(1.0)
    engine.can = Capabilities(frozenset({Feature.CHAT}), slots=256, hidden=True)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(5000))
        await clock.sleep(0.5)
        assert len(engine.in_flight) == 8, "a stranger is given few calls first"
        await clock.sleep(120.0)
        found = house.slots.paces["simulated", "m"].limit
        assert 15 <= found <= 26
    async with running(tmp_path, engine, clock) as house:
        await clock.sleep(0.5)
        assert len(engine.in_flight) == int(found)
        await house.jobs.cancel("default", job.id)
