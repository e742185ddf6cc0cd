"""How a run went, in a few lines and one exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from backburner.cli.say import duration, rate
from backburner.core.job import Counts, JobState

if TYPE_CHECKING:
    from backburner.cli.run_job import Ending

ALL, SOME, NONE = 0, 1, 3
REASON_CHARS = 300


def code_of(counts: Counts) -> int:
    if counts.succeeded == counts.total:
        return ALL
    return SOME if counts.succeeded else NONE


def summary(ending: "Ending", target: Path | None) -> Iterator[str]:
    counts, job = ending.job.counts, ending.job
    words = f"{counts.succeeded:,} of {counts.total:,} succeeded"
    yield (
        f"{words}, {counts.total - counts.succeeded:,} failed."
        if counts.succeeded < counts.total
        else f"{words}."
    )
    for failure in ending.failures:
        message = failure.message
        message = message if len(message) <= REASON_CHARS else message[:REASON_CHARS] + "..."
        yield f"  {failure.count:,} x {failure.code.name}: {message}"
    if job.state is not JobState.SUCCEEDED and job.error is not None:
        yield f"The job ended as {job.state}: {job.error.message}"
    usage = ending.usage
    tokens = f"{usage.prompt:,} tokens in"
    if usage.cached:
        tokens += f" ({usage.cached:,} of them from the prefix cache)"
    if usage.output:
        tokens += f", {usage.output:,} out"
    yield f"{tokens}; {duration(ending.duration_s)}, {rate(ending.made / max(ending.duration_s, 1e-3))}."
    if job.saved.calls:
        yield f"{job.saved.calls:,} identical requests had an answer already and cost nothing."
    if target is not None:
        yield f"Results: {target}"
