"""Images of a file job reach an OpenAI-compatible engine byte for byte (acceptance 9)."""

import base64
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.doubles.recording_server import RecordingServer
from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, download, ended, succeeded, text_of, upload, write_lines
from tests.e2e.server import Server

COUNT = 6


def picture(seed: int) -> bytes:
    chance = random.Random(seed)
    image = Image.frombytes("RGB", (32, 32), chance.randbytes(32 * 32 * 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def upstream() -> Iterator[RecordingServer]:
    with RecordingServer(models=("vision-model",)).in_thread() as server:
        yield server


@pytest.fixture
def server(serve: Serve, upstream: RecordingServer, tmp_path: Path) -> Server:
    config = tmp_path / "backburner.toml"
    config.write_text(
        f"""
        [engines.vision]
        kind = "openai"
        base_url = "{upstream.base_url}"

        [models]
        "*" = "vision/vision-model"
        """
    )
    return serve(engine=None, options=["--config", str(config)])


def images_sent(upstream: RecordingServer) -> dict[str, bytes]:
    """For each chat that arrived, its text and the bytes of its image."""
    found: dict[str, bytes] = {}
    for chat in upstream.chats:
        parts = chat.json["messages"][-1]["content"]
        [text] = [part["text"] for part in parts if part["type"] == "text"]
        [url] = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        head, _, data = url.partition(",")
        assert head == "data:image/png;base64"
        found[text] = base64.b64decode(data)
    return found


def test_the_bytes_of_uploaded_images_arrive(
    server: Server, upstream: RecordingServer, tmp_path: Path
) -> None:
    client = server.client()
    lines: list[object] = []
    for n in range(COUNT):
        (tmp_path / f"{n}.png").write_bytes(picture(n))
        file = client.files.upload(file=str(tmp_path / f"{n}.png"))
        assert file.mime_type == "image/png"
        # by its URI and, which is accepted too, by its bare name
        uri = file.uri if n % 2 else file.name
        parts = [{"fileData": {"fileUri": uri, "mimeType": "image/png"}}, {"text": f"what is on {n}?"}]
        lines.append({"key": f"image-{n}", "request": {"contents": [{"role": "user", "parts": parts}]}})
    job = client.batches.create(model=MODEL, src=upload(client, write_lines(tmp_path / "in.jsonl", lines)))
    found = download(client, succeeded(client, job))

    assert [line["key"] for line in found] == [f"image-{n}" for n in range(COUNT)]
    assert [text_of(line) for line in found] == [f"what is on {n}?" for n in range(COUNT)]
    assert images_sent(upstream) == {f"what is on {n}?": picture(n) for n in range(COUNT)}


def test_an_image_inside_the_request_arrives_too(
    server: Server, upstream: RecordingServer, tmp_path: Path
) -> None:
    data = base64.urlsafe_b64encode(picture(9)).decode()  # as the Python SDK sends it
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}, {"text": "inline"}]
    reply = server.http("POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": parts}]})
    assert reply.status == 200, reply.body
    assert images_sent(upstream) == {"inline": picture(9)}


def test_a_file_that_is_gone_fails_its_line_alone(
    server: Server, upstream: RecordingServer, tmp_path: Path
) -> None:
    client = server.client()
    gone = {"fileData": {"fileUri": "files/nothere", "mimeType": "image/png"}}
    lines = [
        {"key": "a", "request": {"contents": [{"parts": [gone, {"text": "what?"}]}]}},
        {"key": "b", "request": {"contents": [{"parts": [{"text": "fine"}]}]}},
    ]
    path = write_lines(tmp_path / "in.jsonl", lines)
    config = {"http_options": {"extra_body": {"batch": {"onInvalid": "skip"}}}}
    job = client.batches.create(model=MODEL, src=upload(client, path), config=config)
    first, second = download(client, ended(client, job))
    assert "files/nothere" in first["error"]["message"]
    assert text_of(second) == "fine"
