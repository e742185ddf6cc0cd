"""`backburner serve` as a process: what it prints, what it refuses, who may come in."""

import subprocess
import sys
from pathlib import Path

import pytest
from google import genai

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, succeeded
from tests.e2e.server import Server, clean_environment


def backburner(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backburner", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=clean_environment(),
        timeout=60,
    )


def test_it_says_where_it_is_and_what_to_change(server: Server) -> None:
    words = server.said("OpenAI's and Anthropic's")
    assert server.url in words
    assert "base_url" in words
    assert "simulated" in words, "the simulated engine is never chosen silently"


def test_another_address_without_a_key_is_refused_in_words(tmp_path: Path) -> None:
    done = backburner(
        "serve", "--host", "0.0.0.0", "--port", "0", "--data", "d", "--engine", "simulated", folder=tmp_path
    )
    assert done.returncode != 0
    words = done.stdout + done.stderr
    assert "key" in words
    assert "Traceback" not in words


def test_a_wrong_setting_is_named_with_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("prot = 1\n")
    done = backburner("serve", "--config", "b.toml", "--port", "0", folder=tmp_path)
    assert done.returncode != 0
    assert "prot" in done.stdout + done.stderr
    assert "b.toml" in done.stdout + done.stderr


def made_key(data: Path) -> str:
    """A new key as `keys create` prints it: the longest word of its output."""
    done = backburner("keys", "create", "--data", str(data), folder=data.parent)
    assert done.returncode == 0, done.stderr
    return max(done.stdout.split(), key=len)


def test_with_keys_only_a_key_opens_the_door(tmp_path: Path, serve: Serve) -> None:
    server = Server(tmp_path)
    key = made_key(server.data)
    try:
        server.start()
        job = server.client(key=key).batches.create(model=MODEL, src=[{"contents": "x"}])
        succeeded(server.client(key=key), job)

        with pytest.raises(genai.errors.ClientError) as bad:
            server.client(key="wrong").batches.get(name=job.name)
        assert (bad.value.code, bad.value.status) == (400, "INVALID_ARGUMENT")
        assert "API key not valid" in bad.value.message
        assert bad.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"

        path = f"/v1beta/{job.name}"
        assert server.http("GET", path, headers={"x-goog-api-key": ""}).status == 403
        assert server.http("GET", f"{path}?key={key}", headers={"x-goog-api-key": ""}).status == 200
        bearer = {"x-goog-api-key": "", "Authorization": f"Bearer {key}"}
        assert server.http("GET", path, headers=bearer).status == 200
        assert key not in (server.data / "catalog.db").read_bytes().decode("latin-1"), "keys are kept hashed"
    finally:
        server.kill()


def test_one_tenant_does_not_see_anothers_jobs_and_files(tmp_path: Path) -> None:
    server = Server(tmp_path)
    mine = made_key(server.data)
    done = backburner("keys", "create", "--data", str(server.data), "--tenant", "other", folder=tmp_path)
    theirs = max(done.stdout.split(), key=len)
    try:
        server.start()
        job = server.client(key=mine).batches.create(model=MODEL, src=[{"contents": "x"}])
        (tmp_path / "a.txt").write_text("x")
        file = server.client(key=mine).files.upload(file=str(tmp_path / "a.txt"))

        stranger = {"x-goog-api-key": theirs}
        for foreign, missing in (
            (job.name, "batches/" + "0" * 36),
            (file.name, "files/" + "0" * 12),
        ):
            other = server.http("GET", f"/v1beta/{foreign}", headers=stranger)
            nothing = server.http("GET", f"/v1beta/{missing}", headers=stranger)
            assert other.status == nothing.status
            ours, none = foreign.encode(), missing.encode()
            assert other.body.replace(ours, none).replace(ours.split(b"/")[1], none.split(b"/")[1]) == (
                nothing.body
            )
        assert list(server.client(key=theirs).batches.list()) == []
        assert list(server.client(key=theirs).files.list()) == []
    finally:
        server.kill()
