"""What a job is created with at each door, beside its body."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.config import EngineSettings, Settings
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions
from backburner.house import House
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import running, upload
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask

COUNT = 40
HEADER = "x-backburner-hold"
DUPLICATES = "x-backburner-duplicates"


async def gemini(house: House, headers: dict[str, str]) -> tuple[int, Any]:
    requests = [{"request": {"contents": [{"parts": [{"text": str(n)}]}]}} for n in range(COUNT)]
    body = {"batch": {"inputConfig": {"requests": {"requests": requests}}}}
    reply = await ask(house, "POST", "/v1beta/models/m:batchGenerateContent", body, headers)
    return reply.status, reply.json


async def openai(house: House, headers: dict[str, str]) -> tuple[int, Any]:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    lines = [
        msgspec.json.encode(
            {"custom_id": f"k{n}", "method": "POST", "url": "/v1/chat/completions", "body": asked}
        )
        for n in range(COUNT)
    ]
    file = await upload(house, b"\n".join(lines))
    body = {"input_file_id": f"file-{file}", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    reply = await ask(house, "POST", "/openai/v1/batches", body, headers)
    return reply.status, reply.json


async def anthropic(house: House, headers: dict[str, str]) -> tuple[int, Any]:
    params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    body = {"requests": [{"custom_id": f"k{n}", "params": params} for n in range(COUNT)]}
    reply = await ask(house, "POST", "/anthropic/v1/messages/batches", body, headers)
    return reply.status, reply.json


@pytest.mark.parametrize("door", [gemini, openai, anthropic])
def test_a_job_created_with_the_header_waits_after_its_canary(
    tmp_path: Path, clock: VirtualClock, door: Any
) -> None:
    async def main() -> None:
        engine = SimulatedEngine("simulated", SimulatedOptions(latency_ms=100), clock)
        async with running(tmp_path, engine, clock) as house:
            status, told = await door(house, {HEADER: "canary"})
            assert status == 200, told
            await clock.sleep(30)
            (job,) = [each.job for each in house.board.runs.values()]
            assert job.held
            assert (await house.jobs.get("default", job.id)).counts.succeeded == 4
            status, told = await door(house, {HEADER: "forever"})
            assert status == 400
            assert "expected canary" in str(told)
            await house.jobs.cancel("default", job.id)

    run(main)


@pytest.mark.parametrize("door", [gemini, openai, anthropic])
def test_a_job_says_in_a_header_whether_identical_requests_run_once(
    tmp_path: Path, clock: VirtualClock, door: Any
) -> None:
    async def main() -> None:
        engine = SimulatedEngine("simulated", SimulatedOptions(latency_ms=100), clock)
        settings = Settings(data=str(tmp_path), engine="simulated", reuse_duplicates=False)
        async with running(tmp_path, engine, clock, settings=settings) as house:
            for header, reuse in (({DUPLICATES: "reuse"}, True), ({DUPLICATES: "run"}, False), ({}, False)):
                status, told = await door(house, header)
                assert status == 200, told
                found = {each.job.reuse_duplicates for each in house.board.runs.values()}
                assert found == {reuse}, "as the settings say where the header does not"
                await clock.sleep(30)
            status, told = await door(house, {DUPLICATES: "maybe"})
            assert status == 400
            assert "expected reuse or run" in str(told)

    run(main)


@pytest.mark.parametrize("door", [gemini, openai, anthropic])
def test_what_comes_with_a_key_for_engines_here_reaches_no_hosted_one(
    tmp_path: Path, clock: VirtualClock, door: Any
) -> None:
    settings = Settings(
        data=str(tmp_path),
        engines={"hosted": EngineSettings(kind="simulated", hosted=True)},
        models={"*": "hosted"},
    )

    async def main() -> None:
        engine = ScriptedEngine(clock, name="hosted")
        async with running(tmp_path, engine, clock, settings=settings) as house:
            careful = (await house.keys.create("default", "", local_only=True))[1]
            free = (await house.keys.create("default", ""))[1]
            await door(house, {"x-goog-api-key": careful})
            await clock.sleep(30)
            assert engine.calls == []
            await door(house, {"x-goog-api-key": free})
            await clock.sleep(30)
            assert len(engine.calls) == COUNT

    run(main)
