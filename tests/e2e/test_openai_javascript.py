"""The batch walk-through of OpenAI's documentation with its JavaScript SDK. Part of make test-all, which installs
the SDK; without npm it is skipped, visibly."""

from pathlib import Path

import pytest

from tests.e2e.openai_jobs import ROOTS
from tests.e2e.samples import JS, walked
from tests.e2e.server import Server

SDK = JS / "openai" / "node_modules"


@pytest.mark.slow
@pytest.mark.skipif(not SDK.exists(), reason="no JavaScript SDK of OpenAI's in .cache/js: run make test-all")
@pytest.mark.parametrize("root", ROOTS)
def test_the_documented_walk_through(server: Server, tmp_path: Path, root: str) -> None:
    address = {"OPENAI_BASE_URL": server.url + root, "OPENAI_API_KEY": "any"}
    seen = walked("openai_walk.mjs", SDK, tmp_path, address)
    assert (seen["first"], seen["last"]) == ("validating", "completed")
    assert seen["counts"] == {"total": 3, "completed": 3, "failed": 0}
    assert seen["results"] == [[f"request-{n}", f"Hello {n}"] for n in (1, 2, 3)]
    assert seen["cancelled"] in ("cancelled", "completed"), "one line may be done before the cancel comes"
    assert seen["listed"][:2] == seen["ids"]
    assert seen["streamed"] == "say it in pieces"
    assert seen["embedding"] == 384
    assert seen["deleted"] is True
    assert seen["missing"][0] == 404
