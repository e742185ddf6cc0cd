from collections.abc import AsyncIterator

import pytest

from backburner.engines.openai import OpenAIEngine
from tests.doubles.recording_server import RecordingServer
from tests.unit.engines.upstream import connected


@pytest.fixture
async def server() -> AsyncIterator[RecordingServer]:
    async with RecordingServer() as running:
        yield running


@pytest.fixture
async def engine(server: RecordingServer) -> AsyncIterator[OpenAIEngine]:
    async with connected(server) as running:
        yield running
