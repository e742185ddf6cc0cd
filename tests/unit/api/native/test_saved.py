"""What engines had in their caches and what identical requests saved: of the job, of each request, of each try."""

from pathlib import Path
from typing import Any

from backburner.core.request import Usage
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import get

USED = {"prompt_tokens": 8, "cached_tokens": 6, "output_tokens": 1, "cached_share": 0.75}


def test_a_job_tells_what_was_cached_and_saved_and_its_requests_from_whom(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5, usage=Usage(8, 6, 1)))

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, [b"a|=red", b"b|=red", b"c|blue"])
            await ended(house, job)
            told = (await get(house, f"/jobs/{job.id}")).json
            assert told["usage"] == {
                "prompt_tokens": 16,
                "cached_tokens": 12,
                "output_tokens": 2,
                "cached_share": 0.75,
            }
            assert told["saved"] == {"calls": 1, "kept": 0, "prompt_tokens": 8, "output_tokens": 1}
            assert told["reuse_duplicates"] is True
            rows: list[dict[str, Any]] = (await get(house, f"/jobs/{job.id}/requests")).json["requests"]
            assert [row["outcome"]["reused_from"] for row in rows] == [None, 0, None]
            assert rows[1]["outcome"]["usage"] == USED, "the original usage"
            asked, reused = rows[0]["attempts"][0], rows[1]["attempts"][0]
            assert (asked["usage"], asked["model"], asked["reused_from"]) == (USED, "m", None)
            assert (reused["usage"], reused["reused_from"]) == (USED, 0)
            assert reused["started_at"] == reused["ended_at"]

    run(main)
