"""Large batches with a broken engine and a crash, and many callers at once (acceptance of the OpenAI door)."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.doubles.recording_server import RecordingServer
from tests.e2e.conftest import Serve
from tests.e2e.openai_jobs import client_of, completed, lines_of, saying, start, text_of
from tests.e2e.server import Server

pytestmark = pytest.mark.slow

LINES = 20_000
BROKEN = 100  # one request in so many is answered with what is no answer


def broken(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % BROKEN == 0


class HalfBroken(RecordingServer):
    """An upstream that refuses some requests, and answers others with garbage, always the same ones."""

    async def _chat(self, request: web.Request) -> Any:
        asked = msgspec.json.decode(await request.read())
        text: str = asked["messages"][-1]["content"]
        if broken(text):
            if len(text) % 2:
                return web.Response(status=422, text="this one never works")
            return web.json_response({"choices": [{"message": None}]})
        message = {"role": "assistant", "content": f"heard {text}"}
        return web.json_response(
            {
                "id": "chatcmpl-1",
                "model": asked["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            }
        )


@pytest.fixture
def upstream() -> Iterator[RecordingServer]:
    with HalfBroken(models=("gpt-4o-mini",)).in_thread() as server:
        yield server


@pytest.mark.timeout(600)
def test_twenty_thousand_lines_one_percent_broken_and_a_crash(
    tmp_path: Path, upstream: RecordingServer
) -> None:
    config = tmp_path / "backburner.toml"
    config.write_text(
        f'engine = "up"\n[engines.up]\nkind = "openai"\nbase_url = "{upstream.base_url}"\nslots = 64\n'
    )
    server = Server(tmp_path, engine=None, options=("--config", str(config), "--no-pull"))
    server.start()
    try:
        client = client_of(server)
        texts = [f"text {n * 7919 % LINES:05d}" + "!" * (n % 2) for n in range(LINES)]
        batch = start(client, (saying(f"r{n}", text) for n, text in enumerate(texts)))
        for share in (0.3, 0.7):
            while client.batches.retrieve(batch.id).request_counts.completed < LINES * share:
                time.sleep(0.05)
            server.kill()
            server.start()
        batch = completed(client, batch, timeout_s=400)
        bad = [n for n, text in enumerate(texts) if broken(text)]
        assert 100 < len(bad) < 300
        counts = batch.request_counts
        assert (counts.total, counts.completed, counts.failed) == (LINES, LINES - len(bad), len(bad))
        results, errors = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
        assert [error["custom_id"] for error in errors] == [f"r{n}" for n in bad]
        good = [n for n, text in enumerate(texts) if not broken(text)]
        assert [result["custom_id"] for result in results] == [f"r{n}" for n in good]
        assert [text_of(result) for result in results] == [f"heard {texts[n]}" for n in good]
        assert batch.usage.total_tokens == 5 * len(good)
        statuses = {error["response"]["status_code"] for error in errors}
        assert statuses == {400, 503}, "refused by the engine, and given up after several tries"
    finally:
        server.kill()


def test_fifty_flex_callers_beside_a_batch_and_interactive_calls(serve: Serve) -> None:
    """None starves, and interactive calls go first."""
    server = serve("simulated:latency_ms=200,jitter=0.3,seed=8")
    client = client_of(server)
    batch = start(client, (saying(f"r{n}", f"say {n}") for n in range(6000)))
    while not client.batches.retrieve(batch.id).request_counts.completed:
        time.sleep(0.05)

    def ask(text: str, tier: Any) -> float:
        begun = time.monotonic()
        found = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": text}], service_tier=tier
        )
        assert found.choices[0].message.content == text
        return time.monotonic() - begun

    with ThreadPoolExecutor(60) as pool:
        before = client.batches.retrieve(batch.id).request_counts.completed
        flex = [pool.submit(ask, f"flex {n}", "flex") for n in range(50)]
        interactive = []
        for n in range(15):  # five a second
            interactive.append(pool.submit(ask, f"now {n}", "default"))
            time.sleep(0.2)
        waits = [call.result(60) for call in flex]
        at_once = sorted(call.result(60) for call in interactive)
        after = client.batches.retrieve(batch.id).request_counts.completed
    assert max(waits) < 30
    assert at_once[-1] < 2.0, "an interactive call waits for no slot"
    assert at_once[len(at_once) // 2] < 0.6
    assert after - before > 100, "the batch goes on beside them"
    assert completed(client, batch, timeout_s=100).request_counts.completed == 6000
