"""The header `x-backburner-hold: canary` at each door."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions
from backburner.house import House
from tests.doubles.small_house import running, upload
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask

COUNT = 40
HEADER = "x-backburner-hold"


async def gemini(house: House, hold: str) -> tuple[int, Any]:
    requests = [{"request": {"contents": [{"parts": [{"text": str(n)}]}]}} for n in range(COUNT)]
    body = {"batch": {"inputConfig": {"requests": {"requests": requests}}}}
    reply = await ask(house, "POST", "/v1beta/models/m:batchGenerateContent", body, {HEADER: hold})
    return reply.status, reply.json


async def openai(house: House, hold: str) -> tuple[int, Any]:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    lines = [
        msgspec.json.encode(
            {"custom_id": f"k{n}", "method": "POST", "url": "/v1/chat/completions", "body": asked}
        )
        for n in range(COUNT)
    ]
    file = await upload(house, b"\n".join(lines))
    body = {"input_file_id": f"file-{file}", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    reply = await ask(house, "POST", "/openai/v1/batches", body, {HEADER: hold})
    return reply.status, reply.json


async def anthropic(house: House, hold: str) -> tuple[int, Any]:
    params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    body = {"requests": [{"custom_id": f"k{n}", "params": params} for n in range(COUNT)]}
    reply = await ask(house, "POST", "/anthropic/v1/messages/batches", body, {HEADER: hold})
    return reply.status, reply.json


@pytest.mark.parametrize("door", [gemini, openai, anthropic])
def test_a_job_created_with_the_header_waits_after_its_canary(
    tmp_path: Path, clock: VirtualClock, door: Any
) -> None:
    async def main() -> None:
        engine = SimulatedEngine("simulated", SimulatedOptions(latency_ms=100), clock)
        async with running(tmp_path, engine, clock) as house:
            status, told = await door(house, "canary")
            assert status == 200, told
            await clock.sleep(30)
            (job,) = [each.job for each in house.board.runs.values()]
            assert job.held
            assert (await house.jobs.get("default", job.id)).counts.succeeded == 4
            status, told = await door(house, "forever")
            assert status == 400
            assert "expected canary" in str(told)
            await house.jobs.cancel("default", job.id)

    run(main)
