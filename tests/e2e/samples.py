"""Runs the files of examples/ as their readers do: a process, the base URL and the key in the environment."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.server import REPO, Server, clean_environment

EXAMPLES = REPO / "examples"
CLIENTS = Path(__file__).parent / "clients"
HURRIED = Path(__file__).parent / "hurried"
SAMPLE_S = 110.0
JS = Path(os.environ.get("BACKBURNER_JS") or REPO / ".cache" / "js")


def run(command: list[str], server: Server, folder: Path, sleep_s: float = 0.05) -> str:
    """What the command printed; it must have ended with 0."""
    environment = {
        **clean_environment(),
        "GOOGLE_GEMINI_BASE_URL": server.url,
        "GEMINI_API_KEY": "any",
        "BASE_URL": server.url,
        "PYTHONPATH": str(HURRIED),
        "HURRIED_SLEEP_S": str(sleep_s),
        "PYTHONWARNINGS": "ignore",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SAMPLE_S
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_python(name: str, server: Server, folder: Path, *arguments: str, sleep_s: float = 0.05) -> str:
    return run([sys.executable, str(EXAMPLES / name), *arguments], server, folder, sleep_s)


def run_shell(name: str, server: Server, folder: Path, *arguments: str) -> str:
    return run(["bash", str(EXAMPLES / "gemini_docs" / name), *arguments], server, folder)


def run_node(name: str, server: Server, folder: Path, *arguments: str) -> str:
    """`folder` must have the SDK in its node_modules. A sample is copied there: it writes beside itself."""
    sample = EXAMPLES / "gemini_docs" / name
    if sample.exists():
        (folder / name).write_bytes(sample.read_bytes())
    command = [str(JS / "node"), "--import", str(HURRIED / "hurry.mjs"), str(folder / name)]
    return run([*command, *arguments], server, folder)


def walked(name: str, sdk: Path, folder: Path, address: dict[str, str]) -> Any:
    """What a script of clients/ saw, run in `folder` with the SDK of the node_modules `sdk`; `address` is how its SDK
    is told of the server, by the environment."""
    (folder / "node_modules").symlink_to(sdk)
    (folder / name).write_bytes((CLIENTS / name).read_bytes())  # a module finds the SDK beside itself
    done = subprocess.run(
        [str(JS / "node"), name],
        cwd=folder,
        env={**clean_environment(), **address},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def job_names(printed: str) -> list[str]:
    """The names of jobs that a sample printed, in order."""
    return list(dict.fromkeys(re.findall(r"batches/[a-z0-9]{8,}", printed)))


def js_sdks() -> list[Path]:
    """Folders with a JavaScript SDK in them, one for each major version that `make test-all` installed."""
    return sorted(path.parents[2] for path in JS.glob("*/node_modules/@google/genai"))
