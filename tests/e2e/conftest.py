"""Servers for the tests of this folder: one quick one per file, and any other by `serve`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from google import genai

from tests.e2e.server import Server

Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the simulated engine that answers within a few milliseconds, in no order."""
    made = Server(
        tmp_path_factory.mktemp("server"), engine="simulated:latency_ms=4,jitter=1,seed=7,log=calls.jsonl"
    )
    made.start()
    yield made
    made.kill()


@pytest.fixture
def client(server: Server) -> genai.Client:
    return server.client()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with other options; each has a folder of its own and ends with the test."""
    made: list[Server] = []

    def start(engine: str | None = "simulated", options: Sequence[str] = (), **more: str) -> Server:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        one = Server(folder, engine=engine, options=options, environment=more)
        made.append(one)
        return one.start()

    yield start
    for one in made:
        one.kill()
