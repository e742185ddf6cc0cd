"""A server to measure: started in a folder of its own, fed over HTTP, and gone afterwards."""

import json
import shutil
import tempfile
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.server import Server

MODEL = "gemini-2.5-flash"
SCRATCH = Path(__file__).resolve().parents[1] / ".cache" / "bench-runs"


@contextmanager
def folder() -> Generator[Path]:
    """On the disk of the checkout: a folder in memory would make every fsync free."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def serving(
    engine: str | None = "simulated", options: tuple[str, ...] = (), **environment: str
) -> Generator[Server]:
    with folder() as made:
        server = Server(made, engine=engine, options=(*options, "--no-pull"), environment=environment)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def asking(text: str, **config: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"contents": [{"parts": [{"text": text}]}]}
    return {**request, "generationConfig": config} if config else request


def write_lines(path: Path, requests: Iterable[dict[str, Any]]) -> Path:
    with path.open("w") as file:
        for number, request in enumerate(requests):
            file.write(json.dumps({"key": f"k{number}", "request": request}) + "\n")
    return path


def upload(server: Server, path: Path, key: str = "any") -> str:
    """The file's name. Sent by curl's way of one request, streamed from the disk."""
    import urllib.request

    with path.open("rb") as file:
        request = urllib.request.Request(
            f"{server.url}/api/v1/files?display_name={path.name}",
            data=file,
            method="POST",
            headers={
                "content-length": str(path.stat().st_size),
                "content-type": "application/jsonl",
                "x-goog-api-key": key,
            },
        )
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.loads(reply.read())["name"]


def create(server: Server, file: str, model: str = MODEL, key: str = "any", **batch: Any) -> str:
    """The id of a new job of the file."""
    body = {"batch": {"displayName": "bench", "inputConfig": {"fileName": file}, **batch}}
    verb = "asyncBatchEmbedContent" if "embed" in model else "batchGenerateContent"
    reply = server.http("POST", f"/v1beta/models/{model}:{verb}", body, {"x-goog-api-key": key})
    assert reply.status == 200, reply.body
    return reply.json["name"].removeprefix("batches/")


def job(server: Server, id_: str, key: str = "any") -> dict[str, Any]:
    return server.http("GET", f"/api/v1/jobs/{id_}", headers={"x-goog-api-key": key}).json


def ended(
    server: Server, id_: str, key: str = "any", timeout_s: float = 3600, poll_s: float = 0.05
) -> dict[str, Any]:
    """The job once it has ended, every request answered."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        found = job(server, id_, key)
        if found["ended"]:
            counts = found["counts"]
            assert counts["succeeded"] == counts["total"], found
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(poll_s)


def seconds(server: Server, file: str, model: str = MODEL, **batch: Any) -> float:
    """From the create call to the end of the job."""
    begun = time.perf_counter()
    ended(server, create(server, file, model, **batch))
    return time.perf_counter() - begun
