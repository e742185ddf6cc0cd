"""`python -m tests.sim`: many seeds with progress, one seed again, planted bugs, figures."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count

from tests.sim import planted
from tests.sim.scenario import draw
from tests.sim.world import Report, simulate

PROCESSES = 2
SEEDS_AT_ONCE = 20  # a worker's turn; it is replaced after some, so that nothing piles up in it
TURNS_OF_A_WORKER = 25


def replay(seed: int) -> Report:
    return simulate(draw(seed))


def replay_some(seeds: range) -> list[Report]:
    return [replay(seed) for seed in seeds]


def told(report: Report) -> str:
    """What to know of a seed that failed, and how to see it again."""
    found = "\n".join(f"    {x.checker} at {x.at_s} s: {x.what}" for x in report.violations[:5])
    return (
        f"seed {report.seed} broke a promise:\n{found}\n    replay: python -m tests.sim --seed {report.seed}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="how many seeds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--seed", type=int, help="this seed alone, twice")
    parser.add_argument("--planted", action="store_true", help="plant bugs, show who sees them")
    asked = parser.parse_args()
    if asked.planted:
        lines = list(planted.table())
        print("\n".join(lines))
        return 1 if any("NOT CAUGHT" in line for line in lines) else 0
    if asked.seed is not None:
        return _one(asked.seed)
    return _many(range(asked.first, asked.first + asked.seeds))


def _one(seed: int) -> int:
    first, second = replay(seed), replay(seed)
    print(f"seed {seed}: {first.digest}, {first.requests} requests, {first.calls} calls, {first.lives} lives")
    if first.violations:
        print(told(first))
    if first != second:
        print(f"    and it does not replay: {second.digest}")
    return 1 if first.violations or first != second else 0


def _many(seeds: range) -> int:
    began, failed = time.perf_counter(), 0
    virtual_s = requests = lives = 0.0
    for place, report in zip(count(1), _reports(seeds), strict=False):
        if report.violations:
            failed += 1
            print(f"\r{told(report)}")
        virtual_s, requests, lives = (
            virtual_s + report.virtual_s,
            requests + report.requests,
            lives + report.lives,
        )
        if sys.stderr.isatty() or place % 200 == 0 or place == len(seeds):
            end = "\r" if sys.stderr.isatty() and place < len(seeds) else "\n"
            spent_s = time.perf_counter() - began
            words = f"{place} of {len(seeds)} seeds, {failed} failed, {spent_s:.0f} s"
            print(words, end=end, file=sys.stderr, flush=True)
    print(
        f"{len(seeds)} seeds: {failed} failed; {requests:.0f} requests, {lives:.0f} lives of the service, "
        f"{virtual_s / 3600:.1f} virtual hours"
    )
    return 1 if failed else 0


def _reports(seeds: range) -> Iterator[Report]:
    pieces = [seeds[at : at + SEEDS_AT_ONCE] for at in range(0, len(seeds), SEEDS_AT_ONCE)]
    with ProcessPoolExecutor(
        min(PROCESSES, os.cpu_count() or 1), max_tasks_per_child=TURNS_OF_A_WORKER
    ) as pool:
        for reports in pool.map(replay_some, pieces):
            yield from reports
