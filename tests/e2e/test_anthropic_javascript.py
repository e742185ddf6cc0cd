"""The batch walk-through of Anthropic's documentation with its JavaScript SDK. Part of make test-all, which installs
the SDK; without npm it is skipped, visibly."""

from pathlib import Path

import pytest

from tests.e2e.samples import JS, walked
from tests.e2e.server import Server

SDK = JS / "anthropic" / "node_modules"


@pytest.mark.slow
@pytest.mark.skipif(
    not SDK.exists(), reason="no JavaScript SDK of Anthropic's in .cache/js: run make test-all"
)
def test_the_documented_walk_through(server: Server, tmp_path: Path) -> None:
    address = {"ANTHROPIC_BASE_URL": f"{server.url}/anthropic", "ANTHROPIC_API_KEY": "any"}
    seen = walked("anthropic_walk.mjs", SDK, tmp_path, address)
    assert seen["first"] == "in_progress"
    assert seen["counts"] == {"processing": 0, "succeeded": 2, "errored": 0, "canceled": 0, "expired": 0}
    assert seen["results"] == [
        ["my-first-request", "succeeded", "Hello, world"],
        ["my-second-request", "succeeded", "Hi again, friend"],
    ]
    assert seen["cancelled"] in ("canceling", "ended"), "one request may be done before the cancel comes"
    assert seen["listed"][:2] == seen["ids"]
    assert seen["streamed"] == "say it in pieces"
    assert seen["stopped"] == "end_turn"
    assert seen["counted"] > 0
    assert seen["deleted"] == "message_batch_deleted"
    assert seen["missing"][0] == 404
