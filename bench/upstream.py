"""Through an `openai` engine, beside a bare loop that calls the same server and throws the answers away."""

import subprocess
import sys

from bench.echo_server import echoing
from bench.rows import REPO, Row
from bench.service import asking, folder, seconds, upload, write_lines
from tests.e2e.server import Server

SLOTS = 128


def bare(client: str, port: int, count: int) -> float:
    """Requests per second of the bare loop, in a process of its own."""
    command = [sys.executable, "-m", "bench.bare_loop", client, str(port), str(count), str(SLOTS)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    return float(done.stdout)


def ours(port: int, count: int, run: int) -> float:
    with folder() as made:
        config = made / "backburner.toml"
        config.write_text(
            f'engine = "up"\n[engines.up]\nkind = "openai"\nserver = "generic"\nslots = {SLOTS}\n'
            f'base_url = "http://127.0.0.1:{port}/v1"\nmodels = ["gemini-2.5-flash"]\n'
        )
        server = Server(made, engine=None, options=("--config", str(config), "--no-pull"))
        server.start()
        try:
            path = write_lines(made / "in.jsonl", (asking(f"{run} {n}") for n in range(count)))
            return count / seconds(server, upload(server, path))
        finally:
            server.kill()


def measure(quick: bool) -> list[Row]:
    count, times = (5_000, 1) if quick else (100_000, 2)
    runs: list[float] = []
    fastest: list[float] = []
    loops: dict[str, float] = {}
    with echoing() as echo:
        for run in range(times):
            before = echo.calls()
            runs.append(ours(echo.port, count, run))
            made = echo.calls() - before
            assert made == count, f"{made} calls for {count} requests"
            loops = {client: bare(client, echo.port, count) for client in ("aiohttp", "pycurl")}
            fastest.append(max(loops.values()))
    how = f"{count:,} small unique requests, {SLOTS} at once, {count:,} calls made by the server's own count;"
    return [
        Row(
            name="upstream",
            what="requests through an OpenAI-compatible server",
            unit="/s",
            runs=runs,
            against=f"bare loop ({max(loops, key=lambda name: loops.get(name, 0.0))})",
            beside=fastest,
            target=">= 0.6",
            how=how,
        )
    ]
