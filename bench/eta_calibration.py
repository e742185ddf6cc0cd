"""Makes the table of policy/eta_band.py and measures the estimated end against the targets of issue 3:

    python -m bench.eta_calibration [SEED]

Half of the simulated jobs (bench/eta_jobs.py) make the rows of SCORES, the other half tests the table that is in the
package; its seed may be named, so that nobody tunes to one. Progress is the part of the work (seconds of a slot) that
is done, the truth and not what the estimate thinks. Exit code 1 when a target is missed.
"""

import bisect
import math
import statistics
import sys
import time
from collections.abc import Iterable, Sequence

import msgspec
from bench.eta_jobs import Shape, Simulated, jobs

from backburner.policy import eta
from backburner.policy.eta_band import PARTS, SCORES, WIDEST, band
from backburner.policy.eta_calls import Call
from backburner.policy.eta_rate import Rate

JOBS = 500  # for the table, and as many others for the test
PROGRESS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
TARGETS = (0.1, 0.5, 0.9)
OUTER_LATE = (
    0.015  # instead of PARTS[0], from LATE on: so many are cut there that the others must make up for it
)
LATE = 0.9


class Case(msgspec.Struct, frozen=True):
    """A forecast at a progress, and how many seconds were really left."""

    shape: Shape
    progress: float
    forecast: eta.Forecast
    actual_s: float

    @property
    def error(self) -> float:
        middle = band(self.forecast.progress, self.forecast.doubt).middle
        return abs(self.actual_s - self.forecast.median_s * middle) / self.actual_s

    @property
    def log_off(self) -> float:
        return math.log(self.actual_s / self.forecast.median_s)

    @property
    def covered(self) -> bool:
        found = band(self.forecast.progress, self.forecast.doubt)
        return found.low <= self.actual_s / self.forecast.median_s <= found.high

    @property
    def width(self) -> float:
        found = band(self.forecast.progress, self.forecast.doubt)
        return found.high / found.low

    @property
    def confidence(self) -> float:
        return band(self.forecast.progress, self.forecast.doubt).confidence


def cases(seed: str) -> list[Case]:
    return [case for job in jobs(seed, JOBS) for case in _forecasts(job)]


def _forecasts(job: Simulated) -> Iterable[Case]:
    by_end = sorted(range(job.shape.count), key=lambda place: job.ends[place])
    whole = sum(job.ends) - sum(job.begins)
    worked, made = 0.0, 0
    for progress in PROGRESS:
        while worked < progress * whole and made < job.shape.count - 1:
            worked += job.ends[by_end[made]] - job.begins[by_end[made]]
            made += 1
        view = _view(job, by_end, max(2, made))
        found = eta.forecast(view)
        assert found is not None
        left_s = job.ends[by_end[-1]] - job.ends[by_end[max(2, made) - 1]]
        yield Case(job.shape, progress, found, left_s)


def _view(job: Simulated, by_end: Sequence[int], made: int) -> eta.View:
    now = job.ends[by_end[made - 1]]
    since = made - max(1, made // 3)
    since_at = job.ends[by_end[since - 1]] if since else 0.0
    begun = bisect.bisect_right(job.begins, now)
    under_way = [place for place in by_end[made:] if place < begun]
    return eta.View(
        ended=[Call(job.sizes[x], job.ends[x] - job.begins[x]) for x in spread(by_end[:made], eta.CALLS)],
        made=made,
        under_way=[Call(job.sizes[place], now - job.begins[place]) for place in under_way],
        under_way_count=len(under_way),
        queued=[job.sizes[place] for place in spread(range(begun, job.shape.count), eta.QUEUED)],
        queued_count=job.shape.count - begun,
        slots=len(under_way),
        rate=Rate((made - since) / (now - since_at), made - since) if now > since_at else Rate(0.0, 0),
    )


def spread(items: Sequence[int], most: int) -> Sequence[int]:
    """Some of them, evenly."""
    return items if len(items) <= most else [items[place * len(items) // most] for place in range(most)]


def table(calibration: Sequence[Case]) -> Iterable[str]:
    """The rows of SCORES."""
    for progress in PROGRESS:
        found = [case for case in calibration if _row_of(case.forecast.progress) == progress]
        scores = sorted(case.log_off / case.forecast.doubt for case in found)
        parts = [OUTER_LATE, *PARTS[1:-1], 1 - OUTER_LATE] if progress >= LATE else PARTS
        row = [scores[min(len(scores) - 1, max(0, round(part * (len(scores) + 1)) - 1))] for part in parts]
        yield f"    ({progress:.2f}, ({', '.join(f'{score:.2f}' for score in row)})),"


def _row_of(progress: float) -> float:
    """The nearest row, by the odds."""
    return min(PROGRESS, key=lambda row: abs(math.log(row / (1 - row)) - math.log(progress / (1 - progress))))


def measured(name: str, found: Sequence[Case]) -> str:
    widths = sorted(case.width for case in found)
    return (
        f"{name:<26}{len(found):6}{statistics.median(case.error for case in found):10.0%}"
        f"{share(case.covered for case in found):10.1%}{widths[len(widths) // 2]:9.1f}"
        f"{widths[9 * len(widths) // 10]:7.1f}{widths[-1]:7.1f}"
        f"{statistics.fmean(case.confidence for case in found):11.0%}"
        f"{share(case.confidence < 0.89 for case in found):9.0%}"
    )


def share(said: Iterable[bool]) -> float:
    return statistics.fmean(float(one) for one in said)


def shapes(found: Sequence[Case]) -> Iterable[tuple[str, list[Case]]]:
    for low, high in ((0, 4), (4, 16), (16, 64), (64, 256), (256, 10**9)):
        part = [case for case in found if low <= case.shape.waves < high]
        name = f"{low} to {high}" if high < 10**9 else f"over {low}"
        yield f"  {name} requests a slot", part
    for order in ("submitted", "short-first", "blocks"):
        yield f"  {order}", [case for case in found if case.shape.order == order]


def targets(tested: Sequence[Case]) -> Iterable[tuple[str, bool]]:
    at = {progress: [case for case in tested if case.progress == progress] for progress in PROGRESS}
    for progress in TARGETS:
        covered = share(case.covered for case in at[progress])
        yield f"covers at least 85 % at {progress:.0%} of the work: {covered:.1%}", covered >= 0.85
    widest = max(case.width for case in tested if case.progress >= TARGETS[0])
    yield f"latest at most {WIDEST:.0f} times earliest from 10 % on: {widest:.2f}", widest <= WIDEST + 0.005
    error = statistics.median(case.error for case in at[0.1])
    yield f"median error under 25 % at 10 %: {error:.0%}", error < 0.25


def main() -> int:
    begin = time.perf_counter()
    calibration, tested = cases("calibration"), cases(sys.argv[1] if sys.argv[1:] else "test")
    print(
        f"{JOBS} jobs make the table, {JOBS} others test it\n\nRows for eta_band.SCORES, which has {len(SCORES)}:"
    )
    print("\n".join(table(calibration)))
    print(
        "\nprogress, shape             jobs     error   covered  width     p90    max  confidence  below 90 %"
    )
    for progress in PROGRESS:
        found = [case for case in tested if case.progress == progress]
        print(measured(f"{progress:.0%}", found))
        if progress in TARGETS:
            for name, part in shapes(found):
                print(measured(name, part))
    print(f"\nerror: median of |actual - likely| / actual. {time.perf_counter() - begin:.0f} s.\n")
    verdicts = list(targets(tested))
    for words, held in verdicts:
        print(f"{'pass' if held else 'FAIL'}  {words}")
    return 0 if all(held for _, held in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
