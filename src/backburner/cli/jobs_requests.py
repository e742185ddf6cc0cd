"""`backburner jobs requests`: the requests of a job, how each ended, and every try with why it failed."""

import asyncio
from collections.abc import Iterator

import click
import msgspec

from backburner.api.native.bodies import RequestBody
from backburner.cli.jobs_view import moment
from backburner.cli.place import Place, server_options
from backburner.cli.say import duration, errors, results
from backburner.cli.verbs import examples
from backburner.core.clock import parse_rfc3339


@click.command(
    epilog=examples("backburner jobs requests 3kq9 --failed", "backburner jobs requests 3kq9 --json")
)
@click.argument("job", metavar="JOB")
@click.option("--failed", is_flag=True, help="Only those that failed, in the order in which they did.")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="JSON as the server sends it, one object a line.")
@server_options
def requests(job: str, failed: bool, limit: int, as_json: bool, place: Place) -> None:
    """Show requests one by one: how each ended, and every try of it with its reason."""
    from backburner.cli import jobs_asked  # here: it brings the HTTP client, which other verbs do not need

    found, more = asyncio.run(jobs_asked.requests(place, job, failed, limit))
    for one in found:
        for line in [msgspec.json.encode(one).decode()] if as_json else lines_of(one):
            results.print(line)
    if not found:
        errors.print("None failed." if failed else "No requests.")
    if more:
        errors.print(f"There are more than these {limit:,}; --limit 0 shows all.")


def lines_of(one: RequestBody) -> Iterator[str]:
    """`line 7  "k7"  INTERNAL  3 tries`, and below it each try, where one brought trouble or there were several."""
    key = f'  "{one.key}"' if one.key is not None else ""
    how = "no outcome yet"
    if one.outcome is not None:
        how = one.outcome.finish_reason or "answered" if one.outcome.kind == "answer" else one.outcome.code
    tried = [attempt for attempt in one.attempts if attempt.reused_from is None]
    tries = f"{len(tried):,} {'try' if len(tried) == 1 else 'tries'}"
    if not tried and one.outcome is not None:
        tries = "no try of its own, its answer was there"
    yield f"line {one.line}{key}  {how}  {tries}"
    if len(tried) == 1 and not tried[0].trouble:
        return
    for attempt in tried:
        took = "under way, or cut off by the end of the service"
        if attempt.ended_at is not None:
            took_s = parse_rfc3339(attempt.ended_at) - parse_rfc3339(attempt.started_at)
            took = f"after {duration(max(0.0, took_s))}"
        said = f"{attempt.trouble}: {attempt.message}" if attempt.message else attempt.trouble or "answered"
        said = said if attempt.ended_at is not None else "no end"
        yield f"    {moment(attempt.started_at, seconds=True)}  {attempt.engine}  {said} ({took})"
