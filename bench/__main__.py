"""Measures Backburner beside its peers and its limits: `make bench`, `make bench QUICK=1`.

    python -m bench [NAME ...] [--quick] [--list]

Each measurement runs in folders of its own and prints its rows as soon as it has them. Rows go to bench/results.json,
in the place of older ones of the same name; bench/results.md is the table of all of them. Ratios are measured side by
side, alternating, because machines are shared; the spread is that of the runs. With --quick everything is smaller, and
nothing is kept.
"""

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence

from bench.report import table, write_page
from bench.rows import Row, keep, machine, skipped, stamped

MEASUREMENTS = (
    "pipeline",
    "upstream",
    "checking",
    "small_jobs",
    "crash",
    "embedded",
    "prefix",
    "fairness",
    "interactive",
    "peers",
    "eta",
    "size",
)


def measured(name: str, quick: bool) -> list[Row]:
    """One measurement that breaks must not take the others along."""
    try:
        return importlib.import_module(f"bench.{name}").measure(quick)
    except Exception as error:  # noqa: BLE001  # the edge: said aloud, and the run's exit code tells it
        traceback.print_exc()
        return [skipped(name, name, f"broke: {type(error).__name__}: {error}")]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*MEASUREMENTS, []], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="small sizes, three minutes in all")
    parser.add_argument("--list", action="store_true", help="the names, and stop")
    asked = parser.parse_args(arguments)
    if asked.list:
        print("\n".join(MEASUREMENTS))
        return 0
    print(machine(), flush=True)
    rows: list[Row] = []
    for name in asked.names or MEASUREMENTS:
        print(f"\n== {name}", flush=True)
        begun = time.perf_counter()
        command = f"python -m bench {name}{' --quick' if asked.quick else ''}"
        found = [stamped(row, command) for row in measured(name, asked.quick)]
        print(table(found), f"({time.perf_counter() - begun:.0f} s)", sep="\n", flush=True)
        rows += found
        if not asked.quick:
            keep([row for row in found if not row.skipped])
            write_page()
    print("\n" + table(rows))
    return 1 if any(row.skipped.startswith("broke") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
