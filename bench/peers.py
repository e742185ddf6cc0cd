"""The two self-hosted batch servers that install from the registry, beside ours, on an engine that is free.

aibrix 0.8.0 in its dev mode answers with an echo of its own; ours then runs on the simulated engine. ogx 1.5.0 calls
the echo server of this bench as if it were vLLM; so does ours. Each is installed into an environment of its own
under .cache, and skipped, aloud, where that cannot be done. The same rows through the same OpenAI paths.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.echo_server import echoing
from bench.rows import REPO, Row, skipped
from bench.service import folder
from tests.e2e.server import Server

AIBRIX, OGX = "aibrix==0.8.0", "ogx==1.5.0"
INSTALL_S, START_S, JOB_S = 900, 90, 900
PORT = 8377


def environment(name: str, package: str, python: str, extra: tuple[str, ...] = ()) -> Path | str:
    """The folder of its programs, or why there is none."""
    made = REPO / ".cache" / "bench" / name
    stamp = made / ".installed"
    if stamp.exists():
        return made / "bin"
    found = shutil.which(python) or (sys.executable if python in Path(sys.executable).name else None)
    if found is None:
        return f"{package} needs {python}, which is not here"
    print(f"installing {package} into {made.relative_to(REPO)} (minutes)", flush=True)
    try:
        subprocess.run([found, "-m", "venv", str(made)], check=True)
        command = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", package, *extra]
        subprocess.run(command, check=True, timeout=INSTALL_S, stderr=subprocess.DEVNULL)
    except (subprocess.SubprocessError, OSError) as error:
        return f"{package} cannot be installed here ({type(error).__name__})"
    stamp.touch()
    return made / "bin"


@contextmanager
def started(command: list[str], url: str, made: Path, **variables: str) -> Generator[str | None]:
    """Why it did not start, or None."""
    with (made / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=made, stdout=log, stderr=log, env={**os.environ, "HOME": str(made), **variables}
        )
        try:
            yield _waited(process, url)
        finally:
            process.kill()
            process.wait()


def _waited(process: "subprocess.Popen[bytes]", url: str) -> str | None:
    give_up_at = time.monotonic() + START_S
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            return f"it ended with {process.returncode}"
        try:
            asked(f"{url}/batches")
        except urllib.error.HTTPError:
            return None
        except OSError:
            time.sleep(0.2)
        else:
            return None
    return f"it did not answer within {START_S} s"


def asked(url: str, body: bytes | None = None, kind: str = "application/json") -> dict[str, Any]:
    headers = {"content-type": kind, "authorization": "Bearer any"}
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.loads(reply.read())


def rows_per_second(url: str, model: str, count: int) -> float:
    """A batch of so many rows, from the create call to its end."""
    lines = "".join(
        json.dumps(
            {
                "custom_id": f"r{n}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": [{"role": "user", "content": f"echo {uuid.uuid4()}"}]},
            }
        )
        + "\n"
        for n in range(count)
    )
    mark = uuid.uuid4().hex
    form = (
        f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--{mark}\r\n'
        f'Content-Disposition: form-data; name="file"; filename="in.jsonl"\r\n'
        f"Content-Type: application/jsonl\r\n\r\n{lines}\r\n--{mark}--\r\n"
    )
    file = asked(f"{url}/files", form.encode(), f"multipart/form-data; boundary={mark}")["id"]
    body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    begun = time.perf_counter()
    batch = asked(f"{url}/batches", json.dumps(body).encode())["id"]
    while True:
        found = asked(f"{url}/batches/{batch}")
        if found["status"] in ("completed", "failed", "expired", "cancelled"):
            assert found["request_counts"]["completed"] == count, found
            return count / (time.perf_counter() - begun)
        assert time.perf_counter() - begun < JOB_S, found
        time.sleep(0.02)


def ours(count: int, port: int | None) -> float:
    """On the echo server, or on the simulated engine."""
    with folder() as made:
        options = ("--no-pull",)
        if port is not None:
            config = made / "backburner.toml"
            config.write_text(
                'engine = "up"\n[engines.up]\nkind = "openai"\nserver = "generic"\nslots = 128\nmodels = ["m"]\n'
                f'base_url = "http://127.0.0.1:{port}/v1"\n'
            )
            options = ("--no-pull", "--config", str(config))
        server = Server(made, engine=None if port else "simulated", options=options)
        server.start()
        try:
            return rows_per_second(f"{server.url}/openai/v1", "m", count)
        finally:
            server.kill()


def beside(name: str, count: int, times: int, theirs: Callable[[], float | str], port: int | None) -> Row:
    what = f"rows of a batch of {count:,}, beside {name}"
    runs: list[float] = []
    others: list[float] = []
    for _ in range(times):
        found = theirs()
        if isinstance(found, str):
            return skipped(f"peer-{name.split()[0]}", what, f"{name}: {found}")
        others.append(found)
        runs.append(ours(count, port))
    return Row(
        name=f"peer-{name.split()[0]}",
        what=what,
        unit="/s",
        runs=runs,
        against=name,
        beside=others,
        target=">= 10",
        how="unique rows, the same OpenAI paths, from the create call to the end;",
    )


def aibrix(programs: Path, count: int) -> float | str:
    with folder() as made:
        command = [str(programs / "aibrix_metadata"), "--dry-run", "--port", str(PORT), "--host", "127.0.0.1"]
        with started(command, f"http://127.0.0.1:{PORT}/v1", made) as failed:
            return failed or rows_per_second(f"http://127.0.0.1:{PORT}/v1", "m", count)


def ogx(programs: Path, count: int, port: int) -> float | str:
    providers = "inference=remote::vllm,files=inline::localfs,batches=inline::reference"
    command = [str(programs / "ogx"), "run", "--insecure", "--port", str(PORT), "--providers", providers]
    with folder() as made:
        place = {
            "OGX_CONFIG_DIR": str(made),
            "VLLM_URL": f"http://127.0.0.1:{port}/v1",
            "VLLM_API_TOKEN": "x",
        }
        with started(command, f"http://127.0.0.1:{PORT}/v1", made, **place) as failed:
            return failed or rows_per_second(f"http://127.0.0.1:{PORT}/v1", "vllm/m", count)


def measure(quick: bool) -> list[Row]:
    count, times = (100, 1) if quick else (2_000, 3)
    if quick and not (REPO / ".cache" / "bench" / "aibrix" / ".installed").exists():
        return [skipped("peers", "peers", "not installed yet; make bench without QUICK=1 does")]
    rows: list[Row] = []
    there = environment("aibrix", AIBRIX, "python3")
    if isinstance(there, str):
        rows.append(skipped("peer-aibrix", "rows beside aibrix", there))
    else:
        rows.append(beside("aibrix 0.8.0 (dev mode)", count, times, lambda: aibrix(there, count), None))
    other = environment("ogx", OGX, "python3.12")
    if isinstance(other, str):
        return [*rows, skipped("peer-ogx", "rows beside ogx", other)]
    with echoing() as echo:
        rows.append(beside("ogx 1.5.0", count, times, lambda: ogx(other, count, echo.port), echo.port))
    return rows
