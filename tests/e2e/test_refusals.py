"""A wrong request says where and why, all of it at once, and what to write instead."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google import genai

from tests.e2e.jobs import MODEL, asking, ended, text_of, upload, wire
from tests.e2e.mistakes import about_line, mixed
from tests.e2e.server import Server, clean_environment

GOOD_LINES = 10_000
CREATE = f"/v1beta/models/{MODEL}:batchGenerateContent"


@pytest.fixture(scope="module")
def mixed_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str], list[str]]:
    """Ten thousand good lines and twelve wrong ones: the file, {line: what its report must name}, all lines."""
    path = tmp_path_factory.mktemp("mixed") / "mixed.jsonl"
    lines = list(mixed(GOOD_LINES))
    path.write_text("".join(line + "\n" for line, _ in lines))
    wrong = {number: mistake.names for number, (_, mistake) in enumerate(lines, 1) if mistake}
    assert len(wrong) == 12
    return path, wrong, [line for line, _ in lines]


def assert_names_each(wrong: dict[int, str], report: str) -> None:
    for number, names in wrong.items():
        told = about_line(number, report)
        assert told, f"line {number} is not named"
        assert re.search(names, told), f"expected {names!r} in what is said about line {number}: {told}"


def test_twelve_mistakes_are_all_named_by_create(
    client: genai.Client, mixed_file: tuple[Path, dict[int, str], list[str]]
) -> None:
    """Acceptance 7, first half."""
    path, wrong, _ = mixed_file
    name = upload(client, path)
    with pytest.raises(genai.errors.ClientError) as refused:
        client.batches.create(model=MODEL, src=name)

    error = refused.value.details["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert name in json.dumps(error), "says which input file"
    [bad] = [detail for detail in error["details"] if detail["@type"].endswith("google.rpc.BadRequest")]
    violations = "\n".join(f"{v['description']} ({v['field']})" for v in bad["fieldViolations"])
    assert_names_each(wrong, violations)
    assert not [job for job in client.batches.list() if job.state.name == "JOB_STATE_PENDING"]


def test_twelve_mistakes_are_all_named_by_validate(
    mixed_file: tuple[Path, dict[int, str], list[str]],
) -> None:
    path, wrong, _ = mixed_file
    done = subprocess.run(
        [sys.executable, "-m", "backburner", "validate", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**clean_environment(), "COLUMNS": "400"},
    )
    assert done.returncode != 0
    assert_names_each(wrong, done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


def test_with_the_option_the_good_lines_run_and_the_wrong_ones_answer_in_place(
    server: Server, client: genai.Client, mixed_file: tuple[Path, dict[int, str], list[str]]
) -> None:
    """Acceptance 7, second half."""
    path, wrong, lines = mixed_file
    config = {"http_options": {"extra_body": {"batch": {"onInvalid": "skip"}}}}
    job = client.batches.create(model=MODEL, src=upload(client, path), config=config)
    job = ended(client, job, timeout_s=90)

    assert job.state.name == "JOB_STATE_SUCCEEDED"
    found = server.http("GET", f"/v1beta/{job.dest.file_name}:download?alt=media").lines
    assert len(found) == len(lines) == GOOD_LINES + 12
    for number, (sent, got) in enumerate(zip(lines, found, strict=True), 1):
        if number in wrong:
            assert got["error"]["code"] == 3, got
            assert f"line {number}" in got["error"]["message"]
        else:
            request = json.loads(sent)
            assert got["key"] == request["key"]
            assert text_of(got) == request["request"]["contents"][0]["parts"][0]["text"]
    assert wire(server, job.name)["metadata"]["batchStats"]["failedRequestCount"] == "12"


def test_wrong_inline_requests_are_named_by_their_place(server: Server) -> None:
    requests = [{"request": asking("x")}, {"request": {**asking("y"), "temperature": 1}}, {"request": {}}]
    reply = server.http("POST", CREATE, {"batch": {"inputConfig": {"requests": {"requests": requests}}}})
    assert reply.status == 400
    error = reply.json["error"]
    [bad] = [detail for detail in error["details"] if detail["@type"].endswith("google.rpc.BadRequest")]
    told = json.dumps(bad)
    assert "requests[1]" in told
    assert "requests[2]" in told
    assert "requests[0]" not in told
    assert "request body" in json.dumps(error)


def test_an_inline_create_over_20_mb_is_refused_with_the_way_out(server: Server) -> None:
    request = {"request": asking("x" * (21 * 1024 * 1024))}
    reply = server.http("POST", CREATE, {"batch": {"inputConfig": {"requests": {"requests": [request]}}}})
    assert reply.status == 400
    assert "20 MB" in reply.json["error"]["message"]
    assert "file" in reply.json["error"]["message"].lower()


def test_an_upload_declared_over_2_gb_is_refused_before_a_byte_is_sent(server: Server) -> None:
    start = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(2 * 1024**3 + 1),
        "X-Goog-Upload-Header-Content-Type": "application/jsonl",
    }
    reply = server.http("POST", "/upload/v1beta/files", {"file": {"displayName": "big"}}, headers=start)
    assert reply.status == 400
    assert "x-goog-upload-url" not in reply.headers
    words = reply.json["error"]["message"]
    assert "2" in words
    assert "split" in words.lower(), "names the way out"


def test_a_missing_file_a_missing_job_and_a_missing_model_say_so(client: genai.Client) -> None:
    with pytest.raises(genai.errors.ClientError) as no_file:
        client.batches.create(model=MODEL, src="files/nothere")
    assert (no_file.value.code, no_file.value.status) == (403, "PERMISSION_DENIED")
    assert "nothere" in str(no_file.value)
    with pytest.raises(genai.errors.ClientError) as no_job:
        client.batches.get(name="batches/nothere")
    assert (no_job.value.code, no_job.value.status) == (404, "NOT_FOUND")


def test_an_unsupported_mime_type_is_refused_in_words_the_sdk_knows(
    client: genai.Client, tmp_path: Path
) -> None:
    (tmp_path / "x.bin").write_bytes(b"x")
    with pytest.raises(genai.errors.ClientError, match="Unsupported MIME"):
        client.files.upload(file=str(tmp_path / "x.bin"), config={"mime_type": "bad/mime_type"})


def test_what_the_discussion_sent_is_accepted_or_answered_with_the_right_body(
    server: Server, client: genai.Client, tmp_path: Path
) -> None:
    """Single quotes, the unquoted name and the wrongly nested `file_name` (design, section 8)."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"key": "a", "request": asking("hello")}) + "\n")
    name = upload(client, path)
    nested = {"batch": {"display_name": "n", "input_config": {"requests": {"file_name": name}}}}
    single = f"{{'batch': {{'display_name': 'n', 'input_config': {{'file_name': '{name}'}}}}}}"
    unquoted = f"{{'batch': {{'display_name': 'n', 'input_config': {{'file_name': {name}}}}}}}"
    for body in (nested, single.encode(), unquoted.encode()):
        reply = server.http("POST", CREATE, body)
        if reply.status == 200:
            job = ended(client, reply.json["name"])
            assert job.state.name == "JOB_STATE_SUCCEEDED"
        else:
            assert reply.status == 400
            assert name in reply.json["error"]["message"], "the corrected body is in the words"


def test_an_unknown_field_is_named_with_its_path(server: Server) -> None:
    reply = server.http(
        "POST", f"/v1beta/models/{MODEL}:generateContent", {**asking("x"), "generationConfig": {"temp": 1}}
    )
    assert reply.status == 400
    error = reply.json["error"]
    assert "temp" in error["message"] + json.dumps(error["details"])
    assert "generation" in json.dumps(error["details"])
