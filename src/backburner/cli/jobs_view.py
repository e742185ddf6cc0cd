"""Jobs for a person to read: a table of many, the whole of one, one line of progress."""

import datetime
from collections.abc import Iterator

from backburner.api.native.bodies import CompletionBody, JobBody, ProgressBody, SavedBody
from backburner.cli.say import left, rate, size
from backburner.core.clock import parse_rfc3339

HEADER = ("ID", "NAME", "MODEL", "STATE", "DONE", "FAILED", "CREATED", "END")
NAME_CHARS = 32


def moment(text: str, *, seconds: bool = False) -> str:
    """An instant on this machine's clock: `Nov 21 14:05`, or with seconds and the zone: `Nov 21 14:05:09 CET`."""
    local = datetime.datetime.fromtimestamp(parse_rfc3339(text), datetime.UTC).astimezone()
    return local.strftime("%b %d %H:%M:%S %Z" if seconds else "%b %d %H:%M")


def row(job: JobBody, *, whole: bool) -> tuple[str, ...]:
    """`whole` does not shorten the name: for whoever reads it with a program."""
    name = job.display_name
    if not whole and len(name) > NAME_CHARS:
        name = f"{name[: NAME_CHARS - 1]}…"
    done = job.counts.succeeded + job.counts.failed
    total = f"{job.counts.total:,}{'' if job.scanned else '+'}"
    failed = f"{job.counts.failed:,}" if job.counts.failed else ""
    return (
        job.id,
        name,
        job.model,
        job.state,
        f"{done:,} of {total}",
        failed,
        moment(job.created_at),
        _end(job),
    )


def _end(job: JobBody) -> str:
    if job.ended_at is not None:
        return moment(job.ended_at)
    if job.waiting_reason:
        return "held" if job.held else "waits"
    if job.estimated_completion is None:
        return ""
    return f"likely {moment(job.estimated_completion.likely_at)}{', late' if job.window_warning else ''}"


def lines_of(job: JobBody) -> Iterator[str]:
    """All that there is to say about one job."""
    for name, value in _members(job):
        if value:
            yield f"{name:<10}{value}"


def _members(job: JobBody) -> Iterator[tuple[str, str]]:
    done = job.counts.succeeded + job.counts.failed
    yield "Job", job.id
    yield "Name", job.display_name
    yield "Model", f"{job.model} ({job.kind}, asked for in the dialect {job.dialect})"
    yield "State", f"{job.state}{', held' if job.held else ''}"
    so_far = "" if job.scanned else " found so far"
    yield "Requests", f"{done:,} of {job.counts.total:,}{so_far} done, {job.counts.failed:,} failed"
    yield "Speed", rate(job.rate_per_s) if job.rate_per_s else ""
    if job.estimated_completion is not None:
        found = job.estimated_completion
        times = [moment(at, seconds=True) for at in (found.likely_at, found.earliest_at, found.latest_at)]
        yield "Done by", f"{times[0]}, likely; {100 * found.confidence:.0f} % sure: {times[1]} to {times[2]}"
    yield "Waits", job.waiting_reason
    yield "Late", job.window_warning
    yield "Error", f"{job.error.code}: {job.error.message}" if job.error is not None else ""
    for warning in job.warnings:
        yield "Warning", warning
    if job.usage is not None:
        used = job.usage
        share = f" ({used.cached_tokens:,} cached, {100 * used.cached_share:.0f} %)"
        cached = share if used.cached_tokens else ""
        yield "Tokens", f"{used.prompt_tokens:,} in{cached}, {used.output_tokens:,} out"
    yield "Saved", saved(job.saved) if job.saved.calls else ""
    yield "Priority", str(job.priority) if job.priority else ""
    yield "Input", f"{job.input_file or 'in the request'}, {size(job.input_bytes)}"
    yield "Created", moment(job.created_at, seconds=True)
    yield "Started", moment(job.started_at, seconds=True) if job.started_at else ""
    yield "Ended", moment(job.ended_at, seconds=True) if job.ended_at else ""
    yield "Deadline", moment(job.deadline_at, seconds=True) if not job.ended else ""
    yield "After", ", ".join(job.after)
    for uri in job.webhook.uris if job.webhook is not None else ():
        yield "Webhook", uri
    yield "Retry of", job.retry_of or ""
    yield "Results", f"{job.results_file}, {size(job.results_bytes)}" if job.results_file else ""
    yield "Errors", f"{job.errors_file}, {size(job.errors_bytes)}" if job.errors_file else ""


def saved(found: SavedBody) -> str:
    tokens = found.prompt_tokens + found.output_tokens
    kept = f", {found.kept:,} of them of other jobs" if found.kept else ""
    return f"{found.calls:,} calls and {tokens:,} tokens, by identical requests{kept}"


def words(found: ProgressBody) -> list[str]:
    """`1,204 of 2,000`, `12 failed`, `96/s`, `about 8.3 s left (6.1 s to 24 s)`."""
    counts = found.counts
    said = [f"{counts.succeeded + counts.failed:,} of {counts.total:,}{'' if found.scanned else ' so far'}"]
    if counts.failed:
        said.append(f"{counts.failed:,} failed")
    if found.state == "FINALIZING":
        said.append("writing the results")
    elif found.rate_per_s and not found.ended:
        said.append(rate(found.rate_per_s))
    if found.estimated_completion is not None and counts.pending:
        said.append(_left(found.estimated_completion, found.at))
    if found.waiting_reason:
        said.append(found.waiting_reason)
    if found.window_warning:
        said.append(found.window_warning)
    return said


def _left(completion: CompletionBody, at: str) -> str:
    """By the server's clock on both ends, so that ours may be wrong."""
    now = parse_rfc3339(at)
    times = (completion.likely_at, completion.earliest_at, completion.latest_at)
    return left(*(parse_rfc3339(text) - now for text in times))
