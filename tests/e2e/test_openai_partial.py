"""The files of a batch while it runs: what there is so far, in the order of commit, with a cursor that stays true."""

import json
import time
from collections.abc import Iterator

import openai
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.openai_jobs import client_of, completed, ended, line, lines_of, saying, start
from tests.e2e.server import Reply, Server


def content(server: Server, file: str, offset: int | None = None) -> Reply:
    query = "" if offset is None else f"?offset={offset}"
    reply = server.http("GET", f"/openai/v1/files/{file}/content{query}")
    assert reply.status == 200, reply.body
    return reply


def ids(reply: Reply) -> list[str]:
    return [one["custom_id"] for one in reply.lines]


@pytest.fixture
def slow(serve: Serve) -> Iterator[Server]:
    """64 slots, so 1,000 requests take some seconds."""
    yield serve("simulated:latency_ms=150,jitter=1,seed=2")


def test_following_the_output_to_its_end(slow: Server) -> None:
    client = client_of(slow)
    sent = [f"r{n}" for n in range(800)]
    batch = start(client, (saying(one, f"say {one}") for one in sent))
    read: list[str] = []
    polls = 0
    while True:
        batch = client.batches.retrieve(batch.id)
        if batch.output_file_id:
            reply = content(slow, batch.output_file_id, len(read))
            read += ids(reply)
            polls += 1
            assert int(reply.headers["x-last-line"]) == len(read)
            if reply.headers["x-incomplete"] == "false":
                break
        time.sleep(0.1)
    assert polls > 3, "the output must be seen growing for this test to mean anything"
    assert sorted(read) == sorted(sent), "each line exactly once, also across the end of the batch"
    assert read != sent, "the order of commit"
    assert ids(content(slow, batch.output_file_id)) == sent, (
        "and of the finished file, the order of the input"
    )
    assert content(slow, batch.output_file_id).headers["x-incomplete"] == "false"
    assert ids(content(slow, batch.output_file_id, 500)) == read[500:], (
        "a cursor counts in the order of commit"
    )
    assert content(slow, batch.output_file_id, 5000).lines == []


def test_both_files_while_the_batch_runs(slow: Server) -> None:
    client = client_of(slow)
    lines = [saying(f"r{n}", "x", **({"n": -1} if n % 4 == 0 else {})) for n in range(400)]
    batch = start(client, lines)
    while not (batch.output_file_id and batch.error_file_id):
        batch = client.batches.retrieve(batch.id)
        time.sleep(0.02)
    assert batch.status == "in_progress"
    for file in (batch.output_file_id, batch.error_file_id):
        found = client.files.retrieve(file)
        assert (found.id, found.purpose, found.status) == (file, "batch_output", "uploaded")
    good, bad = content(slow, batch.output_file_id), content(slow, batch.error_file_id)
    assert good.headers["x-incomplete"] == bad.headers["x-incomplete"] == "true"
    assert {int(one[1:]) % 4 for one in ids(bad)} == {0}
    assert 0 not in {int(one[1:]) % 4 for one in ids(good)}
    batch = completed(client, batch)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (300, 100)
    assert client.files.retrieve(batch.output_file_id).status == "processed"


def test_the_rest_of_a_cancelled_batch_stands_behind_the_cursor(slow: Server) -> None:
    client = client_of(slow)
    batch = start(client, (saying(f"r{n}", "x", **({"n": -1} if n == 0 else {})) for n in range(700)))
    while client.batches.retrieve(batch.id).request_counts.completed < 20:
        time.sleep(0.02)
    client.batches.cancel(batch.id)
    batch = ended(client, batch)
    whole = content(slow, batch.error_file_id, 0)
    assert ids(whole)[0] == "r0", "what failed comes first"
    assert len(whole.lines) == int(whole.headers["x-last-line"]) == 700 - batch.request_counts.completed
    assert ids(content(slow, batch.error_file_id, 300)) == ids(whole)[300:]
    assert sorted(ids(whole)) == sorted(ids(content(slow, batch.error_file_id)))


def test_ranges_of_a_finished_file(server: Server) -> None:
    client = client_of(server)
    batch = completed(client, start(client, [saying("a", "x"), saying("b", "y")]))
    path = f"/openai/v1/files/{batch.output_file_id}/content"
    whole = server.http("GET", path).body
    part = server.http("GET", path, headers={"Range": "bytes=5-24"})
    assert (part.status, part.body) == (206, whole[5:25])
    assert part.headers["content-range"] == f"bytes 5-24/{len(whole)}"
    assert server.http("GET", path, headers={"Range": f"bytes={len(whole)}-"}).status in (400, 416)
    assert server.http("GET", f"{path}?offset=-1").status == 400
    with client.files.with_streaming_response.content(batch.output_file_id) as streamed:
        assert b"".join(streamed.iter_bytes(7)) == whole


def test_output_is_there_after_kill_9(slow: Server) -> None:
    client = client_of(slow)
    batch = start(client, (saying(f"r{n}", f"say {n}") for n in range(600)))
    while client.batches.retrieve(batch.id).request_counts.completed < 100:
        time.sleep(0.02)
    output = client.batches.retrieve(batch.id).output_file_id
    assert output is not None
    before = ids(content(slow, output, 0))
    slow.kill()
    slow.start()
    assert ids(content(slow, output, 0))[: len(before)] == before, "the cursor holds across a crash"
    batch = completed(client, batch)
    assert [one["custom_id"] for one in lines_of(client, batch.output_file_id)] == [
        f"r{n}" for n in range(600)
    ]


def test_deleted_output_is_gone(server: Server) -> None:
    client = client_of(server)
    batch = completed(
        client, start(client, [line("a", {"prompt": "x"}, "/v1/completions")], "/v1/completions")
    )
    assert client.files.delete(batch.output_file_id).deleted
    for offset in ("", "?offset=0"):
        reply = server.http("GET", f"/openai/v1/files/{batch.output_file_id}/content{offset}")
        assert reply.status == 404
        assert json.loads(reply.body)["error"]["type"] == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(batch.output_file_id)
