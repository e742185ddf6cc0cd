"""Calibrates and measures policy/eta on simulated jobs: `python bench/eta_calibration.py`.

Jobs of mixed shapes: 100 to 3,000 requests, 4 to 64 slots, answer lengths log-normal with a spread of their own,
capacity that drifts by an autocorrelated factor. Half of the jobs make the table, the other half test it. Prints
the rows for eta.BAND and, per progress, the median error, the coverage of the 90 % interval and its width.
"""

import heapq
import math
import random
import statistics

from backburner.policy.eta import BAND, Sample, estimate, long_call_s

PROGRESS = tuple(row[0] for row in BAND)
JOBS = 1200


def durations(rng: random.Random) -> tuple[list[tuple[float, float]], int, int]:
    """One job: (end, duration) of every request in the order of ends, the number of requests, slots."""
    count, slots = rng.choice((100, 300, 1000, 3000)), rng.choice((4, 16, 32, 64))
    spread = rng.uniform(0.3, 1.1)
    sizes = [rng.lognormvariate(1.0, spread) for _ in range(count)]
    segment_s = max(1e-9, sum(sizes) / slots / 12)
    drift: list[float] = []
    level = 0.0
    for _ in range(400):
        level = 0.7 * level + rng.gauss(0, 0.15)
        drift.append(math.exp(level))
    free = [0.0] * min(slots, count)
    ends: list[tuple[float, float]] = []
    for size in sizes:
        begin = heapq.heappop(free)
        took = size * drift[min(len(drift) - 1, int(begin / segment_s))]
        heapq.heappush(free, begin + took)
        ends.append((begin + took, took))
    return sorted(ends), count, slots


def forecasts(rng: random.Random) -> list[tuple[float, float]]:
    """(predicted, actual) seconds left at each progress."""
    ends, count, slots = durations(rng)
    found: list[tuple[float, float]] = []
    for progress in PROGRESS:
        done = max(2, round(progress * count))
        samples = [Sample(0.0, 0), *(Sample(end, place + 1) for place, (end, _) in enumerate(ends[:done]))]
        recent = [took for _, took in ends[max(0, done - 500) : done]]
        guess = estimate(samples, count, long_call_s(recent, min(slots, count - done)))
        assert guess is not None
        found.append((guess.likely_s, ends[-1][0] - ends[done - 1][0]))
    return found


def main() -> None:
    rng = random.Random(20261121)
    jobs = [forecasts(rng) for _ in range(JOBS)]
    calibration, test = jobs[: JOBS // 2], jobs[JOBS // 2 :]
    print(f"{JOBS} jobs, half to calibrate, half to test\n")
    print("progress   row for eta.BAND       median error   coverage   upper : lower   today's table covers")
    for place, progress in enumerate(PROGRESS):
        logs = sorted(math.log(actual / likely) for likely, actual in (job[place] for job in calibration))
        low = math.exp(logs[max(0, math.floor(0.05 * (len(logs) + 1)) - 1)])
        high = math.exp(logs[min(len(logs) - 1, math.ceil(0.95 * (len(logs) + 1)) - 1)])
        pairs = [job[place] for job in test]
        error = statistics.median(abs(actual - likely) / actual for likely, actual in pairs)
        covered = sum(low <= actual / likely <= high for likely, actual in pairs) / len(pairs)
        now = sum(BAND[place][1] <= actual / likely <= BAND[place][2] for likely, actual in pairs) / len(
            pairs
        )
        row = f"({progress:.2f}, {low:.2f}, {high:.2f}),"
        print(f"{progress:8.0%}   {row:22s} {error:12.0%} {covered:10.0%} {high / low:14.1f} {now:21.0%}")


if __name__ == "__main__":
    main()
