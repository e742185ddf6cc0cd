"""A real `backburner serve` in a process of its own, to be driven, killed and started again.

The server's words go to a file beside its data, so that no pipe fills up and a failed test can show them.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google import genai

from tests.conftest import MODELS

REPO = Path(__file__).resolve().parents[2]
# The old SDK's tests run in an environment of their own, which has no server in it.
SERVER_PYTHON = os.environ.get("BACKBURNER_SERVER_PYTHON") or sys.executable
START_S = 60.0
STOP_S = 30.0
_URL = re.compile(r"http://(127\.0\.0\.1|localhost):(\d+)")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Nothing of the person's own set-up may decide how a test ends.
_FOREIGN = ("GOOGLE_", "GEMINI_", "BACKBURNER_", "OPENAI_", "ANTHROPIC_")


def clean_environment() -> dict[str, str]:
    """Ours without the person's settings; models come from the tests' folder, never from their home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "BACKBURNER_MODELS_DIR": str(MODELS)}


class Server:
    """One data folder and the server on it. `start` may be called again after `kill` or `stop`: the port
    stays the same, so clients need not notice."""

    def __init__(
        self,
        folder: Path,
        engine: str | None = "simulated",
        options: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.output = folder / "server.log"
        self._engine = engine
        self._options = tuple(options)
        self._environment = environment or {}
        self._port = 0
        self._clients: list[genai.Client] = []
        self._process: subprocess.Popen[bytes] | None = None

    def made_key(self) -> str:
        """A key for this data folder; made by the server's Python, which may be another than ours."""
        command = [SERVER_PYTHON, "-m", "backburner", "keys", "create", "--data", str(self.data)]
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
        return max(done.stdout.split(), key=len)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> "Server":
        command = [SERVER_PYTHON, "-m", "backburner", "serve", "--port", str(self._port)]
        command += ["--data", str(self.data)]
        command += ["--engine", self._engine] if self._engine else []
        with self.output.open("ab") as output:
            said_before = output.tell()
            self._process = subprocess.Popen(
                [*command, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**clean_environment(), "PYTHONUNBUFFERED": "1", **self._environment},
                start_new_session=True,  # so that a kill takes its children along
            )
        self._port = self._said_port(said_before)
        return self

    def _said_port(self, said_before: int) -> int:
        assert self._process is not None
        give_up_at = time.monotonic() + START_S
        while time.monotonic() < give_up_at:
            found = _URL.search(self.words()[said_before:])
            if found and self._answers(int(found[2])):
                return int(found[2])
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        words = self.words()[said_before:]
        self.kill()
        raise AssertionError(f"the server did not start; it said:\n{words}")

    @staticmethod
    def _answers(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
        return False

    def words(self) -> str:
        """All that it has printed."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def said(self, last: str) -> str:
        """All that it has printed, once `last` is among it: the URL, by which a start is seen, comes first."""
        give_up_at = time.monotonic() + START_S
        while last not in (words := self.words()) and time.monotonic() < give_up_at:
            time.sleep(0.02)
        return words

    def kill(self) -> None:
        """kill -9, children included."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_S)
            self._process = None

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self._process is not None, "the server is not running"
        self._process.terminate()
        try:
            status = self._process.wait(STOP_S)
        finally:
            self.kill()
        return status

    def rss_bytes(self) -> int:
        """Resident memory of the server and its children."""
        total = 0
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if entry.name.isdigit() and int(fields[2]) == self.pid:  # its process group
                    status = (entry / "status").read_text()
                    total += int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024
        return total

    def client(self, key: str = "any", api_version: str | None = None) -> genai.Client:
        made = genai.Client(
            api_key=key,
            http_options={"base_url": self.url, "api_version": api_version, "timeout": 120_000},
        )
        self._clients.append(made)  # a client that nobody holds closes itself in the middle of a call
        return made

    def http(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> "Reply":
        """One plain request with the key in the header; what the SDK hides can be asked this way."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path,
            data=sent,
            method=method,
            headers={"x-goog-api-key": "any", "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with _direct.open(request, timeout=120) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body as JSONL."""
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]
