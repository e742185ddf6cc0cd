"""The answer cache: what a tenant asked in one job is not asked again in the next."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backburner.config import Settings, TenantSettings
from backburner.core.job import Counts, Job
from backburner.core.request import Saved, Usage
from backburner.house import House
from backburner.store import answers as store
from backburner.store.answers import Answers
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, results, running
from tests.doubles.virtual_time import VirtualClock, virtually

WANTS = TenantSettings(answer_cache=True)


class Determined(PlainDialect):
    """The temperature is in the call, as with the real ones."""

    def to_call(self, line: bytes, setting: object) -> object:  # type: ignore[override]
        call = super().to_call(line, setting)  # type: ignore[arg-type]
        if b"=" in line:
            call.body["temperature"] = 0  # type: ignore[union-attr]
        return call


@asynccontextmanager
async def house_with(
    folder: Path, engine: ScriptedEngine, clock: VirtualClock, **tenants: TenantSettings
) -> AsyncIterator[House]:
    settings = Settings(data=str(folder), engine="simulated", tenants=tenants, answer_cache_days=0.01)
    async with running(folder, engine, clock, settings=settings) as house:
        house.dialects["plain"] = Determined()  # type: ignore[assignment]
        yield house


async def done(house: House, lines: Iterable[bytes], tenant: str = "default", **draft: object) -> Job:
    return await ended(house, await create(house, lines, tenant=tenant, **draft), tenant)


def engine_of(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock, lambda text, nth: Play(0.1))


@virtually
async def test_the_same_question_in_a_later_job_is_answered_at_no_cost(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = engine_of(clock)
    async with house_with(tmp_path, engine, clock, default=WANTS) as house:
        await done(house, [b"a|=red", b"b|red"])
    async with house_with(tmp_path, engine, clock, default=WANTS) as house:
        job = await done(house, [b"x|=red", b"y|=red", b"z|red", b"w|=blue"])
        assert [made.text for made in engine.calls[2:]] == ["red", "=blue"], "chance is asked again"
        assert (job.counts, job.usage) == (Counts(4, 4, 0), Usage(4, 0, 2))
        assert job.saved == Saved(2, Usage(4, 0, 2), kept=1), "one from the job before, one from its twin"
        assert [x["response"] for x in await results(house, job)] == [
            "=red for x",
            "=red for y",
            "red",
            "=blue for w",
        ]


@virtually
async def test_nobody_and_nothing_else_gets_the_answer(tmp_path: Path, clock: VirtualClock) -> None:
    engine = engine_of(clock)
    async with house_with(tmp_path, engine, clock, default=WANTS, other=WANTS) as house:
        await done(house, [b"a|=red"])
        for changes in ({"tenant": "other"}, {"model": "n"}, {"reuse_duplicates": False}):
            job = await done(house, [b"a|=red"], **changes)  # type: ignore[arg-type]
            assert (job.saved, len(engine.calls)) == (Saved(), 2), changes
            del engine.calls[1:]
        engine.made_as = "second"
        assert (await done(house, [b"a|=red"])).saved == Saved(), "other weights"
        engine.made_as = "first"
        assert (await done(house, [b"a|=red"])).saved.kept == 1


@virtually
async def test_who_does_not_ask_for_it_has_none(tmp_path: Path, clock: VirtualClock) -> None:
    engine = engine_of(clock)
    async with house_with(tmp_path, engine, clock, other=WANTS) as house:
        for _ in range(2):
            assert (await done(house, [b"a|=red"])).saved == Saved()
        assert not (tmp_path / "answers.db").exists()


@virtually
async def test_what_is_not_complete_is_not_kept(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, finish="length"))
    async with house_with(tmp_path, engine, clock, default=WANTS) as house:
        for _ in range(2):
            assert (await done(house, [b"a|=red"])).saved == Saved()


@virtually
async def test_a_deleted_job_leaves_no_answer_and_no_bytes_of_one(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = engine_of(clock)
    async with house_with(tmp_path, engine, clock, default=WANTS) as house:
        job = await done(house, [b"a|=a-secret"])
        assert b"=a-secret" in kept(tmp_path)
        await house.jobs.delete("default", job.id)
        assert b"=a-secret" not in kept(tmp_path)
        assert (await done(house, [b"a|=a-secret"])).saved == Saved()


def kept(folder: Path) -> bytes:
    """All bytes of the cache, its log among them."""
    return b"".join(path.read_bytes() for path in folder.glob("answers.db*"))


@virtually
async def test_an_answer_grows_old(tmp_path: Path, clock: VirtualClock) -> None:
    engine = engine_of(clock)
    async with house_with(tmp_path, engine, clock, default=WANTS) as house:
        await done(house, [b"a|=red"])
        await clock.sleep(800)
        assert (await done(house, [b"a|=red"])).saved.kept == 1
        await clock.sleep(100)
        assert (await done(house, [b"a|=red"])).saved == Saved(), "counted from when it was given"


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "DROPPED_ROWS", 2)
    answers = Answers(tmp_path / "answers.db")
    for n in range(10):
        answers.add("job", [(b"%d" % n, bytes(100))], float(n), 800)
    answers.close()
    again = Answers(tmp_path / "answers.db")
    assert [n for n in range(10) if again.find(b"%d" % n, 0.0)] == [2, 3, 4, 5, 6, 7, 8, 9]
    again.add("job", [(b"more", bytes(300))], 10.0, 800)
    assert [n for n in range(10) if again.find(b"%d" % n, 0.0)] == [6, 7, 8, 9], (
        "sizes are known after a restart"
    )
    again.close()


def test_it_is_made_when_there_is_something_to_keep(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.db")
    answers.forget("job")
    answers.expire(9.0)
    assert answers.find(b"x", 0.0) is None
    assert not (tmp_path / "answers.db").exists()


@pytest.mark.parametrize("left", [b"no database at all, and longer than the header of one" * 9, b""])
def test_one_that_cannot_be_read_is_begun_anew(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "answers.db").write_bytes(left)
    answers = Answers(tmp_path / "answers.db")
    answers.add("job", [(b"x", b"answer")], 1.0, 800)
    assert answers.find(b"x", 0.0) == b"answer"
    answers.close()
