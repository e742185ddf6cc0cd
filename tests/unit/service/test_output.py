"""The files of answers and of errors as they grow: a number of lines read is a place to go on from, for ever."""

import json
from pathlib import Path

import pytest

from backburner.core.errors import NotFound
from backburner.core.exchange import TroubleKind
from backburner.core.job import Job, JobState
from backburner.core.names import errors_file_id, result_file_id
from backburner.core.request import OutcomeKind
from backburner.house import House
from backburner.service import output as output_module
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import TENANT, create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, virtually

ANSWER, ERROR = OutcomeKind.ANSWER, OutcomeKind.ERROR


def some_fail(text: str, nth: int) -> Play:
    """Every third request is refused; they end in another order than they began."""
    number = int(text.split()[-1])
    failure = trouble(TroubleKind.REQUEST) if number % 3 == 0 else None
    return Play(0.1 + (number * 7 % 5) * 0.1, failure)


def apart(house: House) -> None:
    house.dialects["plain"] = PlainDialect(errors_apart=True)  # type: ignore[assignment]


async def read(house: House, job: Job, kind: OutcomeKind, skip: int = 0) -> tuple[list[str], int, bool]:
    """Keys of the lines, the number of the last, whether that is all."""
    found = await house.output.lines(job, kind, skip)
    lines = b"".join([piece async for piece in found.lines]).splitlines()
    assert all(("error" in json.loads(line)) == (kind is ERROR) for line in lines)
    return [json.loads(line)["key"] for line in lines], found.last_line, found.complete


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "PAGE_ROWS", 3)


@virtually
async def test_a_cursor_reads_each_line_once_to_the_end_and_beyond(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock, some_fail), clock) as house:
        apart(house)
        job = await create(house, numbered(60))
        seen: dict[OutcomeKind, list[str]] = {ANSWER: [], ERROR: []}
        polls = 0
        while True:
            job = await house.jobs.get(TENANT, job.id)
            complete = True
            for kind, keys in seen.items():
                more, last, complete = await read(house, job, kind, len(keys))
                keys += more
                assert last == len(keys)
            polls += 1
            if complete:
                break
            assert not job.ended
            await clock.sleep(0.3)
        assert polls > 3
        bad = [f"k{n}" for n in range(0, 60, 3)]
        assert sorted(seen[ERROR]) == sorted(bad)
        assert sorted(seen[ANSWER]) == sorted(f"k{n}" for n in range(60) if n % 3)
        assert seen[ANSWER] != sorted(seen[ANSWER], key=lambda key: int(key[1:])), "the order of commit"
        for kind, keys in seen.items():
            for skip in (0, 1, 7, len(keys), len(keys) + 5):
                assert (await read(house, job, kind, skip))[0] == keys[skip:], (
                    "the published lines are the same"
                )


@virtually
async def test_what_never_ran_stands_behind_what_failed(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock, some_fail), clock) as house:
        apart(house)
        job = await create(house, numbered(40))
        while (await house.jobs.get(TENANT, job.id)).counts.failed < 4:
            await clock.sleep(0.05)
        await house.jobs.cancel(TENANT, job.id)
        job = await ended(house, job)
        answers, _, complete = await read(house, job, ANSWER)
        errors, last, _ = await read(house, job, ERROR)
        assert complete
        assert (len(answers), len(errors), last) == (
            job.counts.succeeded,
            40 - job.counts.succeeded,
            len(errors),
        )
        assert sorted(answers + errors) == sorted(f"k{n}" for n in range(40))
        never = errors[job.counts.failed :]
        assert never == sorted(never, key=lambda key: int(key[1:])), "in input order"
        for skip in (2, job.counts.failed, job.counts.failed + 4, len(errors)):
            assert (await read(house, job, ERROR, skip))[0] == errors[skip:]


@virtually
async def test_output_that_is_gone_is_not_found(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock, some_fail), clock) as house:
        apart(house)
        job = await ended(house, await create(house, numbered(9)))
        await house.files.delete(TENANT, result_file_id(job.id))
        with pytest.raises(NotFound):
            await house.output.lines(job, ANSWER, 0)
        assert len((await read(house, job, ERROR))[0]) == 3, "the other file is still there"
        await house.jobs.delete(TENANT, job.id)
        with pytest.raises(NotFound):
            await house.output.lines(job, ERROR, 0)


@virtually
async def test_results_are_kept_as_long_as_the_job_says(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock, some_fail), clock) as house:
        apart(house)
        job = await ended(house, await create(house, numbered(9), result_retention_s=3600.0))
        for file in (result_file_id(job.id), errors_file_id(job.id)):
            row = await house.files.get(TENANT, file)
            assert row.expire_at - row.created_at == 3600.0


@virtually
async def test_a_job_expires_when_its_draft_says(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(10_000.0))
    async with running(tmp_path, engine, clock) as house:
        apart(house)
        job = await create(house, numbered(5), window_s=60.0, expire_after_s=60.0)
        job = await ended(house, job)
        assert job.state is JobState.EXPIRED
        assert clock.now() - job.created_at < 120
        assert (await read(house, job, ERROR))[0] == [f"k{n}" for n in range(5)]


@virtually
async def test_without_a_check_first_a_wrong_line_or_model_fails_the_job_and_not_its_creation(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        apart(house)
        job = await create(house, [b"a|x", b"b|!", b"c|x"], check_first=False)
        assert job.state is JobState.PENDING
        job = await ended(house, job)
        assert job.state is JobState.FAILED
        assert [found.key for found in await house.jobs.violations(job)] == ["b"]
        engine.serves = False
        job = await ended(house, await create(house, [b"a|x"], check_first=False))
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert "is not served here" in job.error.message
