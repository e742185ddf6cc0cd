"""What the tests of this folder do with jobs again and again."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google import genai
from google.genai import types
from google.genai.version import __version__ as sdk_version

from tests.e2e.server import Server

SDK = tuple(int(part) for part in sdk_version.split(".")[:2])
SHOWS_METADATA = SDK >= (1, 61)  # older ones drop the metadata of inlined responses (contract 1.4)
MODEL = "gemini-2.5-flash"
EMBEDDING_MODEL = "gemini-embedding-001"
ENDED = {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"}
POLL_S = 0.03


def ended(client: genai.Client, job: types.BatchJob | str, timeout_s: float = 60) -> types.BatchJob:
    """The job once it has ended."""
    name = job if isinstance(job, str) else str(job.name)
    give_up_at = time.monotonic() + timeout_s
    while True:
        found = client.batches.get(name=name)
        assert found.state is not None
        if found.state.name in ENDED:
            return found
        assert time.monotonic() < give_up_at, f"{name} is {found.state.name} after {timeout_s:g} s"
        time.sleep(POLL_S)


def succeeded(client: genai.Client, job: types.BatchJob | str, timeout_s: float = 60) -> types.BatchJob:
    found = ended(client, job, timeout_s)
    assert found.state is not None
    assert found.state.name == "JOB_STATE_SUCCEEDED", found
    return found


def asking(text: str, **config: Any) -> dict[str, Any]:
    """A request of an input file that asks one thing."""
    request: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    if config:
        request["generationConfig"] = config
    return request


def write_lines(path: Path, lines: Iterable[Any]) -> Path:
    with path.open("w") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    return path


def upload(client: genai.Client, path: Path) -> str:
    """The name of the uploaded file."""
    uploaded = client.files.upload(
        file=str(path), config=types.UploadFileConfig(display_name=path.stem, mime_type="jsonl")
    )
    assert uploaded.name is not None
    return uploaded.name


def download(client: genai.Client, job: types.BatchJob) -> list[dict[str, Any]]:
    """The lines of the job's result file."""
    assert job.dest is not None, job
    assert job.dest.file_name is not None, job
    content: bytes = client.files.download(file=job.dest.file_name)
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content.decode().splitlines()]


def text_of(line: Mapping[str, Any]) -> str:
    """The answer's text in a result line."""
    return "".join(part.get("text", "") for part in line["response"]["candidates"][0]["content"]["parts"])


def wire(server: Server, name: str | None) -> dict[str, Any]:
    """The job as a plain client sees it."""
    reply = server.http("GET", f"/v1beta/{name}")
    assert reply.status == 200, reply.body
    return reply.json


def stats(operation: Mapping[str, Any]) -> dict[str, int]:
    """batchStats as numbers; counters that are zero may be missing on the wire."""
    found = operation["metadata"].get("batchStats", {})
    names = ("request", "successfulRequest", "failedRequest", "pendingRequest")
    return {name: int(found.get(f"{name}Count", 0)) for name in names}
