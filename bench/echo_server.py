"""An OpenAI-compatible server that costs as little as one can: it answers with the last text, and counts its calls.

    python -m bench.echo_server PORT

`GET /calls` is the count. uvicorn without a framework.
"""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from bench.rows import REPO

_CONTENT = re.compile(rb'"content":\s*"([^"]*)"')
_MODELS = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()
_HEAD = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"'
)
_TAIL = b'"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
Message = MutableMapping[str, Any]


class Echo:
    def __init__(self) -> None:
        self.calls = 0

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = self._answer(scope["path"], body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, path: str, body: bytes) -> bytes:
        if path == "/calls":
            return str(self.calls).encode()
        if path.endswith("/models"):
            return _MODELS
        self.calls += 1
        texts = _CONTENT.findall(body)
        return _HEAD + (texts[-1] if texts else b"") + _TAIL


@dataclass(frozen=True)
class Running:
    port: int

    def calls(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/calls", timeout=10) as reply:
            return int(reply.read())


@contextmanager
def echoing() -> Generator[Running]:
    """The server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "bench.echo_server", str(port)], cwd=REPO)
    try:
        give_up_at = time.monotonic() + 20
        while True:
            try:
                Running(port).calls()
                break
            except OSError:
                assert time.monotonic() < give_up_at, "the echo server did not start"
                time.sleep(0.05)
        yield Running(port)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    uvicorn.run(
        Echo(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="critical",
        access_log=False,
        lifespan="off",
    )
