"""Jobs as callers see them."""

import asyncio
import random
from pathlib import Path

import pytest

from backburner.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refused,
)
from backburner.core.job import Counts, JobKind, JobState, OnInvalid
from backburner.core.limits import DISPLAY_NAME_CHARS, REPORTED_VIOLATIONS
from backburner.house import House
from backburner.service.drafts import Idempotency
from backburner.work import intake
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, run_to_end, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually


def left_behind(house: House, kept_blobs: int = 0) -> list[str]:
    """What a job that was never accepted must not leave."""
    found = [f"ledger {job}" for job in house.stores.ledgers.all()]
    found += [f"incoming {name}" for name in house.stores.blobs.incoming()]
    with house.stores.catalog.write() as db:
        for table in ("job", "pin", "idempotency"):
            found += [f"{table} {row}" for row in db.execute(f"SELECT * FROM {table}")]
    blobs = list(house.stores.blobs.all())
    return found + ([f"blobs {blobs}"] if len(blobs) != kept_blobs else [])


# Create: refused


@virtually
async def test_all_wrong_lines_are_told_at_once_and_nothing_stays(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        with pytest.raises(InvalidArgument) as refused:
            await create(house, [b"a|!!", b"b|fine", b"c|!"])
        assert refused.value.message == "2 of 3 requests are wrong"
        assert [(x.key, x.path, x.line) for x in refused.value.violations] == [
            ("a", "wrong[0]", None),
            ("a", "wrong[1]", None),
            ("c", "wrong[0]", None),
        ]
        assert left_behind(house) == []
        file = await upload(house, b"a|!!\nb|fine\nc|!\n")
        with pytest.raises(InvalidArgument) as refused:
            await create(house, None, file_id=file)
        assert [x.line for x in refused.value.violations] == [1, 1, 3]
        assert left_behind(house, kept_blobs=1) == []
        await house.files.delete("default", file)
        assert left_behind(house) == [], "no pin keeps the bytes"


@virtually
async def test_a_file_of_nothing_but_mistakes_has_an_answer_of_bounded_size(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        with pytest.raises(InvalidArgument) as refused:
            await create(house, [b"k%d|!" % n for n in range(5000)])
        assert refused.value.message == "5000 of 5,000 requests are wrong"
        assert len(refused.value.violations) == REPORTED_VIOLATIONS


@pytest.mark.parametrize("empty", [[], [b""], [b"  ", b"\t"]])
@virtually
async def test_a_job_without_requests_is_refused(
    tmp_path: Path, clock: VirtualClock, empty: list[bytes]
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        with pytest.raises(InvalidArgument, match="has no requests in it"):
            await create(house, empty)
        assert left_behind(house) == []


@virtually
async def test_what_cannot_be_is_refused_in_words(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        with pytest.raises(InvalidArgument, match="does not do embeddings"):
            await create(house, numbered(1), kind=JobKind.EMBED)
        with pytest.raises(InvalidArgument, match="display name is too long"):
            await create(house, numbered(1), display_name="x" * (DISPLAY_NAME_CHARS + 1))
        with pytest.raises(PermissionDenied):
            await create(house, None, file_id="nowhere")
        foreign = await upload(house, b"a|b", tenant="other")
        with pytest.raises(PermissionDenied) as refused:
            await create(house, None, file_id=foreign)
        missing = refused.value.message.replace(foreign, "nowhere")
        with pytest.raises(PermissionDenied) as refused:
            await create(house, None, file_id="nowhere")
        assert refused.value.message == missing, "a foreign file and none are told alike"
        empty = await house.files.create_empty("default", name=None, display_name="", mime_type="jsonl")
        with pytest.raises(InvalidArgument, match=f"files/{empty.id} is empty"):
            await create(house, None, file_id=empty.id)
        engine.serves = False
        with pytest.raises(NotFound, match="the model m is not served here"):
            await create(house, numbered(1))


@pytest.mark.parametrize("seed", range(30))
@virtually
async def test_a_caller_who_hangs_up_while_creating_gets_a_job_or_none_but_no_half(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    async with running(tmp_path, ScriptedEngine(clock), clock, seed=seed) as house:
        creating = asyncio.ensure_future(
            create(house, numbered(3), idempotency=Idempotency("key", b"d") if seed % 2 else None)
        )
        for _ in range(chance.randrange(16)):
            await asyncio.sleep(0)
        creating.cancel()
        await asyncio.wait([creating])
        await clock.sleep(10)
        jobs = (await house.jobs.list("default", None, None)).items
        if creating.cancelled():
            assert jobs == []
            await house.lanes.write.run(house._janitor.sweep)  # bytes that no one came to use
            assert left_behind(house) == []
        else:
            assert [(job.id, job.counts) for job in jobs] == [(creating.result().id, Counts(3, 3, 0))]


@virtually
async def test_an_input_that_is_deleted_while_the_job_is_made_is_kept_for_it(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SCAN_CHUNK_BYTES", 50)
    for steps in range(0, 40, 3):
        async with running(tmp_path / str(steps), ScriptedEngine(clock), clock) as house:
            file = await upload(house, b"\n".join(numbered(50)))
            creating = asyncio.ensure_future(create(house, None, file_id=file))
            for _ in range(steps):
                await asyncio.sleep(0)
            await house.files.delete("default", file)
            try:
                job = await ended(house, await creating)
            except PermissionDenied:
                assert left_behind(house) == []
            else:
                assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(50, 50, 0))


# Create: idempotent


@virtually
async def test_the_same_key_and_body_is_the_same_job(tmp_path: Path, clock: VirtualClock) -> None:
    same = Idempotency("key", b"digest")
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        made = await asyncio.gather(*(create(house, numbered(2), idempotency=same) for _ in range(5)))
        assert len({job.id for job in made}) == 1
        job = await ended(house, made[0])
        assert (await create(house, numbered(2), idempotency=same)) == job, "also when it has ended"
        with pytest.raises(AlreadyExists, match="Take a new key"):
            await create(house, numbered(3), idempotency=Idempotency("key", b"other"))
        other = await create(house, numbered(2), idempotency=same, tenant="other")
        assert other.id != job.id, "keys are the tenant's own"
        assert len((await house.jobs.list("default", None, None)).items) == 1
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        assert (await create(house, numbered(2), idempotency=same)).id == job.id, "and over a restart"


@virtually
async def test_a_creation_that_was_refused_uses_no_key_up(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        with pytest.raises(InvalidArgument):
            await create(house, [b"a|!"], idempotency=Idempotency("key", b"d"))
        assert (await create(house, [b"a|b"], idempotency=Idempotency("key", b"d"))).state is JobState.PENDING


@virtually
async def test_a_key_whose_job_was_deleted_makes_a_new_one(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        first = await create(house, numbered(1), idempotency=Idempotency("key", b"d"))
        await house.jobs.delete("default", first.id)
        assert (await create(house, numbered(1), idempotency=Idempotency("key", b"d"))).id != first.id


# Get and list


@virtually
async def test_counts_add_up_at_every_look_and_never_go_back(tmp_path: Path, clock: VirtualClock) -> None:
    chance = random.Random(1)
    engine = ScriptedEngine(clock, lambda text, nth: Play(chance.random()))
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, [*numbered(40), b"bad|!"], on_invalid=OnInvalid.SKIP)
        last = 0
        while not (job := await house.jobs.get("default", job.id)).ended:
            counts = job.counts
            assert (counts.total, counts.failed) == (41, 1)
            assert counts.pending == 41 - counts.succeeded - 1 >= 0
            assert counts.succeeded >= last
            last = counts.succeeded
            (listed,) = (await house.jobs.list("default", None, None)).items
            assert listed.counts.succeeded >= last, "a list is not behind"
            await clock.sleep(0.1)
        assert job.counts == Counts(41, 40, 1)


@virtually
async def test_a_foreign_job_and_none_are_told_alike(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(100.0))
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(1), tenant="one")
        asks = [house.jobs.get, house.jobs.cancel, house.jobs.delete, house.jobs.update, house.retries.retry]
        for ask in asks:
            said: list[Refused] = []
            for id_ in (job.id, "0" * 36):
                with pytest.raises(NotFound) as refused:
                    await ask("two", id_)
                said.append(refused.value)
            assert (said[0].message, said[0].reason) == (said[1].message, said[1].reason)
        assert (await house.jobs.list("two", None, None)).items == []
        assert not (await house.jobs.get("one", job.id)).ended


@virtually
async def test_pages_end_without_an_empty_one(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        made = []
        for _ in range(6):
            made.append((await create(house, numbered(1))).id)
            await clock.sleep(1)
        for size in (1, 2, 3, 5, 6, 7):
            seen, token = [], ""
            while True:
                page = await house.jobs.list("default", size, token)
                assert page.items, "no page is empty"
                seen += [job.id for job in page.items]
                token = page.next_token
                if not token:
                    break
            assert seen == made[::-1]


# Update, delete, retry


@virtually
async def test_priority_and_name_may_change_while_it_runs(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=2)
    async with running(tmp_path, engine, clock) as house:
        first = await create(house, numbered(20))
        second = await create(house, numbered(20, start=100))
        await clock.sleep(3)
        changed = await house.jobs.update("default", second.id, priority=7, display_name="hurry")
        assert (changed.priority, changed.display_name) == (7, "hurry")
        await ended(house, second)
        assert not (await house.jobs.get("default", first.id)).ended, "it was made to wait"
        with pytest.raises(Conflict):
            await house.jobs.update("default", second.id, priority=1)
        renamed = await house.jobs.update("default", second.id, display_name="done")
        assert renamed.display_name == "done"
        assert (await house.jobs.get("default", second.id)).display_name == "done"


@pytest.mark.parametrize("seed", range(20))
@virtually
async def test_a_rename_at_the_moment_of_the_end_undoes_no_state(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock, seed=seed) as house:
        job = await create(house, numbered(3))
        for number in range(12):
            await house.jobs.update("default", job.id, display_name=f"name {number}")
            for _ in range(seed):
                await asyncio.sleep(0)
        job = await ended(house, job)
        assert (job.state, job.display_name, job.counts) == (JobState.SUCCEEDED, "name 11", Counts(3, 3, 0))
        assert len(await results(house, job)) == 3


@virtually
async def test_delete_removes_the_bytes_too(tmp_path: Path, clock: VirtualClock) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        job, _ = await run_to_end(house, numbered(3))
        await house.jobs.delete("default", job.id)
        assert left_behind(house) == []
        with pytest.raises(NotFound):
            await house.jobs.get("default", job.id)
        with pytest.raises(NotFound):
            await house.jobs.delete("default", job.id)


@virtually
async def test_delete_leaves_the_input_file_and_other_jobs_of_it(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0))
    async with running(tmp_path, engine, clock) as house:
        file = await upload(house, b"\n".join(numbered(8)))
        one, two = await create(house, None, file_id=file), await create(house, None, file_id=file)
        await house.files.delete("default", file)
        await house.jobs.delete("default", one.id)
        assert (await ended(house, two)).counts == Counts(8, 8, 0)


@virtually
async def test_a_refused_lane_of_writing_does_not_hide_the_refusal(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """Lines come from the caller's own iterator, which may raise in the middle: nothing of it stays."""

    def lines() -> object:
        yield b"a|b"
        raise InvalidArgument("the second one is not JSON")

    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        with pytest.raises(InvalidArgument, match="the second one"):
            await create(house, lines())  # type: ignore[arg-type]
        assert left_behind(house) == []
