"""The estimated end, measured on simulated jobs that the table has not seen (bench/eta_calibration.py)."""

import statistics

from bench.eta_calibration import JOBS, TARGETS, cases, share
from bench.rows import Row


def measure(quick: bool) -> list[Row]:
    tested = cases("test")
    rows: list[Row] = []
    how = f"{JOBS} simulated jobs of mixed shapes that the table has not seen;"
    for progress in TARGETS:
        found = [case for case in tested if case.progress == progress]
        rows.append(
            Row(
                name=f"eta-{progress:.0%}",
                what=f"ends inside the 90 % interval, {progress:.0%} of the work done",
                unit="of jobs",
                runs=[share(case.covered for case in found)],
                target=">= 0.85",
                how=how,
            )
        )
    early = [case for case in tested if case.progress == TARGETS[0]]
    error = Row(
        name="eta-error",
        what="median error of the likely end, 10 % of the work done",
        unit="of the time left",
        runs=[statistics.median(case.error for case in early)],
        target="<= 0.25",
        how=how,
    )
    widest = Row(
        name="eta-width",
        what="latest end by earliest, at most, from 10 % on",
        unit="times",
        runs=[round(max(case.width for case in tested if case.progress >= TARGETS[0]), 2)],
        target="<= 3",
        how=how,
    )
    return [*rows, error, widest]
