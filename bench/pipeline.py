"""Intake, dispatch, commit and publish on an engine that costs nothing: requests per second of the whole service."""

from bench.rows import Row
from bench.service import asking, seconds, serving, upload, write_lines


def measure(quick: bool) -> list[Row]:
    count, times = (10_000, 1) if quick else (100_000, 3)
    runs: list[float] = []
    for run in range(times):
        with serving() as server:
            path = write_lines(server.folder / "in.jsonl", (asking(f"{run} {n}") for n in range(count)))
            runs.append(count / seconds(server, upload(server, path)))
    how = f"{count:,} unique requests in a file on the simulated engine, from the create call to the result file"
    return [
        Row(
            name="pipeline",
            what="requests through the whole service",
            unit="/s",
            runs=runs,
            target=">= 10000",
            how=how,
        )
    ]
