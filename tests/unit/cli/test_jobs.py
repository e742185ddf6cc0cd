"""What `backburner jobs` says, and what it says when there is no server, or another one."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.api.native.bodies import JobBody, ProgressBody, RequestBody
from backburner.cli import jobs_view
from backburner.cli.jobs_requests import lines_of
from tests.unit.cli.command import Command

JOB: dict[str, Any] = {
    "id": "a" * 36,
    "display_name": "nightly " + "x" * 40,
    "dialect": "gemini",
    "kind": "generate",
    "model": "gemini-2.5-flash",
    "state": "RUNNING",
    "ended": False,
    "priority": 0,
    "on_invalid": "fail",
    "hold_after_canary": False,
    "held": False,
    "retry_of": None,
    "after": [],
    "waits_for": [],
    "webhook": None,
    "input_file": "files/x",
    "input_bytes": 75_000,
    "scanned": True,
    "created_at": "2026-11-21T03:00:00.000000Z",
    "updated_at": "2026-11-21T03:00:00.000000Z",
    "started_at": "2026-11-21T03:00:01.000000Z",
    "ended_at": None,
    "deadline_at": "2026-11-22T03:00:00.000000Z",
    "expire_at": "2026-11-23T03:00:00.000000Z",
    "window_s": 86400.0,
    "counts": {"total": 2000, "succeeded": 1192, "failed": 12, "pending": 796},
    "progress": 0.602,
    "rate_per_s": 96.2,
    "usage": {"prompt_tokens": 5000, "cached_tokens": 300, "output_tokens": 700, "cached_share": 0.06},
    "saved": {"calls": 40, "kept": 7, "prompt_tokens": 900, "output_tokens": 100},
    "reuse_duplicates": True,
    "estimated_completion": {
        "earliest_at": "2026-11-21T03:01:06.100000Z",
        "likely_at": "2026-11-21T03:01:08.300000Z",
        "latest_at": "2026-11-21T03:01:24.000000Z",
        "confidence": 0.9,
    },
    "waiting_reason": "",
    "window_warning": "",
    "warnings": ["topK has no effect here"],
    "error": None,
    "results_file": None,
    "results_bytes": 0,
    "errors_file": None,
    "errors_bytes": 0,
}


def job(**changes: Any) -> JobBody:
    return msgspec.convert({**JOB, **changes}, JobBody)


def progress(**changes: Any) -> ProgressBody:
    wanted = {field.name for field in msgspec.structs.fields(ProgressBody)}
    body = {**JOB, "job": JOB["id"], "at": "2026-11-21T03:01:00.000000Z", **changes}
    return msgspec.convert({name: value for name, value in body.items() if name in wanted}, ProgressBody)


def test_one_line_of_progress() -> None:
    assert jobs_view.words(progress()) == [
        "1,204 of 2,000",
        "12 failed",
        "96/s",
        "about 8.3 s left (6.1 s to 24 s)",
    ]
    waits = progress(
        rate_per_s=0, estimated_completion=None, waiting_reason="the engine is down", scanned=False
    )
    assert jobs_view.words(waits) == ["1,204 of 2,000 so far", "12 failed", "the engine is down"]
    late = "the job cannot meet its window, which ends 2026-11-22 03:00 UTC, at the present rate"
    assert jobs_view.words(progress(window_warning=late))[-1] == late
    assert "writing the results" in jobs_view.words(progress(state="FINALIZING"))


def test_the_whole_of_a_job() -> None:
    text = "\n".join(jobs_view.lines_of(job()))
    for said in (
        JOB["id"],
        "1,204 of 2,000 done, 12 failed",
        "96/s",
        "likely; 90 % sure",
        "5,000 in (300 cached, 6 %), 700 out",
        "40 calls and 1,000 tokens, by identical requests, 7 of them of other jobs",
        "topK has no effect here",
        "files/x, 75.0 kB",
    ):
        assert said in text
    assert "Results" not in text
    failed = job(state="FAILED", ended=True, error={"code": "INVALID_ARGUMENT", "message": "lines are wrong"})
    assert "Error     INVALID_ARGUMENT: lines are wrong" in list(jobs_view.lines_of(failed))


def test_a_row_of_the_table() -> None:
    cells = dict(zip(jobs_view.HEADER, jobs_view.row(job(), whole=False), strict=True))
    assert len(cells["NAME"]) == jobs_view.NAME_CHARS
    assert (cells["DONE"], cells["FAILED"]) == ("1,204 of 2,000", "12")
    assert cells["END"].startswith("likely ")
    assert jobs_view.row(job(window_warning="too late"), whole=False)[-1] == f"{cells['END']}, late"
    assert jobs_view.row(job(), whole=True)[1] == JOB["display_name"], "for a program: whole"
    assert jobs_view.row(job(waiting_reason="held", held=True), whole=False)[-1] == "held"


def test_a_request_shows_every_try_with_its_reason() -> None:
    def tried(trouble: str, message: str, reused_from: int | None = None) -> dict[str, Any]:
        at = {"started_at": "2026-11-21T03:00:01.000000Z", "ended_at": "2026-11-21T03:00:03.000000Z"}
        said = {"engine": "far", "model": "m", "trouble": trouble, "message": message}
        return {**said, **at, "usage": usage, "reused_from": reused_from}

    usage = {"prompt_tokens": 1, "cached_tokens": 0, "output_tokens": 1, "cached_share": 0.0}
    outcome = {
        "seq": 3,
        "kind": "answer",
        "code": "OK",
        "finish_reason": "STOP",
        "engine": "far",
        "model": "m",
    }
    outcome |= {"usage": usage, "at": "2026-11-21T03:00:03.000000Z", "reused_from": 6}
    one = {"ordinal": 6, "line": 7, "key": "k7", "request": {}, "result": {}}
    body = {**one, "outcome": outcome}

    def shown(*attempts: dict[str, Any]) -> list[str]:
        content = msgspec.json.encode({**body, "attempts": attempts})
        return list(lines_of(msgspec.json.decode(content, type=RequestBody)))

    lines = shown(tried("busy", "429"), tried("", ""))
    assert lines[0] == 'line 7  "k7"  STOP  2 tries'
    assert "far  busy: 429 (after 2.0 s)" in lines[1]
    assert "far  answered (after 2.0 s)" in lines[2]
    assert shown(tried("", "", 6)) == ['line 7  "k7"  STOP  no try of its own, its answer was there']


def test_without_a_server_it_says_how_to_start_one(command: Command) -> None:
    for words in (["list"], ["show", "x" * 36], ["watch", "x" * 36], ["results", "x" * 36], ["cancel", "x"]):
        ran = command("jobs", *words, "--url", "http://127.0.0.1:9")
        assert ran.code == 2, words
        assert "http://127.0.0.1:9" in ran.err
        assert "backburner serve" in ran.err
        assert "--url" in ran.err


@pytest.fixture
def other_server() -> Iterator[str]:
    """One that is no Backburner: it has a page for everything."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if "jobs" in self.path else 404)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_server_is_told_apart(command: Command, other_server: str) -> None:
    ran = command("jobs", "list", "--url", other_server)
    assert ran.code == 2
    assert "not as this version of Backburner" in ran.err


def test_options_that_do_not_go_together(command: Command, tmp_path: Path) -> None:
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    ran = command("jobs", "results", "x", "--follow", "--order", "input")
    assert (ran.code, "--order input" in ran.err) == (2, True)
    ran = command("jobs", "results", "x", "-o", there)
    assert (ran.code, "--force" in ran.err) == (2, True)
    assert there.read_text() == "mine"
