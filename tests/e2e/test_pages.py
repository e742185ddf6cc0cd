"""The Python of the README and of the quickstart, as it stands there: it runs, and does what is said beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import REPO, Server, clean_environment

ADDRESS = "http://127.0.0.1:8080"


def blocks() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in ("README.md", "docs/quickstart.md"):
        text = (REPO / name).read_text()
        found += [
            (name, block) for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        ]
    return found


def test_there_are_blocks_to_run() -> None:
    assert len(blocks()) >= 4


@pytest.mark.parametrize(("name", "block"), blocks())
def test_a_block_runs(server: Server, tmp_path: Path, name: str, block: str) -> None:
    assert ADDRESS in block, f"{name}: what to change in one's own code must be in it"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block.replace(ADDRESS, server.url)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "it prints what it got"
    if "capital of" in block:  # the simulated engine says what it was asked
        assert re.findall(r"capital of (\w+)", done.stdout) == ["Peru", "Japan", "Kenya"], done.stdout
