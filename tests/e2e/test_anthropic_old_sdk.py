"""The same tests of the Anthropic door once more with anthropic 0.125.0, which sends its key in another header.

That SDK has an environment of its own (`make test-all` makes it); the tests run in there, the server here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import REPO, clean_environment

VERSION = "0.125.0"
CACHED = REPO / f".cache/venv-anthropic-{VERSION}/bin/python"
PYTHON = Path(os.environ.get("BACKBURNER_OLD_ANTHROPIC_PYTHON") or CACHED)
FILES = ("test_anthropic_batches.py", "test_anthropic_refusals.py", "test_anthropic_messages.py")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not PYTHON.exists(), reason=f"no anthropic {VERSION} in .cache: run make test-all")
@pytest.mark.parametrize("file", FILES)
def test_with_the_old_sdk(file: str) -> None:
    here = Path(__file__).parent.relative_to(REPO)
    done = subprocess.run(
        [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", str(here / file)],
        cwd=REPO,
        env={**clean_environment(), "BACKBURNER_SERVER_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-6000:], done.stderr[-2000:])
    assert done.returncode == 0
