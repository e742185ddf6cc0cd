"""`backburner jobs create`: uploads a file and makes a job of it."""

import asyncio
from pathlib import Path

import click

from backburner.cli.place import Place, server_options
from backburner.cli.say import errors, results
from backburner.cli.verbs import examples

DIALECTS = ("gemini", "openai", "anthropic")


@click.command(
    epilog=examples(
        "backburner jobs create questions.jsonl --model gemini-2.5-flash",
        "backburner jobs create second.jsonl --model m --after first-job",
        "backburner jobs create q.jsonl --model m --webhook https://example.com/done",
    )
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--model", required=True, metavar="NAME", help="Which model answers.")
@click.option("--name", default="", help="What to call it.  [default: the file's own name]")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=DIALECTS[0],
    show_default=True,
    help="The lines' own.",
)
@click.option("--embed", is_flag=True, help="The lines ask for embeddings.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher goes first.")
@click.option("--skip-invalid", is_flag=True, help="Run the good lines where some are wrong.")
@click.option("--hold", is_flag=True, help="Run a first sample, then wait until somebody approves.")
@click.option(
    "--after", multiple=True, metavar="JOB", help="Start when this job has succeeded; may be repeated."
)
@click.option(
    "--webhook", multiple=True, metavar="URL", help="Tell this URL when it has ended; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="JSON as the server sends it, one object a line.")
@server_options
def create(
    path: Path,
    model: str,
    name: str,
    dialect: str,
    embed: bool,
    priority: int,
    skip_invalid: bool,
    hold: bool,
    after: tuple[str, ...],
    webhook: tuple[str, ...],
    as_json: bool,
    place: Place,
) -> None:
    """Upload a JSONL file to a server and make a job of it; prints the job's id."""
    from backburner.cli import jobs_asked  # here: it brings the HTTP client, which other verbs do not need

    asked = {
        "model": model,
        "dialect": dialect,
        "kind": "embed" if embed else "generate",
        "display_name": name or path.name,
        "priority": priority,
        "on_invalid": "skip" if skip_invalid else "fail",
        "hold_after_canary": hold,
        "webhook": {"uris": list(webhook)} if webhook else None,
    }
    job, content = asyncio.run(jobs_asked.created(place, path, asked, after))
    results.print(content.decode() if as_json else job.id)
    if not as_json and results.is_terminal:
        errors.print(f"Follow it with: backburner jobs watch {job.id[:8]}")
