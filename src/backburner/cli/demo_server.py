"""The demo's server: a `backburner serve` of its own, to be asked, killed and started again."""

import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Unavailable
from backburner.core.exchange import Json
from backburner.core.job import Counts

if TYPE_CHECKING:
    from google import genai

START_S = 60.0
STOP_S = 20.0
LOOK_S = 0.05
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DemoServer:
    def __init__(self, folder: Path, engine: str, clock: Clock) -> None:
        self._folder = folder
        self._engine = engine
        self._clock = clock
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def command_line(self) -> str:
        return f"backburner serve --port {self._port} --data {self._folder}"

    async def start(self) -> None:
        """Starts it and waits until it answers; the second time on the port of the first. Raises Unavailable."""
        said = self._folder / "serve.log"
        process = self._process = self._begun(said)
        give_up_at = self._clock.monotonic() + START_S
        while not (found := _URL.search(said.read_text(errors="replace"))):
            if process.poll() is not None or self._clock.monotonic() > give_up_at:
                raise Unavailable(f"the server did not start. It said:\n{said.read_text(errors='replace')}")
            await self._clock.sleep(LOOK_S)
        self._port = int(found[1])

    def _begun(self, said: Path) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            "backburner",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
        ]
        command += ["--data", str(self._folder / "data"), "--engine", self._engine, "--no-pull"]
        with said.open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def kill(self) -> None:
        """SIGKILL: what the kernel does when memory runs out, and what a power cut looks like."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(STOP_S)

    def client(self) -> "genai.Client":
        """The official SDK, told nothing but where to go. A proxy or Google settings of the person's own shell
        must not decide where that is."""
        from google import genai
        from google.genai import types

        options = types.HttpOptions(base_url=self.url, client_args={"trust_env": False})
        return genai.Client(api_key="anything", vertexai=False, http_options=options)

    def look(self, job: str) -> tuple[str, Counts]:
        """State and progress as they are on the wire, which the SDK does not show."""
        with _direct.open(f"{self.url}/v1beta/{job}?key=anything", timeout=30) as reply:
            operation: Json = msgspec.json.decode(reply.read())
        seen: Json = operation["metadata"].get("batchStats", {})
        total, good, bad = (
            int(seen.get(f"{name}Count", 0)) for name in ("request", "successfulRequest", "failedRequest")
        )
        return operation["metadata"]["state"], Counts(total, good, bad)
