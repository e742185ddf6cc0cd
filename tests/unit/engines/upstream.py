"""What the tests of the OpenAI engine share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from backburner.core.clock import SystemClock
from backburner.core.exchange import Call, Trouble
from backburner.engines.openai import OpenAIEngine
from tests.doubles.recording_server import RecordingServer
from tests.unit.engines.conformance import chat

SECRET = "sk-very-secret"
PROMPT = "my private prompt"


@asynccontextmanager
async def connected(
    server: RecordingServer, base_url: str = "", clock: SystemClock | None = None, **options: Any
) -> AsyncIterator[OpenAIEngine]:
    engine = OpenAIEngine("up", base_url or server.base_url, clock or SystemClock(), **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def trouble_of(engine: OpenAIEngine, call: Call | None = None) -> Trouble:
    result = await engine.call(call or chat("chat-model", PROMPT), 5)
    assert isinstance(result, Trouble), result
    return result
