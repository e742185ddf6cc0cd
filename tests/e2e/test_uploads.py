"""Uploads as clients other than the SDKs make them, and what becomes of files that jobs need."""

import time
from pathlib import Path

from google import genai

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, download, stats, succeeded, text_of, upload, wire, write_lines
from tests.e2e.server import Reply, Server

LINE = b'{"key":"a","request":{"contents":[{"parts":[{"text":"hello"}]}]}}\n'


def started(server: Server, length: int, body: object = None, **headers: str) -> Reply:
    return server.http(
        "POST",
        "/upload/v1beta/files",
        body or {"file": {"display_name": "by hand"}},
        headers={
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(length),
            "X-Goog-Upload-Header-Content-Type": "application/jsonl",
            **headers,
        },
    )


def sent(server: Server, start: Reply, offset: int, data: bytes, command: str = "upload") -> Reply:
    url = start.headers["x-goog-upload-url"]
    assert url.startswith(server.url)
    return server.http(
        "POST",
        url.removeprefix(server.url),
        data,
        headers={
            "X-Goog-Upload-Command": command,
            "X-Goog-Upload-Offset": str(offset),
            "x-goog-api-key": "",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )


def content(server: Server, reply: Reply) -> bytes:
    return server.http("GET", f"/v1beta/{reply.json['file']['name']}:download?alt=media").body


def test_pieces_may_come_again_and_gaps_are_refused(server: Server) -> None:
    start = started(server, len(LINE))
    assert start.headers["x-goog-upload-status"] == "active"
    for _ in range(2):  # a client that lost our answer sends the piece again
        piece = sent(server, start, 0, LINE[:10])
        assert (piece.status, piece.headers["x-goog-upload-status"]) == (200, "active")
        assert piece.headers["x-goog-upload-size-received"] == "10"
    gap = sent(server, start, 20, LINE[20:], "upload, finalize")
    assert gap.status == 400
    assert "offset 10" in gap.json["error"]["message"]
    short = sent(server, start, 10, b"", "upload, finalize")
    assert (short.status, short.headers["x-goog-upload-status"]) == (400, "final"), (
        "or the SDK sends it again"
    )
    last = sent(server, start, 10, LINE[10:], "upload, finalize")
    assert (last.status, last.headers["x-goog-upload-status"]) == (200, "final")
    assert content(server, last) == LINE


def test_the_data_of_an_upload_needs_no_key(serve: Serve, tmp_path: Path) -> None:
    from tests.e2e.test_process import made_key

    server = Server(tmp_path)
    key = made_key(server.data)
    try:
        server.start()
        assert started(server, len(LINE), **{"x-goog-api-key": ""}).status == 403
        start = started(server, len(LINE), **{"x-goog-api-key": key})
        assert sent(server, start, 0, LINE, "upload, finalize").status == 200
    finally:
        server.kill()


def test_an_upload_can_be_asked_after_and_given_up(server: Server) -> None:
    start = started(server, len(LINE))
    sent(server, start, 0, LINE[:7])
    asked = sent(server, start, 0, b"", "query")
    assert (asked.headers["x-goog-upload-status"], asked.headers["x-goog-upload-size-received"]) == (
        "active",
        "7",
    )
    assert sent(server, start, 0, b"", "cancel").headers["x-goog-upload-status"] == "cancelled"
    gone = sent(server, start, 7, LINE[7:], "upload, finalize")
    assert gone.status == 404


def test_a_file_may_come_in_one_request(server: Server) -> None:
    body = (
        b'--frontier\r\nContent-Type: application/json\r\n\r\n{"file":{"displayName":"both"}}\r\n'
        b"--frontier\r\nContent-Type: application/jsonl\r\n\r\n" + LINE + b"\r\n--frontier--\r\n"
    )
    kind = {"Content-Type": "multipart/related; boundary=frontier", "X-Goog-Upload-Protocol": "multipart"}
    both = server.http("POST", "/upload/v1beta/files", body, headers=kind)
    assert both.status == 200, both.body
    file = both.json["file"]
    assert (file["displayName"], file["mimeType"]) == ("both", "application/jsonl")
    assert content(server, both) == LINE

    plain = {"Content-Type": "text/plain", "X-Goog-Upload-Protocol": "raw"}
    raw = server.http("POST", "/upload/v1beta/files", LINE, headers=plain)
    assert raw.json["file"]["mimeType"] == "text/plain"
    assert content(server, raw) == LINE

    cut = server.http("POST", "/upload/v1beta/files", body[:-12], headers=kind)
    assert cut.status == 400, "half a file is none"


def test_a_file_of_metadata_alone(server: Server) -> None:
    made = server.http("POST", "/v1beta/files", {"file": {"displayName": "nothing in it"}})
    assert made.status == 200
    assert made.json["file"]["sizeBytes"] == "0"
    refused = server.http(
        "POST",
        f"/v1beta/models/{MODEL}:batchGenerateContent",
        {"batch": {"inputConfig": {"fileName": made.json["file"]["name"]}}},
    )
    assert refused.status == 400
    assert "empty" in refused.json["error"]["message"]


def test_a_chosen_name_is_kept_and_taken_once(client: genai.Client, server: Server, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(LINE)
    config = {"name": "my-own-name", "mime_type": "jsonl"}
    assert client.files.upload(file=str(tmp_path / "in.jsonl"), config=config).name == "files/my-own-name"
    again = started(server, len(LINE), {"file": {"name": "files/my-own-name"}})
    assert (again.status, again.json["error"]["status"]) == (409, "ALREADY_EXISTS")
    client.files.delete(name="files/my-own-name")
    assert started(server, len(LINE), {"file": {"name": "files/my-own-name"}}).status == 200
    assert started(server, len(LINE), {"file": {"name": "files/No_Such"}}).status == 400


def test_files_are_listed_in_pages(serve: Serve) -> None:
    server = serve()
    names = [
        server.http("POST", "/v1beta/files", {"file": {"displayName": str(n)}}).json["file"]["name"]
        for n in range(12)
    ]
    first = server.http("GET", "/v1beta/files").json
    assert [file["name"] for file in first["files"]] == names[:1:-1], "ten of them, newest first"
    rest = server.http("GET", f"/v1beta/files?pageToken={first['nextPageToken']}").json
    assert [file["name"] for file in rest["files"]] == names[1::-1]
    assert "nextPageToken" not in rest
    assert server.http("GET", "/v1beta/files?pageSize=-1").status == 400


def test_a_job_keeps_the_bytes_of_a_file_that_is_deleted(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=150,jitter=1")
    client = server.client()
    lines = ({"key": str(n), "request": asking(f"echo {n}")} for n in range(1_500))
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create(model=MODEL, src=name)
    client.files.delete(name=name)
    assert server.http("GET", f"/v1beta/{name}").status == 403
    while stats(wire(server, job.name))["successfulRequest"] < 50:
        time.sleep(0.02)
    server.kill()  # and after a restart it still has them
    server.start()

    found = download(client, succeeded(client, job.name))
    assert [text_of(line) for line in found] == [f"echo {n}" for n in range(1_500)]
    left = [path for path in (server.data / "blobs").rglob("*") if path.is_file()]
    assert len(left) == 1, "with the job's end the input's bytes go; its results stay"
