"""Measures the figures of the README, each against a server process of its own.

    python -m bench.figures [NAME ...]      all by default; --list names them

Prints one line for each: what, the figure, and how it came about. A figure depends on the machine and on what else
runs there, so the README says which machine and which day. The models must have been pulled (make models).
"""

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.e2e.calls import Calls
from tests.e2e.jobs import EMBEDDING_MODEL, MODEL, asking, ended, stats, upload, wire, write_lines
from tests.e2e.server import REPO, Server
from tests.e2e.test_crash import SLOTS, killed_and_restarted, repeats_are_excused

from backburner.core.job import JobKind
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Source

MIB = 1024**2
REQUESTS = 20_000
CHECKED_LINES = 200_000
CHATS = 100
TEXTS = 2_000
BIG_LINES = 1024 * 256  # of 4 KiB each: a gigabyte
KILLS = 10
SENTENCE = "the quick brown fox jumps over a lazy dog while seven bright ideas sleep under old green trees"


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    value: str
    how: str


def started(folder: Path, engine: str | None) -> Server:
    server = Server(folder, engine=engine)
    server.start()
    server.client().models.list()
    return server


def job_seconds(server: Server, lines: Iterator[Any], model: str, embed: bool = False) -> tuple[float, str]:
    """From the create call to the end of a file job, and the job's name."""
    client = server.client()
    name = upload(client, write_lines(server.folder / "in.jsonl", lines))
    begin = time.perf_counter()
    if embed:
        job = client.batches.create_embeddings(model=model, src={"file_name": name})
    else:
        job = client.batches.create(model=model, src=name)
    ended(client, job, timeout_s=900)
    elapsed_s = time.perf_counter() - begin
    counts = stats(wire(server, job.name))
    assert counts["successfulRequest"] == counts["request"], counts
    return elapsed_s, job.name


def requests(folder: Path) -> Figure:
    server = started(folder, "simulated")
    try:
        lines = ({"key": str(n), "request": asking(f"echo {n}")} for n in range(REQUESTS))
        elapsed_s, _ = job_seconds(server, lines, MODEL)
    finally:
        server.kill()
    how = f"a file job of {REQUESTS:,} lines on the simulated engine without latency, create call to last result"
    return Figure("requests through the whole service", f"{REQUESTS / elapsed_s:,.0f}/s", how)


