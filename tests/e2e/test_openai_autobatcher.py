"""Doubleword's autobatcher, unmodified: it reads the output of its batch while the batch runs. Part of make
test-all, which gives it an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.server import REPO, clean_environment

PYTHON = Path(os.environ.get("BACKBURNER_AUTOBATCHER_PYTHON") or REPO / ".cache/venv-autobatcher/bin/python")
PROGRAM = Path(__file__).parent / "clients" / "autobatch.py"
COUNT = 800


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="no autobatcher in .cache: run make test-all")
def test_a_job_is_completed_with_partial_output_on_the_way(serve: Serve) -> None:
    server = serve("simulated:latency_ms=150,jitter=1,seed=4")
    done = subprocess.run(
        [str(PYTHON), str(PROGRAM)],
        env={**clean_environment(), "BASE_URL": f"{server.url}/openai/v1", "COUNT": str(COUNT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["answers"] == [f"say {n}" for n in range(COUNT)]
    assert seen["vector"] == 384
    assert "batch_completed" in seen["events"]
    assert seen["early"] > COUNT // 4, "most answers were read before the batch was done"
