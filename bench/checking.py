"""Checking input lines, every field, on one core: what intake costs without disk and processes."""

import json
import time

from bench.rows import Row
from bench.service import MODEL, asking

from backburner.core.job import JobKind
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Source


def measure(quick: bool) -> list[Row]:
    lines = [
        json.dumps({"key": f"key-{n:06d}", "request": asking(f"{n:06d} " + "x" * 1_000, temperature=0.7)})
        for n in range(4_000)
    ]
    chunk = "".join(line + "\n" for line in lines).encode()
    source, dialect = Source("files/x", JobKind.GENERATE, MODEL), GeminiDialect()
    runs: list[float] = []
    for _ in range(2 if quick else 20):
        begun = time.perf_counter()
        assert not any(found.violations for found in dialect.check_lines(chunk, source, 0, 1, 0))
        runs.append(len(lines) / (time.perf_counter() - begun))
    how = f"lines of {len(lines[0])} bytes, every field checked, on one core;"
    return [Row(name="checking", what="input lines checked", unit="/s", runs=runs, how=how)]
