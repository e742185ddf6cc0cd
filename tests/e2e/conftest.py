"""Servers for the tests of this folder: one quick one per file, and any other by `serve`."""

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
from google import genai

from tests.e2e.server import Server

Serve = Callable[..., Server]
LOG_CHARS = 6_000
_started = pytest.StashKey[list[Server]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its servers said last."""
    report = yield
    if report.failed:
        used = [*item.stash.get(_started, []), getattr(item, "funcargs", {}).get("server")]
        for server in used:
            if isinstance(server, Server):
                report.sections.append(("server's words", server.words()[-LOG_CHARS:]))
    return report


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
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with other options; each has a folder of its own and ends with the test."""
    made = request.node.stash.setdefault(_started, [])

    def start(engine: str | None = "simulated", options: Sequence[str] = (), **more: str) -> Server:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        one = Server(folder, engine=engine, options=options, environment=more)
        made.append(one)
        return one.start()

    yield start
    for one in made:
        one.kill()
