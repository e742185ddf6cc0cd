"""A 1 GB input costs no memory (acceptance 6). Part of make test-all."""

import threading
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, stats, upload, wire, write_lines

GIB = 1024**3
MIB = 1024**2
GROWTH_BYTES = 200 * MIB
LINES = 256 * 1024


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gigabyte_is_uploaded_and_submitted_in_bounded_memory(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=50")
    client = server.client()
    # one job first, so that what is loaded once is loaded before the measure
    small = write_lines(tmp_path / "small.jsonl", [{"key": "a", "request": asking("x")}])
    client.batches.create(model=MODEL, src=upload(client, small))
    time.sleep(1)
    before = server.rss_bytes()
    peak = before
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.1):
            peak = max(peak, server.rss_bytes())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    padding = "x" * (GIB // LINES)
    lines = ({"key": f"key-{n}", "request": asking(f"{n} {padding}")} for n in range(LINES))
    path = write_lines(tmp_path / "big.jsonl", lines)
    assert path.stat().st_size >= GIB
    name = upload(client, path)
    uploaded = peak
    job = client.batches.create(model=MODEL, src=name)
    give_up_at = time.monotonic() + 600
    while stats(wire(server, job.name))["request"] < LINES:  # every line has been read
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
    time.sleep(3)  # and it runs
    over.set()
    watcher.join()
    assert stats(wire(server, job.name))["successfulRequest"] > 0
    client.batches.delete(name=job.name)
    growth = f"upload {(uploaded - before) / MIB:.0f} MiB, with the job {(peak - before) / MIB:.0f} MiB"
    print(f"growth of resident memory: {growth}")
    assert peak - before < GROWTH_BYTES, growth
