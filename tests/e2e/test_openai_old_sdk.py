"""The same tests of the OpenAI door once more with openai 1.109.1, which writes slashes in ids as they are.

That SDK has an environment of its own (`make test-all` makes it); the tests run in there, the server here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import REPO, clean_environment

VERSION = "1.109.1"
CACHED = REPO / f".cache/venv-openai-{VERSION}/bin/python"
PYTHON = Path(os.environ.get("BACKBURNER_OLD_OPENAI_PYTHON") or CACHED)
FILES = (
    "test_openai_batches.py",
    "test_openai_partial.py",
    "test_openai_files.py",
    "test_openai_calls.py",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not PYTHON.exists(), reason=f"no openai {VERSION} in .cache: run make test-all")
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
