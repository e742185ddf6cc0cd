"""The same house on real threads and a real child process, which virtual time cannot have."""

import asyncio
from pathlib import Path

import msgspec

from backburner.core.clock import SystemClock
from backburner.core.job import Counts, JobState
from backburner.core.lanes import Lanes
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, running, upload

COUNT = 1500


async def test_jobs_run_are_read_and_are_cancelled_at_once_on_real_threads(tmp_path: Path) -> None:
    clock = SystemClock()
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.001 * (len(text) % 3)), slots=32)
    async with running(tmp_path, engine, clock, lanes=Lanes.real()) as house:
        file = await upload(house, b"\n".join(numbered(COUNT)))
        whole = await create(house, None, file_id=file)
        doomed = await create(house, numbered(COUNT, start=COUNT))
        small = [await create(house, numbered(3, start=5000 + 3 * n)) for n in range(10)]

        async def follow() -> list[str]:
            cursor, seen = None, list[str]()
            while True:
                job = await house.jobs.get("default", whole.id)
                found = await house.results.so_far(job, cursor)
                async for page in found.lines:
                    seen += [msgspec.json.decode(line)["key"] for line in page.splitlines()]
                cursor = found.cursor
                if found.complete:
                    return seen
                await asyncio.sleep(0.01)

        following = asyncio.ensure_future(follow())
        await asyncio.sleep(0.1)
        await house.jobs.cancel("default", doomed.id)
        sent = len(engine.calls)
        doomed = await ended(house, doomed)
        late = [made for made in engine.calls[sent:] if COUNT <= int(made.text.split()[1]) < 2 * COUNT]
        assert (doomed.state, late) == (JobState.CANCELLED, [])
        left = await results(house, doomed)
        assert sum("response" in line for line in left) == doomed.counts.succeeded
        assert len(left) == COUNT
        for job in small:
            assert (await ended(house, job)).counts == Counts(3, 3, 0)
        whole = await ended(house, whole)
        assert whole.counts == Counts(COUNT, COUNT, 0)
        assert sorted(await following) == sorted(f"k{n}" for n in range(COUNT))
        assert [line["key"] for line in await results(house, whole)] == [f"k{n}" for n in range(COUNT)]
    assert engine.repeats == 0
