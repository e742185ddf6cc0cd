"""The promises that do not depend on new SDK features, once more with google-genai 1.56.0.

That SDK has an environment of its own (`make test-all` makes it); the tests run in there, the server here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import REPO, clean_environment

PYTHON = Path(os.environ.get("BACKBURNER_OLD_SDK_PYTHON") or REPO / ".cache/venv-genai-1.56.0/bin/python")
FILES = (
    "test_inline_jobs.py",
    "test_file_jobs.py",
    "test_embeddings.py",
    "test_job_life.py",
    "test_interactive.py",
    "test_docs_samples.py",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not PYTHON.exists(), reason="no google-genai 1.56.0 in .cache: run make test-all")
@pytest.mark.parametrize("file", FILES)
def test_with_google_genai_1_56(file: str) -> None:
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
