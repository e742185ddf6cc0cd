"""Files through the OpenAI door: uploads in every form, lists, content; seen from every door."""

import io
import json
from pathlib import Path

import openai
import pytest
from google import genai

from tests.e2e.conftest import Serve
from tests.e2e.openai_jobs import ROOTS, client_of, completed, jsonl, saying, start
from tests.e2e.server import Server

BATCH = {"purpose": "batch"}


@pytest.fixture(params=ROOTS)
def openai_client(server: Server, request: pytest.FixtureRequest) -> openai.OpenAI:
    return client_of(server, request.param)


def test_a_file_comes_back_as_it_was_sent(openai_client: openai.OpenAI) -> None:
    content = jsonl(saying(f"r{n}", "ä" * 300) for n in range(10_000))  # several pieces on the wire
    expiry = {"anchor": "created_at", "seconds": 3600}
    file = openai_client.files.create(file=("ä b.jsonl", content), purpose="batch", expires_after=expiry)
    assert file.bytes == len(content)
    assert file.expires_at - file.created_at == 3600
    assert (file.object, file.purpose, file.status) == ("file", "batch", "processed")
    assert openai_client.files.retrieve(file.id) == file
    assert openai_client.files.content(file.id).content == content
    assert file in openai_client.files.list(purpose="batch").data
    deleted = openai_client.files.delete(file.id)
    assert (deleted.id, deleted.deleted) == (file.id, True)
    with pytest.raises(openai.NotFoundError, match=file.id):
        openai_client.files.retrieve(file.id)


def form(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(
        b"--B\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (d.encode(), c) for d, c in parts
    ) + (b"--B--\r\n")


FILE = ('name="file"; filename="a.jsonl"', b"{}\n")
PURPOSE = ('name="purpose"', b"batch")


@pytest.mark.parametrize("parts", [(FILE, PURPOSE), (PURPOSE, FILE)])
def test_the_parts_of_a_form_come_in_either_order(
    server: Server, parts: tuple[tuple[str, bytes], ...]
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    reply = server.http("POST", "/openai/v1/files", form(*parts), headers)
    assert reply.status == 200, reply.body
    assert (reply.json["filename"], reply.json["purpose"], reply.json["bytes"]) == ("a.jsonl", "batch", 3)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (form(FILE), "multipart/form-data; boundary=B", "purpose"),
        (form(FILE, ('name="purpose"', b"party")), "multipart/form-data; boundary=B", "purpose"),
        (form(PURPOSE), "multipart/form-data; boundary=B", "no file"),
        (form(FILE, PURPOSE)[:-20], "multipart/form-data; boundary=B", "ended"),
        (b"{}", "application/json", "multipart/form-data"),
        (
            form(FILE, PURPOSE, ('name="expires_after[seconds]"', b"5")),
            "multipart/form-data; boundary=B",
            "expires_after.seconds",
        ),
    ],
)
def test_an_upload_that_is_wrong_is_refused_and_leaves_nothing(
    serve: Serve, body: bytes, content_type: str, words: str
) -> None:
    server = serve()
    reply = server.http("POST", "/openai/v1/files", body, {"Content-Type": content_type})
    assert reply.status == 400
    assert words in reply.json["error"]["message"]
    assert server.http("GET", "/openai/v1/files").json["data"] == []
    assert [path for path in (server.data / "blobs").rglob("*") if path.is_file()] == []


def test_lists_have_pages_purposes_and_an_order(serve: Serve) -> None:
    client = client_of(serve())
    made = [
        client.files.create(file=(f"{n}.jsonl", b"{}\n"), purpose="batch" if n % 2 else "user_data").id
        for n in range(7)
    ]
    assert [file.id for file in client.files.list()] == made[::-1]
    assert [file.id for file in client.files.list(order="asc")] == made
    assert [file.id for file in client.files.list(purpose="batch")] == made[5::-2]
    page = client.files.list(limit=2, after=made[4])
    assert [file.id for file in page.data] == [made[3], made[2]]
    assert page.has_more
    assert [file.id for file in client.files.list(limit=2, order="asc")] == made
    assert not client.files.list(limit=7).has_more


def test_a_file_is_seen_from_every_door(server: Server, client: genai.Client, tmp_path: Path) -> None:
    """Google's documentation: upload with google-genai, then make the batch through the OpenAI layer."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([saying("a", "there")]))
    uploaded = client.files.upload(file=str(path), config={"mime_type": "jsonl"})
    layer = client_of(server, "/v1beta/openai")
    batch = layer.batches.create(
        input_file_id=uploaded.name, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert batch.input_file_id == uploaded.name
    batch = completed(layer, batch)
    content = client.files.download(file=batch.output_file_id)
    assert json.loads(content)["response"]["body"]["choices"][0]["message"]["content"] == "there"

    mine = client_of(server).files.create(file=("x.jsonl", b"{}\n"), purpose="batch")
    assert client.files.get(name=mine.id.replace("file-", "files/")).size_bytes == 3
    assert layer.files.retrieve(mine.id).id == mine.id.replace("file-", "files/")


def test_a_batch_keeps_its_input_when_the_file_is_deleted(serve: Serve) -> None:
    client = client_of(serve("simulated:latency_ms=50"))
    batch = start(client, (saying(f"r{n}", f"say {n}") for n in range(500)))
    client.files.delete(batch.input_file_id)
    assert completed(client, batch).request_counts.completed == 500


def test_a_file_over_the_limit(serve: Serve) -> None:
    client = client_of(serve("simulated", BACKBURNER_FILE_BYTES_MAX="1000"))
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=io.BytesIO(b"x" * 2_000_000), purpose="batch")
    assert refused.value.status_code == 413
    assert "1,000 bytes" in refused.value.message
