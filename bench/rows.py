"""What a measurement says: a figure of ours, what it stands beside, and how both came about."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

REPO = Path(__file__).resolve().parents[1]
RESULTS = REPO / "bench" / "results.json"


class Row(msgspec.Struct, kw_only=True):
    """`runs` are our figures, one for each run, `beside` those of what we compare with, measured in between; both in
    `unit`. `target` is what the ratio (or, without a comparison, our figure) should be: `>= 0.6`, `<= 300`. A
    measurement that could not be made has `skipped`, the reason."""

    name: str
    what: str
    unit: str
    runs: list[float]
    against: str = ""
    beside: list[float] = msgspec.field(default_factory=list[float])
    target: str = ""
    how: str = ""
    skipped: str = ""
    command: str = ""
    date: str = ""
    commit: str = ""
    machine: str = ""

    @property
    def value(self) -> float:
        return statistics.median(self.runs) if self.runs else float("nan")

    @property
    def other(self) -> float:
        return statistics.median(self.beside) if self.beside else float("nan")

    @property
    def ratio(self) -> float | None:
        """Ours by theirs, run by run, because the machine is shared; the median of that."""
        if not self.beside or len(self.beside) != len(self.runs):
            return self.value / self.other if self.beside else None
        return statistics.median(ours / theirs for ours, theirs in zip(self.runs, self.beside, strict=True))

    @property
    def holds(self) -> bool | None:
        """None without a target, or without a figure."""
        if not self.target or self.skipped:
            return None
        sign, _, bound = self.target.partition(" ")
        found = self.value if self.ratio is None else self.ratio
        return found >= float(bound) if sign == ">=" else found <= float(bound)


def skipped(name: str, what: str, why: str) -> Row:
    return Row(name=name, what=what, unit="", runs=[], skipped=why)


def spread(runs: Sequence[float]) -> str:
    """`10,200 [9,800..10,900]`."""
    if not runs:
        return ""
    middle = short(statistics.median(runs))
    return middle if len(runs) == 1 else f"{middle} [{short(min(runs))}..{short(max(runs))}]"


def short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def verdict(row: Row) -> str:
    if row.skipped:
        return "skipped"
    return {None: "", True: "holds", False: "MISSED"}[row.holds]


def cells(row: Row) -> tuple[str, ...]:
    """what, ours, beside it, ratio, target."""
    if row.skipped:
        return row.what, row.skipped, "", "", "skipped"
    ours = f"{spread(row.runs)} {row.unit}"
    theirs = f"{row.against}: {spread(row.beside)}" if row.beside else row.against
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    goal = f"{row.target} {verdict(row)}" if row.target else ""
    return row.what, ours, theirs, ratio, goal


def stamped(row: Row, command: str) -> Row:
    """With where and when it was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False
    )
    return msgspec.structs.replace(
        row, command=command, date=time.strftime("%Y-%m-%d"), commit=commit.stdout.strip(), machine=machine()
    )


def machine() -> str:
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    told = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Model name")]
    flags = next((line for line in told.splitlines() if line.startswith("Flags")), "")
    speed = "AMX" if "amx_tile" in flags else "AVX-512" if "avx512f" in flags else "AVX2"
    name = names[0] if names else platform.machine()
    return f"{os.cpu_count()} CPUs ({name}, {speed}), {memory_bytes / 1e9:.0f} GB, Python {platform.python_version()}"


def known() -> dict[str, Row]:
    """What was measured so far, by name."""
    if not RESULTS.exists():
        return {}
    return {row.name: row for row in msgspec.json.decode(RESULTS.read_bytes(), type=list[Row])}


def keep(rows: Sequence[Row]) -> None:
    """Into results.json, in the place of older ones of the same name."""
    merged = known() | {row.name: row for row in rows}
    document = json.loads(msgspec.json.encode(list(merged.values())))
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
