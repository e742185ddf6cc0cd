"""A disk of 64 MB that fills up under load: nothing is lost, everybody is told clearly, and it goes on by itself."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import Calls
from tests.e2e.jobs import ENDED, MODEL, wire
from tests.e2e.server import Reply, Server

pytestmark = pytest.mark.slow

DISK_MB = 64
BALLAST_MB = 40
REQUESTS, REQUEST_CHARS = 100, 3000
PATIENCE_S = 120.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose data folder is a disk of its own."""
    made = Server(tmp_path, engine="simulated:latency_ms=300,jitter=1,seed=3,log=calls.jsonl")
    made.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(made.data)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root: the test of a full disk is left out")
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no small disk can be mounted here ({done.stderr.strip()}): a full disk is not tested")
    try:
        yield made
    finally:
        made.kill()
        subprocess.run(["umount", str(made.data)], check=True)


def until(seen: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.1)


def inline(job: int) -> dict[str, Any]:
    texts = [f"{job}/{n} ".ljust(REQUEST_CHARS, "x") for n in range(REQUESTS)]
    requests = [{"request": {"contents": [{"parts": [{"text": text}]}]}} for text in texts]
    return {"batch": {"displayName": str(job), "inputConfig": {"requests": {"requests": requests}}}}


def create(server: Server, job: int) -> Reply:
    return server.http("POST", f"/v1beta/models/{MODEL}:batchGenerateContent", inline(job))


def fill(file: Path) -> None:
    """To the last byte, as somebody else on the disk would."""
    with file.open("ab", buffering=0) as ballast:
        for size in (1 << 20, 4096, 1):
            try:
                while ballast.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def refusals(server: Server) -> dict[str, Reply]:
    """What each door says to new work."""
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\r\n--b--\r\n'
    messages = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    batch = {"requests": [{"custom_id": "a", "params": messages}]}
    return {
        "gemini": create(server, 999),
        "gemini file": server.http("POST", "/upload/v1beta/files?uploadType=media", b"{}"),
        "openai": server.http("POST", "/openai/v1/files", part, form),
        "anthropic": server.http("POST", "/anthropic/v1/messages/batches", batch),
    }


def said(replies: dict[str, Reply]) -> dict[str, tuple[int, str]]:
    """Status and the dialect's word for it; every message says what is the matter, and when to come again."""
    found: dict[str, tuple[int, str]] = {}
    for door, reply in replies.items():
        error = reply.json["error"]
        assert "disk" in error["message"], (door, reply.body)
        assert reply.headers["retry-after"] == "30", door
        found[door] = (reply.status, error.get("status") or error["type"])
    return found


def test_a_start_without_room_says_so(server: Server) -> None:
    server.start()
    server.kill()
    fill(server.data / "ballast")
    with pytest.raises(AssertionError, match="there is no room on the disk"):
        server.start()
    assert "mistake" not in server.words()
    (server.data / "ballast").unlink()
    server.start()


def test_nothing_is_lost_and_it_goes_on_when_there_is_room(server: Server) -> None:
    """Acceptance 6 of issue 5."""
    ballast = server.data / "ballast"
    ballast.write_bytes(b"\0" * (BALLAST_MB << 20))
    server.start()
    names: list[str] = []
    while (reply := create(server, len(names))).status == 200:
        names.append(reply.json["name"])
        assert len(names) < 1000, "the disk never filled up"
    assert len(names) > 5
    assert reply.status == 503, reply.body

    fill(ballast)
    until(lambda: shutil.disk_usage(server.data).free < 4096, "the disk is full")
    time.sleep(3)  # what is under way finds no room now
    assert said(refusals(server)) == {
        "gemini": (503, "UNAVAILABLE"),
        "gemini file": (503, "UNAVAILABLE"),
        "openai": (503, "server_error"),
        "anthropic": (529, "overloaded_error"),
    }
    assert server.http("GET", "/healthz").status == 200
    open_jobs = [name for name in names if wire(server, name)["metadata"]["state"] not in ENDED]
    assert open_jobs, "or the test shows nothing"
    listed = server.http("GET", "/api/v1/jobs?page_size=1000").json["jobs"]
    reasons = [job.get("waiting_reason", "") for job in listed]
    assert any("disk space" in reason for reason in reasons), json.dumps(listed)[:2000]
    calls_made = len(Calls(server.folder / "calls.jsonl").started())
    time.sleep(2)
    assert len(Calls(server.folder / "calls.jsonl").started()) == calls_made, "no calls while it is full"

    ballast.unlink()
    for job, name in enumerate(names):
        until(lambda name=name: wire(server, name)["metadata"]["state"] in ENDED, f"{name} does not end")
        found = wire(server, name)
        assert found["metadata"]["state"] == "JOB_STATE_SUCCEEDED", found["metadata"]
        answers = found["response"]["inlinedResponses"]["inlinedResponses"]
        texts = [line["response"]["candidates"][0]["content"]["parts"][0]["text"] for line in answers]
        assert texts == [f"{job}/{n} ".ljust(REQUEST_CHARS, "x") for n in range(REQUESTS)]
    assert Calls(server.folder / "calls.jsonl").repeated() == {}, "what came while it was full was kept"
    assert create(server, 1000).status == 200
    assert "Traceback" not in server.words()
    assert server.stop() == 0
