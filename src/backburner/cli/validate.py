"""`backburner validate`: every wrong line of an input file, and what to write instead. Calls no engine."""

import sys
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from backburner.cli.lines import checked
from backburner.cli.say import counted, errors, placed, results
from backburner.cli.verbs import examples
from backburner.core.errors import InvalidArgument
from backburner.core.job import JobKind
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.line_schema import line_schema

GOOD, WRONG = 0, 1


class Tally(msgspec.Struct):
    lines: int = 0
    wrong: int = 0
    violations: int = 0
    kind: JobKind = JobKind.GENERATE


@click.command(
    epilog=examples(
        "backburner validate questions.jsonl",
        "backburner validate --json questions.jsonl | jq .",
        "backburner validate --schema > line.schema.json",
        "zcat questions.jsonl.gz | backburner validate -",
    )
)
@click.argument(
    "file", metavar="INPUT.jsonl", required=False, type=click.Path(path_type=Path, allow_dash=True)
)
@click.option(
    "--embed", is_flag=True, help="The lines ask for embeddings.  [default: seen from the first line]"
)
@click.option("--model", default="", metavar="NAME", help="Also check the lines against the job's model.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per wrong line, then a summary.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of one input line and stop.")
def validate(file: Path | None, embed: bool, model: str, as_json: bool, schema: bool) -> int:
    """Check an input file line by line: what is wrong, where, and what to write instead.

    Reads a file of any size in bounded memory. Exit code 0: every line is good; 1: some are wrong; 2: the file
    cannot be read.
    """
    kind = JobKind.EMBED if embed else None
    if schema:
        found = line_schema((kind or JobKind.GENERATE).value)
        results.print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return GOOD
    if file is None:
        raise click.UsageError("Which file? Write: backburner validate INPUT.jsonl, or - for standard input.")
    with opened(file) as stream:
        tally = _told(stream, str(file), kind, model, as_json)
    return WRONG if tally.wrong or not tally.lines else GOOD


def opened(file: Path) -> BinaryIO:
    """The bytes of a file, or of standard input for `-`. Raises InvalidArgument."""
    if str(file) == "-":
        return sys.stdin.buffer
    if file.is_dir():
        raise InvalidArgument(f"{file} is a folder; name a file with one request in JSON on each line")
    try:
        return file.open("rb")
    except FileNotFoundError:
        raise InvalidArgument(f"there is no file {file}") from None
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be read: {error.strerror}") from None


def _told(stream: BinaryIO, name: str, kind: JobKind | None, model: str, as_json: bool) -> Tally:
    """Checks the lines and says what it finds as it goes."""
    tally = Tally()
    for tally.kind, line in checked(stream, name, kind, model):
        tally.lines += 1
        tally.wrong += bool(line.violations)
        tally.violations += len(line.violations)
        if as_json and line.violations:
            results.print(msgspec.json.encode(document(line)).decode())
        elif not as_json:
            for violation in line.violations:
                results.print(placed(violation))
            for warning in line.warnings:
                results.print(f"line {line.line}: note: {warning}")
    if as_json:
        summary = {
            "lines": tally.lines,
            "wrong": tally.wrong,
            "violations": tally.violations,
            "kind": tally.kind,
        }
        results.print(msgspec.json.encode({"summary": summary}).decode())
    else:
        errors.print(summary_of(tally, name))
    return tally


def document(line: CheckedLine) -> dict[str, object]:
    """A wrong line for a program."""
    found = [{"path": v.path, "reason": v.reason, "instead": v.instead} for v in line.violations]
    return {"line": line.line, "key": line.violations[0].key, "violations": found}


def summary_of(tally: Tally, name: str) -> str:
    if not tally.lines:
        return f"{name} has no requests in it; it needs one request in JSON on each line."
    what = "embedding request" if tally.kind is JobKind.EMBED else "generation request"
    if not tally.wrong:
        return f"{counted(tally.lines, what)}, all good."
    verb = "is" if tally.wrong == 1 else "are"
    return f"{tally.wrong:,} of {counted(tally.lines, what)} {verb} wrong."
