"""A job from an uploaded file, as the documentation does it: upload, create, poll, download."""

import json
import random
import time
from pathlib import Path

from google import genai

from tests.e2e.conftest import Serve
from tests.e2e.jobs import (
    ENDED,
    MODEL,
    asking,
    download,
    stats,
    succeeded,
    text_of,
    upload,
    wire,
    write_lines,
)
from tests.e2e.server import Server


def shuffled_keys(count: int, seed: int) -> list[str]:
    keys = [f"key-{number:05d}" for number in range(count)]
    random.Random(seed).shuffle(keys)
    return keys


def test_upload_create_poll_download(client: genai.Client, tmp_path: Path) -> None:
    keys = shuffled_keys(50, seed=1)
    path = write_lines(
        tmp_path / "in.jsonl", ({"key": key, "request": asking(f"echo {key}")} for key in keys)
    )
    name = upload(client, path)
    job = succeeded(client, client.batches.create(model=MODEL, src=name, config={"display_name": "fifty"}))

    lines = download(client, job)
    assert [line["key"] for line in lines] == keys
    assert [text_of(line) for line in lines] == [f"echo {key}" for key in keys]
    assert job.dest.file_name == "files/batch-" + job.name.removeprefix("batches/")


def test_every_documented_form_of_a_line_is_understood(client: genai.Client, tmp_path: Path) -> None:
    short = {"contents": [{"parts": [{"text": "one two"}]}], "generation_config": {"max_output_tokens": 1}}
    brief = {"system_instruction": {"parts": [{"text": "be brief"}]}, **asking("the same key again")}
    forms = [
        {"key": "a", "request": asking("with a key")},
        {"request": asking("with metadata"), "metadata": {"key": "b"}},
        asking("bare"),
        "",  # a blank line asks for nothing
        {"key": "d", "request": short},
        {"key": "d", "request": brief},
    ]
    name = upload(client, write_lines(tmp_path / "in.jsonl", forms))
    lines = download(client, succeeded(client, client.batches.create(model=MODEL, src=name)))

    texts = ["with a key", "with metadata", "bare", "two", "the same key again"]
    assert [text_of(line) for line in lines] == texts
    assert [line.get("key") for line in lines] == ["a", "b", None, "d", "d"]
    assert lines[1]["metadata"] == {"key": "b"}


def test_the_result_file_can_be_read_in_parts_and_from_both_documented_paths(
    server: Server, client: genai.Client, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", ({"key": str(n), "request": asking("x")} for n in range(5)))
    job = succeeded(client, client.batches.create(model=MODEL, src=upload(client, path)))
    whole = server.http("GET", f"/v1beta/{job.dest.file_name}:download?alt=media").body

    assert whole == server.http("GET", f"/download/v1beta/{job.dest.file_name}:download?alt=media").body
    assert whole == server.http("GET", f"/v1/{job.dest.file_name}:download?alt=media").body
    part = server.http(
        "GET", f"/v1beta/{job.dest.file_name}:download?alt=media", headers={"Range": "bytes=10-29"}
    )
    assert (part.status, part.body) == (206, whole[10:30])
    generated = client.files.get(name=job.dest.file_name)
    assert generated.source.name == "GENERATED"
    assert generated.download_uri
    assert client.files.download(file=generated) == whole


def test_two_thousand_lines_keep_their_order_and_every_poll_adds_up(serve: Serve, tmp_path: Path) -> None:
    """Acceptance 4: random latency, shuffled keys; the counts add up, and results are readable before the end."""
    server = serve("simulated:latency_ms=60,jitter=1,seed=3")
    client = server.client()
    keys = shuffled_keys(2_000, seed=2)
    lines = ({"key": key, "request": asking(f"echo {key}")} for key in keys)
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create(model=MODEL, src=name)
    polls: list[dict[str, int]] = []
    early: list[dict[str, object]] = []
    while True:
        operation = wire(server, job.name)
        counts = stats(operation)
        polls.append(counts)
        assert counts["request"] == (
            counts["successfulRequest"] + counts["failedRequest"] + counts["pendingRequest"]
        )
        if operation["metadata"]["state"] in ENDED:
            break
        if counts["successfulRequest"] >= 100 and not early:
            early = server.http("GET", f"/v1beta/{job.name}:results").lines
            assert wire(server, job.name)["metadata"]["state"] not in ENDED, "read too late to mean anything"
        time.sleep(0.02)

    assert polls[-1] == {
        "request": 2_000,
        "successfulRequest": 2_000,
        "failedRequest": 0,
        "pendingRequest": 0,
    }
    assert [poll["successfulRequest"] for poll in polls] == sorted(
        poll["successfulRequest"] for poll in polls
    )
    assert len(early) >= 100
    assert all(text_of(line) == f"echo {line['key']}" for line in early)
    final = download(client, succeeded(client, job))
    assert [line["key"] for line in final] == keys
    assert [text_of(line) for line in final] == [f"echo {key}" for key in keys]


def test_an_uploaded_file_is_what_was_sent(server: Server, client: genai.Client, tmp_path: Path) -> None:
    path = tmp_path / "twenty.jsonl"
    line = json.dumps({"key": "k", "request": asking("x" * 1000)}) + "\n"
    path.write_text(line * (20 * 1024 * 1024 // len(line)))  # three chunks of the SDK
    uploaded = client.files.upload(file=str(path), config={"mime_type": "application/jsonl"})

    assert uploaded.size_bytes == path.stat().st_size
    assert uploaded.state.name == "ACTIVE"
    assert server.http("GET", f"/v1beta/{uploaded.name}:download?alt=media").body == path.read_bytes()
    assert uploaded.name in [file.name for file in client.files.list()]
    client.files.delete(name=uploaded.name)
    assert uploaded.name not in [file.name for file in client.files.list()]
