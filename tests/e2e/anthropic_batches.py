"""What the tests of the Anthropic door do again and again, with the official client as it comes."""

import subprocess
import time
from typing import Any

import anthropic
from anthropic.types.messages import MessageBatch

from tests.e2e.server import SERVER_PYTHON, Server, clean_environment

MODEL = "claude-sonnet-5"
POLL_S = 0.03


def client(server: Server, key: str = "any") -> anthropic.Anthropic:
    """Two lines changed, as the documentation of this server says: base URL and key."""
    return anthropic.Anthropic(base_url=f"{server.url}/anthropic", api_key=key, max_retries=0)


def made_key(server: Server) -> str:
    """A key for a server that has not started; made by the server's Python, which may be another than ours."""
    command = [SERVER_PYTHON, "-m", "backburner", "keys", "create", "--data", str(server.data)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    return max(done.stdout.split(), key=len)


def params(text: str, **more: Any) -> Any:
    return {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


def request(label: str, text: str = "", **more: Any) -> Any:
    return {"custom_id": label, "params": params(text or f"echo {label}", **more)}


def ended(asking: anthropic.Anthropic, batch: MessageBatch | str, timeout_s: float = 60) -> MessageBatch:
    """The batch once it has ended."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        found = asking.messages.batches.retrieve(batch if isinstance(batch, str) else batch.id)
        if found.processing_status == "ended":
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(POLL_S)


def counts(batch: MessageBatch) -> dict[str, int]:
    """Those that are not zero."""
    return {name: count for name, count in batch.request_counts.to_dict().items() if count}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")
