"""The estimated end through the whole service, in virtual time:

    python -m bench.eta_house [JOBS [SEED]]

The shapes of bench/eta_jobs.py, of up to MOST requests, run one after the other by a real House with an engine that
takes as long as the shape says; what its progress foretells at parts of the requests is held against the end. No rival
here, and the slots are those that the engine really has.
"""

import random
import statistics
import sys
import time
from collections.abc import Sequence

import msgspec
from bench.eta_jobs import Load, load, shape
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, memory_folder, running
from tests.doubles.virtual_time import VirtualClock, run

from backburner.house import House
from backburner.service.progress import Progress

JOBS = 40
MOST = 800
PARTS = (0.1, 0.5, 0.9)
BYTES_LEAST, BYTES_MOST = 8, 20_000
LIMIT_S = 30 * 86400.0


class Foretold(msgspec.Struct, frozen=True):
    """Seconds from the look to the end: what was foretold, and what came."""

    part: float
    earliest_s: float
    likely_s: float
    latest_s: float
    confidence: float
    actual_s: float

    @property
    def held(self) -> bool:
        return self.earliest_s <= self.actual_s <= self.latest_s


def measure(count: int, seed: str) -> list[Foretold]:
    """Of `count` jobs at each of PARTS."""
    return [found for number in range(count) for found in _one(random.Random(f"{seed}/{number}"))]


def _one(rng: random.Random) -> list[Foretold]:
    chosen = shape(rng)
    job = load(rng, msgspec.structs.replace(chosen, count=min(MOST, chosen.count)))
    clock = VirtualClock()

    def play(text: str, nth: int) -> Play:
        return Play(job.work[int(text.split(" ", 1)[0])] * job.slower(clock.monotonic()))

    async def main() -> list[Foretold]:
        engine = ScriptedEngine(clock, play, slots=job.shape.slots)
        with memory_folder() as folder:
            async with running(folder, engine, clock) as house:
                return await _watched(house, job)

    return run(main, limit_s=LIMIT_S)


async def _watched(house: House, job: Load) -> list[Foretold]:
    made = await create(house, [_line(number, size) for number, size in enumerate(job.sizes)])
    step_s = job.segment_s / 40
    told: dict[float, Progress] = {}
    while len(told) < len(PARTS):
        await house.clock.sleep(step_s)
        found = await house.progress.snapshot("default", made.id)
        if found.job.ended:
            break
        done = 1 - found.job.counts.pending / found.job.counts.total
        for part in PARTS:
            if part not in told and done >= part and found.completion is not None:
                told[part] = found
    end_at = (await ended(house, made)).ended_at
    assert end_at is not None
    return [_foretold(part, found, end_at) for part, found in told.items()]


def _line(number: int, size: float) -> bytes:
    text = b"k%d|%d " % (number, number)
    return text + b"x" * max(BYTES_LEAST, min(BYTES_MOST, int(size)) - len(text))


def _foretold(part: float, found: Progress, end_at: float) -> Foretold:
    end = found.completion
    assert end is not None
    left = (at - found.at for at in (end.earliest_at, end.likely_at, end.latest_at))
    return Foretold(part, *left, end.confidence, end_at - found.at)


def row(part: float, found: Sequence[Foretold]) -> str:
    error = statistics.median(abs(one.actual_s - one.likely_s) / one.actual_s for one in found)
    widths = sorted(one.latest_s / max(1e-9, one.earliest_s) for one in found)
    held = statistics.fmean(one.held for one in found)
    said = statistics.fmean(one.confidence for one in found)
    middle, widest = widths[len(widths) // 2], widths[-1]
    return f"{part:8.0%}{len(found):7}{error:8.0%}{held:10.0%}{said:10.0%}{middle:10.1f}{widest:8.1f}"


def main() -> None:
    count = int(sys.argv[1]) if sys.argv[1:] else JOBS
    begin = time.perf_counter()
    found = measure(count, sys.argv[2] if sys.argv[2:] else "house")
    print("requests   jobs   error   covered   it said     width     max")
    for part in PARTS:
        print(row(part, [one for one in found if one.part == part]))
    print(f"\n{count} jobs through the service in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