def checking(folder: Path) -> Figure:
    lines = [
        json.dumps({"key": f"key-{n:06d}", "request": asking(f"{n:06d} " + "x" * 1_000, temperature=0.7)})
        for n in range(CHECKED_LINES // 50)
    ]
    chunk = "".join(line + "\n" for line in lines).encode()
    source = Source("files/x", JobKind.GENERATE, MODEL)
    dialect = GeminiDialect()
    begin = time.perf_counter()
    for _ in range(50):
        assert not any(found.violations for found in dialect.check_lines(chunk, source, 0, 1, 0))
    elapsed_s = time.perf_counter() - begin
    how = f"{CHECKED_LINES:,} lines of {len(lines[0])} bytes, every field checked, on one core"
    return Figure("input lines checked", f"{CHECKED_LINES / elapsed_s:,.0f}/s", how)


def memory(folder: Path) -> Figure:
    server = started(folder, "simulated:latency_ms=50")
    try:
        job_seconds(server, iter([{"key": "a", "request": asking("x")}]), MODEL)  # load what is loaded once
        time.sleep(1)
        before = peak = server.rss_bytes()
        over = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not over.wait(0.1):
                peak = max(peak, server.rss_bytes())

        threading.Thread(target=watch, daemon=True).start()
        padding = "x" * 4_096
        lines = ({"key": f"k{n}", "request": asking(f"{n} {padding}")} for n in range(BIG_LINES))
        path = write_lines(folder / "big.jsonl", lines)
        client = server.client()
        job = client.batches.create(model=MODEL, src=upload(client, path))
        while stats(wire(server, job.name))["request"] < BIG_LINES:
            time.sleep(0.2)
        time.sleep(3)
        over.set()
        size_bytes = path.stat().st_size
    finally:
        server.kill()
    how = (
        f"a file of {size_bytes / 1e9:.2f} GB uploaded, made a job of and run; {before / MIB:.0f} MiB before, "
        f"{peak / MIB:.0f} MiB at most, children included"
    )
    return Figure("memory that a 1 GB job costs", f"{(peak - before) / MIB:.0f} MiB", how)


def crash(folder: Path) -> Figure:
    server = Server(folder, engine="simulated:latency_ms=100,jitter=1,seed=5,log=calls.jsonl")
    server.start()
    try:
        killed_and_restarted(server, folder, kills=KILLS, seed=1)
    finally:
        server.kill()
    calls = Calls(folder / "calls.jsonl")
    assert repeats_are_excused(calls) == ""
    again = sum(times - 1 for times in calls.repeated().values())
    how = (
        f"kill -9 {KILLS} times during a job of 2,000 requests, {SLOTS} under way at a time: 2,000 results in order, "
        f"each key once; the engine's own log has {again / KILLS:.0f} calls made again for each kill"
    )
    return Figure("answers lost, answers given twice", "0, 0", how)


def answers(folder: Path) -> Figure:
    server = started(folder, None)
    try:
        client = server.client()
        client.models.generate_content(model=MODEL, contents="Hello.", config={"max_output_tokens": 4})
        lines = (
            {"key": str(n), "request": asking(f"Tell me something about the number {n}.", maxOutputTokens=64)}
            for n in range(CHATS)
        )
        elapsed_s, name = job_seconds(server, lines, MODEL)
        file = client.batches.get(name=name).dest.file_name
        found = [json.loads(line) for line in client.files.download(file=file).splitlines()]
    finally:
        server.kill()
    tokens = sum(line["response"]["usageMetadata"]["candidatesTokenCount"] for line in found)
    how = (
        f"a file job of {CHATS} questions, up to 64 tokens each, on SmolLM2-135M-Instruct, the model open: "
        f"{elapsed_s:.1f} s, {tokens / elapsed_s:,.0f} tokens/s"
    )
    return Figure("answers of the embedded model", f"{CHATS / elapsed_s:.1f}/s", how)


def embeddings(folder: Path) -> Figure:
    server = started(folder, None)
    words = SENTENCE.split()
    try:
        server.client().models.embed_content(model=EMBEDDING_MODEL, contents="Hello.")
        texts = (" ".join(words[(n + k) % len(words)] for k in range(30)) + f" {n}" for n in range(TEXTS))
        lines = (
            {"key": str(n), "request": {"content": {"parts": [{"text": t}]}}} for n, t in enumerate(texts)
        )
        elapsed_s, _ = job_seconds(server, lines, EMBEDDING_MODEL, embed=True)
    finally:
        server.kill()
    how = f"a file job of {TEXTS:,} texts of 30 words on all-MiniLM-L6-v2, the model open: {elapsed_s:.1f} s"
    return Figure("embeddings of the embedded model", f"{TEXTS / elapsed_s:,.0f}/s", how)


FIGURES: dict[str, Callable[[Path], Figure]] = {
    figure.__name__: figure for figure in (requests, checking, memory, crash, answers, embeddings)
}


def machine() -> str:
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    names = [line.partition(":")[2].strip() for line in model.splitlines() if line.startswith("Model name")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False
    )
    return (
        f"{os.cpu_count()} CPUs ({names[0] if names else platform.machine()}), {memory_bytes / 1e9:.0f} GB, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, commit {commit.stdout.strip()}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*FIGURES, []], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(FIGURES))
        return 0
    print(time.strftime("%Y-%m-%d"), machine(), flush=True)
    for name in arguments.names or FIGURES:
        with tempfile.TemporaryDirectory(prefix="backburner-figures-") as folder:
            figure = FIGURES[name](Path(folder))
        print(f"{name:<11} {figure.what}: {figure.value} ({figure.how})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
