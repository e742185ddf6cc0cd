"""What the tests of the OpenAI door do with batches again and again."""

import json
import time
from collections.abc import Iterable
from typing import Any

import openai
from openai.types import Batch

from tests.e2e.server import Server

MODEL = "gpt-4o-mini"
CHAT = "/v1/chat/completions"
ROOTS = ("/openai/v1", "/v1beta/openai")
ENDED = {"completed", "failed", "expired", "cancelled"}
POLL_S = 0.03


def client_of(server: Server, root: str = ROOTS[0], key: str = "any") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + root, api_key=key, timeout=120, max_retries=0)


def line(custom_id: str, body: dict[str, Any], url: str = CHAT) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": {"model": MODEL, **body}}


def saying(custom_id: str, text: str, **more: Any) -> dict[str, Any]:
    """A line that asks one thing of a chat model."""
    return line(custom_id, {"messages": [{"role": "user", "content": text}], **more})


def jsonl(lines: Iterable[Any]) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)


def upload(client: openai.OpenAI, lines: Iterable[Any]) -> str:
    return client.files.create(file=("in.jsonl", jsonl(lines)), purpose="batch").id


def start(client: openai.OpenAI, lines: Iterable[Any], endpoint: Any = CHAT, **more: Any) -> Batch:
    window = more.pop("completion_window", "24h")
    return client.batches.create(
        input_file_id=upload(client, lines), endpoint=endpoint, completion_window=window, **more
    )


def ended(client: openai.OpenAI, batch: Batch, timeout_s: float = 60) -> Batch:
    give_up_at = time.monotonic() + timeout_s
    while True:
        found = client.batches.retrieve(batch.id)
        if found.status in ENDED:
            return found
        assert time.monotonic() < give_up_at, f"{batch.id} is {found.status} after {timeout_s:g} s"
        time.sleep(POLL_S)


def completed(client: openai.OpenAI, batch: Batch, timeout_s: float = 60) -> Batch:
    found = ended(client, batch, timeout_s)
    assert found.status == "completed", found
    return found


def lines_of(client: openai.OpenAI, file: str | None) -> list[dict[str, Any]]:
    """The lines of an output or error file; none where there is no file."""
    return [json.loads(one) for one in client.files.content(file).text.splitlines()] if file else []


def text_of(result: dict[str, Any]) -> str:
    """What a chat's result line says."""
    assert result["error"] is None, result
    assert result["response"]["status_code"] == 200, result
    return result["response"]["body"]["choices"][0]["message"]["content"]
