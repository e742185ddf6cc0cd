"""A 1 GB input costs no memory (acceptance 6). Part of make test-all."""

import threading
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, stats, succeeded, upload, wire, write_lines
from tests.e2e.server import Server

GIB = 1024**3
MIB = 1024**2
GROWTH_BYTES = 200 * MIB
LINES = 256 * 1024


class Memory:
    """The highest resident memory of a server since this began to watch."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.before = self.peak = server.rss_bytes()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.peak = max(self.peak, self._server.rss_bytes())

    @property
    def growth_bytes(self) -> int:
        return self.peak - self.before

    def __enter__(self) -> "Memory":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gigabyte_is_uploaded_and_submitted_in_bounded_memory(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=50")
    client = server.client()
    # one job first, so that what is loaded once is loaded before the measure
    small = write_lines(tmp_path / "small.jsonl", [{"key": "a", "request": asking("x")}])
    succeeded(client, client.batches.create(model=MODEL, src=upload(client, small)))
    padding = "x" * (GIB // LINES)
    lines = ({"key": f"key-{n}", "request": asking(f"{n} {padding}")} for n in range(LINES))
    path = write_lines(tmp_path / "big.jsonl", lines)
    assert path.stat().st_size >= GIB

    with Memory(server) as memory:
        name = upload(client, path)
        upload_bytes = memory.growth_bytes
        job = client.batches.create(model=MODEL, src=name)
        give_up_at = time.monotonic() + 600
        while stats(wire(server, job.name))["request"] < LINES:  # every line has been read
            assert time.monotonic() < give_up_at
            time.sleep(0.2)
        time.sleep(3)  # and it runs
    assert stats(wire(server, job.name))["successfulRequest"] > 0
    client.batches.delete(name=job.name)
    growth = f"upload {upload_bytes / MIB:.0f} MiB, with the job {memory.growth_bytes / MIB:.0f} MiB"
    print(f"growth of resident memory: {growth}")
    assert memory.growth_bytes < GROWTH_BYTES, growth
