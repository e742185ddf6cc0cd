"""A small tenant beside one with a hundred times its load, and a small job behind a huge one of the same tenant."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.rows import Row
from bench.service import MODEL, asking, create, ended, folder, upload, write_lines
from tests.e2e.server import Server

ENGINE = "simulated:latency_ms=50,jitter=0.5,seed=1"


def small_s(server: Server, made: Path, count: int, key: str, run: str) -> float:
    path = write_lines(made / "small.jsonl", (asking(f"small {run} {n}") for n in range(count)))
    file = upload(server, path, key)
    begun = time.perf_counter()
    ended(server, create(server, file, key=key), key, poll_s=0.02)
    return time.perf_counter() - begun


def huge_job(server: Server, made: Path, count: int, key: str) -> None:
    path = write_lines(made / "huge.jsonl", (asking(f"huge {n}") for n in range(count)))
    create(server, upload(server, path, key), key=key)


def many_jobs(server: Server, count: int, key: str) -> None:
    def make(number: int) -> None:
        items = [{"request": asking(f"many {number} {n}")} for n in range(4)]
        body = {"batch": {"inputConfig": {"requests": {"requests": items}}}}
        reply = server.http(
            "POST", f"/v1beta/models/{MODEL}:batchGenerateContent", body, {"x-goog-api-key": key}
        )
        assert reply.status == 200, reply.body

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(make, range(count // 4)))


def measure(quick: bool) -> list[Row]:
    count, times = (200, 1) if quick else (2_000, 3)
    huge = 100 * count if quick else 2_000_000
    alone: list[float] = []
    beside_huge: list[float] = []
    beside_many: list[float] = []
    behind: list[float] = []
    twenty: list[float] = []
    for what in ("huge", "many"):
        with folder() as made:
            server = Server(made, engine=ENGINE, options=("--no-pull",))
            big, small = server.made_key(), made_key(server, "small")
            server.start()
            try:
                for run in range(times):
                    if what == "huge":
                        alone.append(small_s(server, made, count, small, f"alone {run}"))
                        twenty.append(small_s(server, made, 20, big, f"alone {run}"))
                if what == "huge":
                    huge_job(server, made, huge, big)
                else:
                    many_jobs(server, 4_000 if quick else 40_000, big)
                time.sleep(2)
                for run in range(times):
                    found = beside_huge if what == "huge" else beside_many
                    found.append(small_s(server, made, count, small, f"{what} {run}"))
                    if what == "huge":
                        behind.append(small_s(server, made, 20, big, f"behind {run}"))
            finally:
                server.kill()
    return rows(count, huge, alone, beside_huge, beside_many, behind, twenty)


def rows(
    count: int,
    huge: int,
    alone: list[float],
    beside_huge: list[float],
    beside_many: list[float],
    behind: list[float],
    twenty: list[float],
) -> list[Row]:
    how = "64 slots of 50 ms, a key for each tenant;"
    return [
        Row(
            name="fair-huge",
            what=f"a job of {count:,} beside another tenant's job of {huge:,}",
            unit="s",
            runs=beside_huge,
            against="alone",
            beside=alone,
            target="<= 2",
            how=how,
        ),
        Row(
            name="fair-many",
            what=f"a job of {count:,} beside another tenant's thousands of jobs of 4",
            unit="s",
            runs=beside_many,
            against="alone",
            beside=alone,
            target="<= 2",
            how=how,
        ),
        Row(
            name="fair-behind",
            what=f"20 requests behind {huge:,} of the same tenant",
            unit="s",
            runs=behind,
            against=f"alone: {sorted(twenty)[len(twenty) // 2]:.2f} s",
            target="<= 5",
            how=how,
        ),
    ]


def made_key(server: Server, tenant: str) -> str:
    """A key of another tenant, for a server that has not started."""
    import subprocess

    from tests.e2e.server import SERVER_PYTHON, clean_environment

    command = [SERVER_PYTHON, "-m", "backburner", "keys", "create", "--tenant", tenant]
    done = subprocess.run(
        [*command, "--data", str(server.data)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return max(done.stdout.split(), key=len)
