"""A backup of a server that runs, brought back after the machine is gone: every acknowledged job goes on."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, download, stats, succeeded, text_of, upload, wire, write_lines
from tests.e2e.server import Server, clean_environment

LINES = 300


def command(*words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "backburner", *map(str, words)]
    return subprocess.run(line, env=clean_environment(), capture_output=True, text=True, check=False)


def test_a_backup_of_a_running_server_goes_on_elsewhere(serve: Serve, tmp_path: Path) -> None:
    engine = "simulated:latency_ms=60,jitter=1,seed=5"
    server = serve(engine)
    client = server.client()
    done = succeeded(client, client.batches.create(model=MODEL, src=[{"contents": "kept"}]))
    lines = [{"key": f"k{n}", "request": asking(f"say {n}")} for n in range(LINES)]
    name = client.batches.create(
        model=MODEL, src=upload(client, write_lines(tmp_path / "in.jsonl", lines))
    ).name
    while not 20 < (seen := stats(wire(server, name))["successfulRequest"]) < LINES:
        pass
    target = tmp_path / "backup"
    made = command("backup", target, "--data", server.data)
    assert made.returncode == 0, made.stderr
    assert "2 jobs" in made.stdout
    assert command("verify", "--data", server.data).returncode == 0, "beside the server, too"
    server.kill()

    other = Server(tmp_path, engine)
    restored = command("restore", target, "--data", other.data)
    assert restored.returncode == 0, restored.stderr
    assert "all sound" in restored.stdout
    other.start()
    try:
        client = other.client()
        assert stats(wire(other, name))["successfulRequest"] >= seen
        answers = download(client, succeeded(client, name))
        assert [text_of(line) for line in answers] == [f"say {n}" for n in range(LINES)]
        assert client.batches.get(name=done.name).dest.inlined_responses[0].response.text == "kept"
    finally:
        other.kill()


def test_damage_is_named_with_its_jobs_and_the_exit_code_is_1(serve: Serve) -> None:
    server = serve()
    client = server.client()
    job = succeeded(client, client.batches.create(model=MODEL, src=[{"contents": "kept"}]))
    server.kill()
    blobs = [path for path in (server.data / "blobs").glob("??/*") if path.is_file()]
    for path in blobs:
        path.write_bytes(path.read_bytes().replace(b"kept", b"lost"))
    found = command("verify", "--data", server.data)
    assert found.returncode == 1
    assert "2 damages" in found.stdout
    id_ = str(job.name).removeprefix("batches/")
    assert found.stderr.count(f"concerns {id_}") == 2
    assert f"files/batch-{id_}" in found.stderr
