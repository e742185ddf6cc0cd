"""Large jobs: linear time, bounded memory, an early first answer while the input is still read, and a restart in the
middle. One file of about a kilobyte a line; two million of them are 2 GB."""

import threading
import time
from pathlib import Path

import msgspec
from bench.rows import Row
from bench.service import asking, create, folder, job, upload, write_lines
from tests.e2e.server import Server

MIB = 1024**2
PADDING = "x" * 880
SIZES, QUICK_SIZES = (100_000, 500_000, 2_000_000), (10_000, 40_000)


class Watched(msgspec.Struct, kw_only=True):
    """Seconds from the create call."""

    first_s: float = 0.0
    scanned_s: float = 0.0
    ended_s: float = 0.0
    peak_mib: float = 0.0


def watch_memory(server: Server, over: threading.Event, found: Watched) -> None:
    while not over.wait(0.25):
        found.peak_mib = max(found.peak_mib, server.rss_bytes() / MIB)


def ran(server: Server, path: Path) -> Watched:
    file = upload(server, path)
    found, over = Watched(), threading.Event()
    threading.Thread(target=watch_memory, args=(server, over, found), daemon=True).start()
    begun = time.perf_counter()
    id_ = create(server, file)
    while True:
        seen, at_s = job(server, id_), time.perf_counter() - begun
        if seen["counts"]["succeeded"] and not found.first_s:
            found.first_s = at_s
        if seen["scanned"] and not found.scanned_s:
            found.scanned_s = at_s
        if seen["ended"]:
            found.ended_s = at_s
            break
        time.sleep(0.1)
    over.set()
    assert seen["counts"]["succeeded"] == seen["counts"]["total"], seen["counts"]
    return found


def decode_only(path: Path) -> float:
    """Lines per second of a loop that only decodes them, with the library that we use."""
    decode, begun, count = msgspec.json.decode, time.perf_counter(), 0
    with path.open("rb") as file:
        for line in file:
            decode(line)
            count += 1
    return count / (time.perf_counter() - begun)


def intake_alone(path: Path, count: int) -> float:
    """Lines per second of intake on an engine that is down, so that nothing runs beside it."""
    with folder() as made:
        server = Server(made, engine="simulated:latency_ms=3600000", options=("--no-pull",))
        server.start()
        try:
            file = upload(server, path)
            begun = time.perf_counter()
            id_ = create(server, file)
            while not job(server, id_)["scanned"]:
                time.sleep(0.05)
            return count / (time.perf_counter() - begun)
        finally:
            server.kill()


def restart(path: Path, count: int) -> float:
    """Seconds from kill -9 in the middle of the job to the first new call of an engine."""
    with folder() as made:
        log = made / "calls.jsonl"
        server = Server(made, engine=f"simulated:log={log}", options=("--no-pull",))
        server.start()
        try:
            id_ = create(server, upload(server, path))
            while job(server, id_)["counts"]["succeeded"] < count / 2:
                time.sleep(0.2)
            server.kill()
            before, begun = log.stat().st_size, time.perf_counter()
            server.start()
            while log.stat().st_size <= before:
                time.sleep(0.02)
            return time.perf_counter() - begun
        finally:
            server.kill()


def job_rows(count: int, path: Path, found: Watched) -> list[Row]:
    how = f"a file of {path.stat().st_size / 1e9:.2f} GB, unique requests, the simulated engine;"
    size = f"{count:,} requests"
    return [
        Row(name=f"size-{count}", what=f"{size} in one job", unit="s", runs=[found.ended_s], how=how),
        Row(
            name=f"size-{count}-memory",
            what=f"{size}: memory at most, children included",
            unit="MiB",
            runs=[found.peak_mib],
            target="<= 300",
            how=how,
        ),
        Row(
            name=f"size-{count}-first",
            what=f"{size}: first answer",
            unit="s",
            runs=[found.first_s],
            against=f"all lines read after {found.scanned_s:.1f} s",
            target="<= 5",
            how=how,
        ),
    ]


def intake_row(path: Path, count: int, times: int) -> Row:
    intake: list[float] = []
    decoding: list[float] = []
    for _ in range(times):
        intake.append(intake_alone(path, count))
        decoding.append(decode_only(path))
    return Row(
        name="intake",
        what="lines read, checked and recorded",
        unit="/s",
        runs=intake,
        against="only decoding them",
        beside=decoding,
        target=">= 0.5",
    )


def measure(quick: bool) -> list[Row]:
    rows: list[Row] = []
    each_us: list[float] = []
    sizes = QUICK_SIZES if quick else SIZES
    with folder() as inputs:
        path = inputs / "in.jsonl"
        for count in sizes:
            write_lines(path, (asking(f"{n} {PADDING}") for n in range(count)))
            with folder() as made:
                server = Server(made, options=("--no-pull",))
                server.start()
                try:
                    found = ran(server, path)
                finally:
                    server.kill()
            each_us.append(1e6 * found.ended_s / count)
            rows += job_rows(count, path, found)
        linear = Row(
            name="size-linear",
            what=f"time per request, {sizes[-1]:,} beside the smallest",
            unit="us",
            runs=each_us[-1:],
            against="the smallest job",
            beside=each_us[:1],
            target="<= 1.2",
            how="finishing included;",
        )
        again = Row(
            name="restart",
            what=f"calling again after kill -9 in the middle of {sizes[-1]:,} requests",
            unit="s",
            runs=[restart(path, sizes[-1])],
            target="<= 10",
        )
        return [*rows, linear, again, intake_row(path, sizes[-1], 1 if quick else 3)]
