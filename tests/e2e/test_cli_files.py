"""`backburner files` and `backburner top` against a real server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.jobs import MODEL, asking, write_lines
from tests.e2e.server import Server
from tests.e2e.test_cli import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.close()


def test_a_file_from_upload_to_delete(server: Server, shell: Shell, tmp_path: Path) -> None:
    at = ("--url", server.url)
    path = write_lines(tmp_path / "in.jsonl", ({"request": asking(f"echo {n}")} for n in range(2000)))
    name = shell("files", "upload", path, *at).stdout.strip()
    assert name.startswith("files/")
    assert [line.split()[:2] for line in shell("files", "list", *at).stdout.splitlines()[1:]] == [
        [name, "in.jsonl"]
    ]
    [listed] = [json.loads(line) for line in shell("files", "list", "--json", *at).stdout.splitlines()]
    assert listed["size_bytes"] == path.stat().st_size
    assert listed["sha256"] in shell("files", "show", name, *at).stdout

    assert shell("files", "download", name, "-o", "copy.jsonl", *at).returncode == 0
    assert (tmp_path / "copy.jsonl").read_bytes() == path.read_bytes()
    assert shell("files", "download", name, *at).stdout.encode() == path.read_bytes()
    again = shell("files", "download", name, "-o", "copy.jsonl", *at)
    assert again.returncode == 2
    assert "--force" in again.stderr

    assert f"{name} is deleted." in shell("files", "delete", name, *at).stderr
    gone = shell("files", "download", name, "-o", "gone.jsonl", *at)
    assert gone.returncode == 2
    assert f"there is no file {name.removeprefix('files/')}" in gone.stderr
    assert not (tmp_path / "gone.jsonl").exists()


def test_top_shows_engines_and_unended_jobs(server: Server, shell: Shell, tmp_path: Path) -> None:
    at = ("--url", server.url)
    path = write_lines(tmp_path / "in.jsonl", ({"request": asking(f"echo {n}")} for n in range(50_000)))
    client = server.client()
    source = client.files.upload(file=str(path), config={"mime_type": "jsonl"})
    job = client.batches.create(model=MODEL, src=source.name, config={"display_name": "nightly"})
    id_ = str(job.name).removeprefix("batches/")
    seen = shell("top", "--once", *at).stdout.splitlines()
    assert any(line.split()[:2] == ["simulated", "up"] for line in seen)
    assert any(line.split()[:2] == [id_, "nightly"] for line in seen)
    found = json.loads(shell("top", "--json", *at).stdout)
    assert [one["id"] for one in found["jobs"]] == [id_]
    client.batches.cancel(name=str(job.name))
    assert json.loads(shell("top", "--json", *at).stdout)["jobs"] == []
