"""An engine that dies: those in flight are tried again, suspects run alone, only the poison is lost."""

from collections import Counter
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts
from backburner.policy.retry import FREE_DEATHS
from tests.doubles.scripted_engine import Made, Play, ScriptedEngine, trouble
from tests.doubles.small_house import numbered, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually

SEEDS = pytest.mark.parametrize("seed", range(4))


def poison(text: str, nth: int) -> Play:
    return Play(0.5, fatal=True) if text == "text 13" else Play(1.0)


@SEEDS
@virtually
async def test_of_those_in_flight_when_an_engine_dies_only_the_poison_is_lost(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    engine = ScriptedEngine(clock, poison, slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job, found = await run_to_end(house, numbered(60))
    assert job.counts == Counts(60, 59, 1)
    assert [line["key"] for line in found if "error" in line] == ["k13"]
    assert engine.deaths == FREE_DEATHS + 1, "after that many deaths the poison is known"
    assert engine.tries["text 13"] == FREE_DEATHS + 1


@SEEDS
@virtually
async def test_a_suspect_runs_alone(tmp_path: Path, clock: VirtualClock, seed: int) -> None:
    engine = ScriptedEngine(clock, poison, slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        await run_to_end(house, numbered(60))
    deaths: Counter[str] = Counter()
    suspects: set[Made] = set()
    for made in engine.calls:
        if deaths[made.text] >= FREE_DEATHS:
            suspects.add(made)
        deaths[made.text] += made.ended == TroubleKind.DIED
    assert len(suspects) == 8, "those that were in flight twice"
    for made in engine.calls:
        assert not (made in suspects and made.beside), f"{made.text} is suspected and ran beside others"
        assert not suspects.intersection(made.beside), f"{made.text} ran beside a suspect"
    assert deaths["text 13"] == FREE_DEATHS + 1


@virtually
async def test_several_poisons_are_found_one_by_one(tmp_path: Path, clock: VirtualClock) -> None:
    killers = {"text 0", "text 7", "text 8"}
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5, fatal=text in killers), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, numbered(20))
    assert {line["key"] for line in found if "error" in line} == {"k0", "k7", "k8"}
    assert job.counts == Counts(20, 17, 3)


@virtually
async def test_a_suspect_waits_behind_a_closed_door_too(tmp_path: Path, clock: VirtualClock) -> None:
    def play(text: str, nth: int) -> Play:
        if nth <= FREE_DEATHS:
            return Play(0.1, fatal=True)
        if nth == FREE_DEATHS + 1:
            return Play(0.1, trouble(TroubleKind.BUSY, retry_after_s=60.0))
        return Play(0.1)

    engine = ScriptedEngine(clock, play, slots=2)
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(2))
    assert job.counts == Counts(2, 2, 0)
    starts = [made.started_at for made in engine.calls]
    assert sum(10 < at < 60 for at in starts) == 0
