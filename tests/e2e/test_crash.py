"""kill -9 at any moment: the job goes on by itself, nothing is lost, and only calls in flight are repeated."""

import random
import time
from pathlib import Path

import pytest

from tests.e2e.calls import Calls
from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, download, stats, succeeded, text_of, upload, wire, write_lines
from tests.e2e.server import Server

LINES = 2_000
SLOTS = 64  # calls that the simulated engine is given at once


def repeats_are_excused(calls: Calls) -> str:
    """Empty when every call made again had been in flight when its process was killed.

    A call that the engine has just answered is in flight until its outcome is committed, which happens in
    groups within milliseconds: the answers logged last may be among them.
    """
    pids = calls.pids()
    for place, pid in enumerate(pids[:-1]):
        later = {tag for next_pid in pids[place + 1 :] for tag in calls.started(next_pid)}
        repeated = set(calls.started(pid)) & later
        in_flight = calls.in_flight(pid)
        spare = SLOTS - len(in_flight)
        just_answered = set(calls.answered(pid)[-spare:]) if spare > 0 else set()
        if unexcused := repeated - in_flight - just_answered:
            return f"process {place}: {len(unexcused)} calls were made again, {sorted(unexcused)[:5]}"
        if len(repeated) > SLOTS:
            return f"process {place}: {len(repeated)} calls were made again, more than can be in flight"
    return ""


def killed_and_restarted(server: Server, tmp_path: Path, kills: int, seed: int) -> None:
    """Runs the 2,000-line job with `kills` kills at random moments of it and checks everything about it."""
    chance = random.Random(seed)
    client = server.client()
    keys = [f"key-{n:04d}" for n in range(LINES)]
    chance.shuffle(keys)
    lines = ({"key": key, "request": asking(f"echo {key}")} for key in keys)
    job = client.batches.create(
        model=MODEL,
        src=upload(client, write_lines(tmp_path / "in.jsonl", lines)),
        config={"display_name": "K"},
    )
    done = 0
    for kill in range(kills):
        # wait for a random share of what is left, so that all the kills fall into the job
        aim = done + chance.randint(0, max(1, (LINES - done) // (kills - kill + 1)))
        give_up_at = time.monotonic() + 60
        while done < aim:
            assert time.monotonic() < give_up_at
            time.sleep(0.005)
            done = stats(wire(server, job.name))["successfulRequest"]
        time.sleep(chance.random() * 0.02)
        server.kill()
        server.start()
        after = stats(wire(server, job.name))
        assert after["request"] == LINES
        assert after["successfulRequest"] >= done, "what was seen as done stays done"
        done = after["successfulRequest"]

    final = download(client, succeeded(client, job.name, timeout_s=120))
    assert [line["key"] for line in final] == keys
    assert [text_of(line) for line in final] == [f"echo {key}" for key in keys]
    calls = Calls(server.folder / "calls.jsonl")
    assert len(calls.pids()) > kills // 2, "the kills must fall into the job for this test to mean anything"
    assert repeats_are_excused(calls) == ""


def test_kill_9_three_times(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=60,jitter=1,seed=5,log=calls.jsonl")
    killed_and_restarted(server, tmp_path, kills=3, seed=11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kill_9_ten_times(serve: Serve, tmp_path: Path, seed: int) -> None:
    """Acceptance 5."""
    server = serve("simulated:latency_ms=100,jitter=1,seed=5,log=calls.jsonl")
    killed_and_restarted(server, tmp_path, kills=10, seed=seed)


def test_a_create_that_was_acknowledged_is_there_after_kill_9(serve: Serve) -> None:
    server = serve("simulated:latency_ms=2000")
    client = server.client()
    source = [{"contents": f"say {n}", "metadata": {"n": str(n)}} for n in range(10)]
    name = client.batches.create(model=MODEL, src=source, config={"display_name": "kept"}).name
    server.kill()
    server.start()

    job = succeeded(client, name)
    assert job.display_name == "kept"
    assert [item.response.text for item in job.dest.inlined_responses] == [f"say {n}" for n in range(10)]
    assert [item.metadata["n"] for item in job.dest.inlined_responses] == [str(n) for n in range(10)]


def test_results_and_files_are_there_after_kill_9(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    client = server.client()
    name = upload(client, write_lines(tmp_path / "in.jsonl", [{"key": "a", "request": asking("kept")}]))
    job = succeeded(client, client.batches.create(model=MODEL, src=name))
    server.kill()
    server.start()

    assert client.files.get(name=name).size_bytes == (tmp_path / "in.jsonl").stat().st_size
    assert [text_of(line) for line in download(client, client.batches.get(name=job.name))] == ["kept"]


def test_sigterm_drains_and_exits_with_0(serve: Serve) -> None:
    server = serve("simulated:latency_ms=200,log=calls.jsonl")
    client = server.client()
    source = [{"contents": f"say {n}"} for n in range(800)]
    name = client.batches.create(model=MODEL, src=source).name
    time.sleep(0.5)
    assert server.stop() == 0, server.words()

    calls = Calls(server.folder / "calls.jsonl")
    assert calls.in_flight(calls.pids()[0]) == set(), "running calls got their few seconds"
    server.start()
    job = succeeded(client, name)
    assert [item.response.text for item in job.dest.inlined_responses] == [f"say {n}" for n in range(800)]
    assert Calls(server.folder / "calls.jsonl").repeated() == {}, "a drained server repeats nothing"


def test_a_second_server_on_the_same_data_is_refused_in_words(serve: Serve) -> None:
    first = serve()
    second = Server(first.folder)
    second.output = first.folder / "second.log"
    with pytest.raises(AssertionError) as refused:
        second.start()
    words = str(refused.value)
    assert "Traceback" not in words
    assert str(first.data) in words
