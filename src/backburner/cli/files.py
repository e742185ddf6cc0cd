"""`backburner files`: the files of a server, here or elsewhere, over its native API."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from backburner.api.native.bodies import EstimateBody, FileBody
from backburner.cli.jobs_view import moment
from backburner.cli.place import Place, server_options
from backburner.cli.say import counted, duration, errors, results, show_table, size
from backburner.cli.verbs import Verbs, examples
from backburner.core.errors import InvalidArgument

HEADER = ("FILE", "NAME", "SIZE", "FROM", "UPLOADED", "KEPT UNTIL")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON as the server sends it, one object a line."
)
file_argument = click.argument("file", metavar="FILE")


@click.group(
    cls=Verbs,
    epilog=examples(
        "backburner files upload questions.jsonl",
        "backburner files list",
        "backburner files download batch-3kq9 -o answers.jsonl",
    ),
)
def files() -> None:
    """Upload, list, download and delete files of a server.

    FILE is a file's id, or files/ID as the Gemini API writes it. The server is the one on this machine unless --url
    or BACKBURNER_URL says otherwise.
    """


def server():  # its type is that of the module
    """What can be asked of a server."""
    from backburner.cli import files_asked  # here: it brings the HTTP client, which other verbs do not need

    return files_asked


@files.command(
    epilog=examples("backburner files upload questions.jsonl", "backburner files upload a.jsonl b.jsonl")
)
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--name", default="", help="What to call it.  [default: the file's own name]")
@json_option
@server_options
def upload(paths: tuple[Path, ...], name: str, as_json: bool, place: Place) -> None:
    """Upload files; prints the name of each, for a batch to be made of it."""
    if name and len(paths) > 1:
        raise InvalidArgument("--name is for one file; leave it out, and each keeps its own name")
    for path in paths:
        found = asyncio.run(server().uploaded(place, path, name or path.name))
        results.print(msgspec.json.encode(found).decode() if as_json else found.name)
        if not as_json and results.is_terminal:
            errors.print(f"{size(found.size_bytes)}, kept until {moment(found.expire_at)}")


@files.command("list", epilog=examples("backburner files list", "backburner files list --json"))
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many; 0: all.")
@json_option
@server_options
def list_files(limit: int, as_json: bool, place: Place) -> None:
    """List files, newest first: uploads, and the results that jobs wrote."""
    found, more = asyncio.run(server().listed(place, limit))
    if as_json:
        for file in found:
            results.print(msgspec.json.encode(file).decode())
    elif not found:
        errors.print("No files.")
    else:
        show_table(HEADER, [row(file) for file in found])
    if more:
        errors.print(f"There are more than these {limit:,}; --limit 0 shows all.")


def row(file: FileBody) -> tuple[str, ...]:
    return (
        file.name,
        file.display_name,
        size(file.size_bytes),
        f"job {file.job}" if file.job else "upload",
        moment(file.created_at),
        moment(file.expire_at),
    )


@files.command(epilog=examples("backburner files show 7x2m"))
@file_argument
@json_option
@server_options
def show(file: str, as_json: bool, place: Place) -> None:
    """Show a file's size, type, checksum and times."""
    found = asyncio.run(server().shown(place, file))
    if as_json:
        results.print(msgspec.json.encode(found).decode())
        return
    told = {
        "File": found.name,
        "Name": found.display_name,
        "Size": f"{size(found.size_bytes)} ({found.size_bytes:,} bytes)",
        "Type": found.mime_type,
        "SHA-256": found.sha256,
        "From": f"job {found.job}" if found.job else "upload",
        "Uploaded": moment(found.created_at, seconds=True),
        "Kept until": moment(found.expire_at, seconds=True),
    }
    for name, value in told.items():
        if value:
            results.print(f"{name:<12}{value}")


@files.command(
    epilog=examples("backburner files download 7x2m -o questions.jsonl", "backburner files download 7x2m")
)
@file_argument
@click.option(
    "-o",
    "--output",
    "out",
    metavar="PATH",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where it goes.  [default: standard output]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@server_options
def download(file: str, out: Path | None, force: bool, place: Place) -> None:
    """Get the bytes of a file."""
    if out is not None and out.exists() and not force:
        raise InvalidArgument(
            f"{out} is there already. Name another file with -o, or replace it with --force"
        )
    asyncio.run(server().downloaded(place, file, out))


@files.command(epilog=examples("backburner files estimate 7x2m --model gemini-2.5-flash"))
@file_argument
@click.option("--model", required=True, metavar="NAME", help="The model that a job would name.")
@click.option("--embed", is_flag=True, help="The lines ask for embeddings.")
@json_option
@server_options
def estimate(file: str, model: str, embed: bool, as_json: bool, place: Place) -> None:
    """Say what a job of a file would take, before it is made: tokens, cost, time. From a sample of its lines."""
    found = asyncio.run(server().estimated(place, file, model, "embed" if embed else "generate"))
    if as_json:
        results.print(msgspec.json.encode(found).decode())
        return
    for name, value in estimate_lines(found):
        results.print(f"{name:<12}{value}")


def estimate_lines(found: EstimateBody) -> Iterator[tuple[str, str]]:
    yield "Requests", f"{found.requests:,} ({found.sampled:,} looked at, {found.wrong:,} of them wrong)"
    yield "Answered by", f"{found.engine}/{found.model}"
    how = "by its tokenizer" if found.counted else "guessed from the number of bytes"
    yield "Tokens in", f"{found.prompt_tokens:,} ({how})"
    likely = "" if found.output_tokens_likely is None else f", likely {found.output_tokens_likely:,}"
    yield "Tokens out", f"at most {found.output_tokens_most:,}{likely}"
    if found.cost_most is not None:
        likely = "" if found.cost_likely is None else f", likely {found.cost_likely:,.4f}"
        yield "Cost", f"at most {found.cost_most:,.4f} {found.currency}{likely}"
    if found.likely_s is not None:
        yield "Time", f"likely {duration(found.likely_s)}, as such jobs took before"


@files.command(epilog=examples("backburner files delete 7x2m --yes"))
@click.argument("chosen", metavar="FILE...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
def delete(chosen: tuple[str, ...], yes: bool, place: Place) -> None:
    """Delete files. A job that was made of one keeps what it needs until it ends."""
    if not yes and errors.is_terminal:
        click.confirm(f"Delete {counted(len(chosen), 'file')}?", abort=True, err=True)
    for file in chosen:
        errors.print(f"{asyncio.run(server().deleted(place, file))} is deleted.")
