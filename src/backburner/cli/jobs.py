"""`backburner jobs`: looks at the jobs of a server, here or elsewhere, and steers them, over its native API.

The commands and what they print. What they ask of the server is in jobs_asked.py.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from backburner.api.native.bodies import JobBody, ProgressBody
from backburner.cli import jobs_view
from backburner.cli.jobs_create import create
from backburner.cli.jobs_requests import requests
from backburner.cli.place import Place, server_options
from backburner.cli.run_summary import NONE, SOME, code_of
from backburner.cli.say import counted, errors, results, show_table
from backburner.cli.verbs import Verbs, examples
from backburner.core.errors import InvalidArgument
from backburner.core.job import Counts, JobState

STATES = ", ".join(state.value for state in JobState)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON as the server sends it, one object a line."
)
job_argument = click.argument("job", metavar="JOB")
jobs_argument = click.argument("chosen", metavar="JOB...", nargs=-1, required=True)


@click.group(
    cls=Verbs,
    epilog=examples(
        "backburner jobs list --state running,pending",
        "backburner jobs watch 3kq9",
        "backburner jobs results 3kq9 --follow | jq .",
        "backburner jobs list --url https://batch.example.com --key bb-...",
    ),
)
def jobs() -> None:
    """Look at the jobs of a server and steer them.

    JOB is a job's id, the start of one, its name, or batches/ID as the Gemini API writes it. The server is the one
    on this machine unless --url or BACKBURNER_URL says otherwise.
    """


def server():  # its type is that of the module
    """What can be asked of a server."""
    from backburner.cli import jobs_asked  # here: it brings the HTTP client, which other verbs do not need

    return jobs_asked


@jobs.command("list", epilog=examples("backburner jobs list --state failed", "backburner jobs list --json"))
@click.option("--state", default="", metavar="STATES", help=f"Only these, separated by commas: {STATES}.")
@click.option("--model", default="", metavar="NAME", help="Only jobs of this model.")
@click.option(
    "--search", default="", metavar="TEXT", help="Only jobs with this in their name, or at the id's start."
)
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many; 0: all.")
@json_option
@server_options
def list_jobs(state: str, model: str, search: str, limit: int, as_json: bool, place: Place) -> None:
    """List jobs, newest first."""
    query = {"state": state, "model": model, "q": search}
    found, more = asyncio.run(server().listed(place, query, limit))
    if as_json:
        for job in found:
            results.print(msgspec.json.encode(job).decode())
    elif not found:
        errors.print("No such jobs." if any(query.values()) else "No jobs.")
    else:
        whole = not results.is_terminal
        show_table(jobs_view.HEADER, [jobs_view.row(job, whole=whole) for job in found])
    if more:
        errors.print(f"There are more than these {limit:,}; --limit 0 shows all.")


@jobs.command(epilog=examples("backburner jobs show 3kq9"))
@job_argument
@json_option
@server_options
def show(job: str, as_json: bool, place: Place) -> None:
    """Show all there is to know about a job."""
    found, content = asyncio.run(server().shown(place, job))
    for line in [content.decode()] if as_json else jobs_view.lines_of(found):
        results.print(line)


@jobs.command(epilog=examples("backburner jobs watch 3kq9", "backburner jobs watch 3kq9 --json | jq .counts"))
@job_argument
@json_option
@server_options
def watch(job: str, as_json: bool, place: Place) -> int:
    """Follow a job until it ends: how far it is, how fast, when it will be done.

    Stopping this stops nothing else. Exit codes: 0 every request succeeded; 1 some failed; 3 none succeeded.
    """
    try:
        found = asyncio.run(server().watched(place, job, as_json))
    except KeyboardInterrupt:
        errors.print(f"The job goes on. `backburner jobs cancel {job}` ends it.")
        raise
    if not as_json:
        for line in ending(found):
            errors.print(line)
    counts = Counts(found.counts.total, found.counts.succeeded, found.counts.failed)
    if found.state == JobState.SUCCEEDED:
        return code_of(counts)
    return SOME if counts.succeeded else NONE


def ending(found: ProgressBody) -> Iterator[str]:
    counts = found.counts
    total = counted(counts.total, "request")
    yield f"{found.state}: {counts.succeeded:,} of {total} succeeded, {counts.failed:,} failed."
    if found.error is not None:
        yield found.error.message
    yield f"The results: backburner jobs results {found.job} -o FILE"


@jobs.command(
    "results",
    epilog=examples(
        "backburner jobs results 3kq9 -o answers.jsonl",
        "backburner jobs results 3kq9 --follow | jq -r .key",
    ),
)
@job_argument
@click.option(
    "-o",
    "--output",
    "out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where they go.  [default: standard output]",
)
@click.option("--follow", is_flag=True, help="Go on until the job has ended, each line as it comes in.")
@click.option(
    "--order",
    type=click.Choice(["input", "commit"]),
    help="That of the input, or as they came in.  [default: input; commit with --follow]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@server_options
def show_results(
    job: str, out: Path | None, follow: bool, order: str | None, force: bool, place: Place
) -> None:
    """Get the results of a job, one JSON object a line; also while it runs."""
    if follow and order == "input":
        words = "--follow gives lines as they come in; leave --order input out, or wait for the end"
        raise InvalidArgument(words)
    if out is not None and out.exists() and not force:
        raise InvalidArgument(
            f"{out} is there already. Name another file with -o, or replace it with --force"
        )
    if follow:
        asyncio.run(server().followed(place, job, out))
    else:
        asyncio.run(server().fetched(place, job, out, order or "input"))


@jobs.command(epilog=examples("backburner jobs cancel 3kq9"))
@jobs_argument
@json_option
@server_options
def cancel(chosen: tuple[str, ...], as_json: bool, place: Place) -> None:
    """End jobs now. What they have stays readable."""
    _each(place, chosen, "cancel", as_json, lambda job: f"{job.id} is {job.state}.")


@jobs.command(epilog=examples("backburner jobs hold 3kq9"))
@jobs_argument
@json_option
@server_options
def hold(chosen: tuple[str, ...], as_json: bool, place: Place) -> None:
    """Start nothing of a job but its first sample, until somebody approves it."""
    _each(place, chosen, "hold", as_json, lambda job: f"{job.id} is held; `jobs approve` lets it go on.")


@jobs.command(epilog=examples("backburner jobs approve 3kq9"))
@jobs_argument
@json_option
@server_options
def approve(chosen: tuple[str, ...], as_json: bool, place: Place) -> None:
    """Let jobs go on that are held."""
    _each(place, chosen, "approve", as_json, lambda job: f"{job.id} goes on.")


@jobs.command(epilog=examples("backburner jobs retry 3kq9", "backburner jobs retry 3kq9 --whole"))
@jobs_argument
@click.option("--whole", is_flag=True, help="The new job keeps the answers, so that its results are whole.")
@json_option
@server_options
def retry(chosen: tuple[str, ...], whole: bool, as_json: bool, place: Place) -> None:
    """Run the requests of an ended job that have no answer again, as a new job."""
    body: dict[str, object] | None = {"whole": True} if whole else None
    _each(place, chosen, "retry", as_json, lambda job: f"{job.id} is the new job, of {job.retry_of}.", body)


@jobs.command(epilog=examples("backburner jobs delete 3kq9 --yes"))
@jobs_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
def delete(chosen: tuple[str, ...], yes: bool, place: Place) -> None:
    """End jobs and remove them, with their results."""
    if not yes and errors.is_terminal:
        click.confirm(f"Delete {counted(len(chosen), 'job')} with all results?", abort=True, err=True)
    for job in chosen:
        errors.print(f"{asyncio.run(server().deleted(place, job))} is deleted.")


jobs.add_command(create)
jobs.add_command(requests)


def _each(
    place: Place,
    chosen: tuple[str, ...],
    verb: str,
    as_json: bool,
    words: Callable[[JobBody], str],
    body: dict[str, object] | None = None,
) -> None:
    for text in chosen:
        job, content = asyncio.run(server().steered(place, text, verb, body))
        results.print(content.decode() if as_json else words(job))
