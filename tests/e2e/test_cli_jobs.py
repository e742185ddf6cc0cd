"""`backburner jobs` against a real server: found, shown, watched, fetched, steered."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, text_of, upload, write_lines
from tests.e2e.server import Server
from tests.e2e.test_cli import Shell

Run = Callable[..., Any]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.close()


def job(server: Server, folder: Path, count: int, name: str) -> str:
    client = server.client()
    lines = ({"key": f"k{n}", "request": asking(f"echo {n}")} for n in range(count))
    source = upload(client, write_lines(folder / f"{name}.jsonl", lines))
    made = client.batches.create(model=MODEL, src=source, config={"display_name": name}).name
    assert made is not None
    return made.removeprefix("batches/")


def until_done(server: Server, id_: str, count: int) -> None:
    give_up_at = time.monotonic() + 30
    while server.http("GET", f"/api/v1/jobs/{id_}").json["counts"]["succeeded"] < count:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_job_from_list_to_delete(serve: Serve, shell: Shell, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=900,jitter=0.5,seed=2")
    at = ("--url", server.url)
    assert "No jobs." in shell("jobs", "list", *at).stderr
    id_ = job(server, tmp_path, 700, "nightly")

    listed = shell("jobs", "list", *at).stdout.splitlines()
    assert listed[0].split()[:2] == ["ID", "NAME"]
    assert listed[1].split()[:4] == [id_, "nightly", MODEL, "RUNNING"]
    rows = [json.loads(line) for line in shell("jobs", "list", "--json", *at).stdout.splitlines()]
    assert [row["id"] for row in rows] == [id_]
    assert "No such jobs." in shell("jobs", "list", "--state", "failed", *at).stderr

    watched = shell("jobs", "watch", id_[:10], *at)
    assert watched.returncode == 0
    assert re.search(r"RUNNING, [\d,]+ of 700", watched.stderr)
    assert "SUCCEEDED: 700 of 700 requests succeeded, 0 failed." in watched.stderr
    shown = shell("jobs", "show", "nightly", *at).stdout
    assert "SUCCEEDED" in shown
    assert f"files/batch-{id_}" in shown

    got = shell("jobs", "results", f"batches/{id_}", "-o", "out.jsonl", *at)
    assert (got.returncode, got.stdout, got.stderr) == (0, "", "")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == [f"k{n}" for n in range(700)]
    assert shell("jobs", "results", "nightly", *at).stdout == (tmp_path / "out.jsonl").read_text()
    assert shell("jobs", "results", "nightly", "-o", "out.jsonl", *at).returncode == 2, "not replaced unasked"

    assert shell("jobs", "delete", "nightly", *at).returncode == 0
    gone = shell("jobs", "show", id_, *at)
    assert (gone.returncode, gone.stderr) == (2, f"there is no job {id_}\n")


def test_watch_as_json_is_one_object_a_line(serve: Serve, shell: Shell, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=100")
    id_ = job(server, tmp_path, 300, "a")
    ran = shell("jobs", "watch", id_, "--json", "--url", server.url)
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert found[-1]["state"] == "SUCCEEDED"
    assert [one["ended"] for one in found].count(True) == 1
    assert ran.stderr == ""


def test_following_and_watching_outlast_a_restart(serve: Serve, shell: Shell, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=400,jitter=0.5,seed=2")
    id_ = job(server, tmp_path, 900, "a")
    follow = shell.begin("jobs", "results", id_, "--follow", "-o", "out.jsonl", "--url", server.url)
    watch = shell.begin("jobs", "watch", id_, "--url", server.url)
    until_done(server, id_, 200)
    give_up_at = time.monotonic() + 20
    while not (tmp_path / "out.jsonl").exists() or not (tmp_path / "out.jsonl").stat().st_size:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    server.kill()
    server.start()
    _, said = follow.communicate(timeout=60)
    assert follow.returncode == 0, said
    assert b"Trying again" in said
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(int(line["key"][1:]) for line in lines) == list(range(900)), "each once"
    assert all(text_of(line) == f"echo {line['key'][1:]}" for line in lines)
    _, said = watch.communicate(timeout=60)
    assert (watch.returncode, b"900 of 900 requests succeeded" in said) == (0, True)


def test_hold_approve_cancel_retry(serve: Serve, shell: Shell, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=300,jitter=0.5,seed=2")
    at = ("--url", server.url)
    id_ = job(server, tmp_path, 2_000, "long")
    until_done(server, id_, 64)
    assert "is held" in shell("jobs", "hold", "long", *at).stdout
    time.sleep(0.8)
    done = server.http("GET", f"/api/v1/jobs/{id_}").json["counts"]["succeeded"]
    time.sleep(0.8)
    assert server.http("GET", f"/api/v1/jobs/{id_}").json["counts"]["succeeded"] == done
    assert "held after its canary" in shell("jobs", "show", "long", *at).stdout
    part = shell("jobs", "results", "long", "--order", "commit", *at)
    assert len(part.stdout.splitlines()) == done
    assert "so far" in part.stderr

    assert "goes on" in shell("jobs", "approve", "long", *at).stdout
    until_done(server, id_, done + 1)
    assert "CANCELLED" in shell("jobs", "cancel", "long", *at).stdout
    watched = shell("jobs", "watch", id_, *at)
    assert watched.returncode == 1, "some have an answer"
    done = server.http("GET", f"/api/v1/jobs/{id_}").json["counts"]["succeeded"]

    again = json.loads(shell("jobs", "retry", id_, "--json", *at).stdout)
    assert (again["retry_of"], again["counts"]["total"]) == (id_, 2_000 - done)
    ambiguous = shell("jobs", "cancel", "long", again["id"], *at)
    assert "CANCELLED" in ambiguous.stdout
    refused = shell("jobs", "approve", again["id"], *at)
    assert (refused.returncode, "not held" in refused.stderr) == (2, True)


def test_a_watcher_who_leaves_ends_nothing(serve: Serve, shell: Shell, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=1000")
    id_ = job(server, tmp_path, 500, "a")
    watching = shell.begin("jobs", "watch", id_, "--url", server.url)
    assert watching.stderr is not None
    assert watching.stderr.readline()
    os.kill(watching.pid, signal.SIGINT)
    _, said = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert b"The job goes on" in said
    assert server.http("GET", f"/api/v1/jobs/{id_}").json["state"] == "RUNNING"


def test_a_server_with_keys_wants_one(serve: Serve, shell: Shell) -> None:
    server = serve()
    key = shell("keys", "create", "--data", server.data).stdout.strip()
    refused = shell("jobs", "list", "--url", server.url)
    assert (refused.returncode, "--key or BACKBURNER_KEY" in refused.stderr) == (2, True)
    assert shell("jobs", "list", "--url", server.url, "--key", key + "x").returncode == 2
    assert shell("jobs", "list", "--url", server.url, "--key", key).returncode == 0
