"""Calls that somebody waits for beside a batch, on the real server: p99, and what the batch still gets."""

import asyncio
import random
import time
from pathlib import Path

import aiohttp
from bench.rows import Row
from bench.service import MODEL, asking, create, folder, job, upload, write_lines
from tests.e2e.server import Server

LATENCY_S = 0.2
SLOTS = 64
SHARE = 0.1  # of the capacity, as arrivals of a Poisson process


async def called(url: str, duration_s: float, seed: int) -> list[float]:
    """Seconds of each call, arrivals as they come and not when the one before is answered."""
    chance, took = random.Random(seed), list[float]()
    rate = SHARE * SLOTS / LATENCY_S
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(number: int) -> None:
            begun = time.perf_counter()
            async with session.post(
                f"{url}/v1beta/models/{MODEL}:generateContent", json=asking(f"now {seed} {number}")
            ) as reply:
                assert reply.status == 200, await reply.text()
                await reply.read()
            took.append(time.perf_counter() - begun)

        async with asyncio.TaskGroup() as calls:
            end_at = time.perf_counter() + duration_s
            number = 0
            while time.perf_counter() < end_at:
                await asyncio.sleep(chance.expovariate(rate))
                calls.create_task(call(number))
                number += 1
    return took


def p99_ms(took: list[float]) -> float:
    return 1000 * sorted(took)[int(0.99 * len(took))]


def batch_job(server: Server, made: Path, count: int) -> str:
    path = write_lines(made / "in.jsonl", (asking(f"batch {n}") for n in range(count)))
    return create(server, upload(server, path))


def measure(quick: bool) -> list[Row]:
    duration_s, times = (5.0, 1) if quick else (20.0, 3)
    alone: list[float] = []
    beside: list[float] = []
    batch: list[float] = []
    free: list[float] = []
    with folder() as made:
        server = Server(
            made, engine=f"simulated:latency_ms={LATENCY_S * 1000:g},seed=1", options=("--no-pull",)
        )
        server.start()
        try:
            for run in range(times):
                alone.append(p99_ms(asyncio.run(called(server.url, duration_s, run))))
            id_ = batch_job(server, made, int(2.2 * SLOTS / LATENCY_S * duration_s * times) + 5_000)
            time.sleep(3)
            for run in range(times):
                before, begun = done(server, id_), time.perf_counter()
                time.sleep(duration_s / 2)
                free.append((done(server, id_) - before) / (time.perf_counter() - begun))
                before, begun = done(server, id_), time.perf_counter()
                beside.append(p99_ms(asyncio.run(called(server.url, duration_s, 100 + run))))
                batch.append((done(server, id_) - before) / (time.perf_counter() - begun))
        finally:
            server.kill()
    how = f"{SLOTS} slots of {LATENCY_S * 1000:g} ms, Poisson arrivals of {SHARE:.0%} of the capacity, default reserve;"
    return [
        Row(
            name="interactive-p99",
            what="p99 of interactive calls beside a batch",
            unit="ms",
            runs=beside,
            against="alone",
            beside=alone,
            target="<= 1.5",
            how=how,
        ),
        Row(
            name="interactive-batch",
            what="the batch beside those calls",
            unit="/s",
            runs=batch,
            against="the batch alone",
            beside=free,
            how=how,
        ),
    ]


def done(server: Server, id_: str) -> int:
    counts = job(server, id_)["counts"]
    assert counts["pending"], "the batch ended before the calls did"
    return counts["succeeded"]
