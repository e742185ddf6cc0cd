"""Several engines for one model name, hours of engines, and data that stays here."""

from collections import Counter
from pathlib import Path

import pytest

from backburner.config import EngineSettings, Settings, TenantSettings
from backburner.core.errors import PermissionDenied
from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState
from backburner.service.keys import Asker
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, running
from tests.doubles.virtual_time import START_AT, VirtualClock, virtually


def pair(folder: Path, **changes: object) -> Settings:
    """Two engines for the name m. They are stand-ins: the settings only say how names lead to them."""
    given: dict[str, object] = {
        "data": str(folder),
        "engines": {name: EngineSettings(kind="simulated") for name in ("a", "b")},
        "models": {"m": ["a/m1", "b/m2"]},
        **changes,
    }
    return Settings(**given)  # type: ignore[arg-type]


def engines(clock: VirtualClock, a: Play = Play(1.0), b: Play = Play(1.0)) -> list[ScriptedEngine]:  # noqa: B008
    return [
        ScriptedEngine(clock, lambda text, nth: a, slots=4, name="a"),
        ScriptedEngine(clock, lambda text, nth: b, slots=4, name="b"),
    ]


@virtually
async def test_two_engines_for_one_name_are_both_used_to_the_full(
    tmp_path: Path, clock: VirtualClock
) -> None:
    a, b = both = engines(clock)
    async with running(tmp_path, both, clock, settings=pair(tmp_path)) as house:
        job = await ended(house, await create(house, numbered(80)))
        assert job.counts == Counts(80, 80, 0)
        assert [line["key"] for line in await results(house, job)] == [f"k{n}" for n in range(80)]
    assert clock.monotonic() < 11.5, "80 calls of 1 s on twice 4 slots"
    assert {(made.model) for made in a.calls} == {"m1"}
    assert {(made.model) for made in b.calls} == {"m2"}
    assert len(a.calls) == len(b.calls) == 40


@pytest.mark.parametrize("kind", [TroubleKind.OPERATOR, TroubleKind.BUSY, TroubleKind.TRANSIENT])
@virtually
async def test_what_one_engine_fails_another_answers(
    tmp_path: Path, clock: VirtualClock, kind: TroubleKind
) -> None:
    both = engines(clock, a=Play(0.1, trouble(kind, "out of order")))
    async with running(tmp_path, both, clock, settings=pair(tmp_path)) as house:
        job = await create(house, numbered(40))
        await clock.sleep(5.0)
        assert house.jobs.reason(job) == "", "it goes on, so there is no reason why not"
        job = await ended(house, job)
        assert job.counts == Counts(40, 40, 0)
    if kind is not TroubleKind.TRANSIENT:
        assert clock.monotonic() < 12.0, "10 s on one engine alone: nobody waited for the other"
        assert len(both[0].calls) < 12, "and it was soon left alone"


@virtually
async def test_two_engines_that_are_both_out_of_order_are_not_called_without_end(
    tmp_path: Path, clock: VirtualClock
) -> None:
    broken = Play(0.1, trouble(TroubleKind.OPERATOR, "out of order"))
    both = engines(clock, broken, broken)
    async with running(tmp_path, both, clock, settings=pair(tmp_path)) as house:
        job = await create(house, numbered(4))
        await clock.sleep(100.0)
        assert house.jobs.reason(job) == "out of order"
        most = Counter(made.text for engine in both for made in engine.calls).most_common(1)[0][1]
        assert 6 <= most <= 20
        await house.jobs.cancel("default", job.id)


@virtually
async def test_an_engine_with_hours_runs_jobs_only_then_and_people_always(
    tmp_path: Path, clock: VirtualClock
) -> None:
    minute = int(START_AT // 60) % 1440 + 20
    opens = f"{minute // 60:02}:{minute % 60:02}"
    closes = f"{(minute + 10) // 60:02}:{(minute + 10) % 60:02}"
    engine = ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=4, name="a")
    settings = pair(
        tmp_path,
        engines={"a": EngineSettings(kind="simulated", hours=f"{opens}-{closes}")},
        models={"m": "a/m1"},
    )
    async with running(tmp_path, engine, clock, settings=settings) as house:
        job = await create(house, numbered(400))
        await clock.sleep(60.0)
        assert engine.calls == []
        told = (await house.progress.snapshot("default", job.id)).waiting_reason
        assert told.startswith("the engine a runs jobs at certain hours only, again from ")
        assert told.endswith(f"T{opens}Z")
        await clock.sleep(20 * 60.0 + 5.0)
        assert len(engine.in_flight) == 4
        await clock.sleep(10 * 60.0)
        made = len(engine.calls)
        await clock.sleep(60.0)
        assert len(engine.calls) == made < 400
        assert (await house.jobs.get("default", job.id)).state is JobState.RUNNING


@virtually
async def test_the_data_of_a_tenant_that_stays_here_never_goes_to_a_hosted_engine(
    tmp_path: Path, clock: VirtualClock
) -> None:
    house_and_away = pair(
        tmp_path,
        engines={
            "a": EngineSettings(kind="simulated", hosted=True),
            "b": EngineSettings(kind="simulated"),
        },
        models={"m": ["a", "b"], "away": "a"},
        tenants={"careful": TenantSettings(egress="local")},
    )
    a, b = both = engines(clock)
    async with running(tmp_path, both, clock, settings=house_and_away) as house:
        job = await ended(house, await create(house, numbered(40), tenant="careful"), "careful")
        assert job.counts == Counts(40, 40, 0)
        assert (len(a.calls), len(b.calls)) == (0, 40)
        for name in ("away", "models/away"):
            with pytest.raises(PermissionDenied, match="its data stays here"):
                await create(house, numbered(1), tenant="careful", model=name)
            with pytest.raises(PermissionDenied, match="its data stays here"):
                house.models.route(name, Asker("careful"))
        assert house.models.route("m", Asker("careful")).engine.name == "b"
        await ended(house, await create(house, numbered(4), model="away"))
        assert len(a.calls) == 4, "others may"
        with pytest.raises(PermissionDenied, match="its data stays here"):
            await create(house, numbered(1), model="away", local_only=True)
        key = (await house.keys.create("default", "", local_only=True))[1]
        asker = await house.keys.asker(key)
        with pytest.raises(PermissionDenied, match="its data stays here"):
            house.models.route("away", asker)
        await ended(house, await create(house, numbered(40), local_only=asker.local_only))
        assert len(a.calls) == 4, "nor with a key that is for engines here"
