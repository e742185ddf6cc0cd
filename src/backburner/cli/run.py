"""`backburner run`: a batch job without a server, from file to file. It may be interrupted and continued."""

import asyncio
import logging
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from backburner.cli.lines import checked, kind_of
from backburner.cli.meter import Looking, lines_wrong, meter
from backburner.cli.pull import pull_what_is_missing
from backburner.cli.run_state import Asked, State, sha256_of
from backburner.cli.run_summary import code_of, summary
from backburner.cli.say import errors, placed
from backburner.cli.validate import opened
from backburner.cli.verbs import config_option, engine_option, examples, settings_of
from backburner.config import Settings
from backburner.core.clock import SystemClock
from backburner.core.errors import InvalidArgument, Violation
from backburner.core.job import JobKind, OnInvalid
from backburner.core.limits import REPORTED_VIOLATIONS, SCAN_CHUNK_BYTES
from backburner.core.request import CheckedLine

DEFAULT_MODELS = {JobKind.GENERATE: "gemini-2.5-flash", JobKind.EMBED: "gemini-embedding-001"}
RESULTS_SUFFIX = ".results.jsonl"


@click.command(
    epilog=examples(
        "backburner run questions.jsonl",
        "backburner run questions.jsonl -o answers.jsonl --model gemini-2.5-flash",
        "backburner run texts.jsonl --embed -o vectors.jsonl",
        "backburner run questions.jsonl --engine simulated:latency_ms=50    # a dry run",
        "cat questions.jsonl | backburner run - > answers.jsonl",
    )
)
@click.argument("source", metavar="INPUT.jsonl", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-o",
    "--output",
    "out",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Where the results go.  [default: INPUT.results.jsonl]",
)
@click.option(
    "--model",
    metavar="NAME",
    help="The model, or a name that is mapped to one.  [default: gemini-2.5-flash; gemini-embedding-001]",
)
@click.option(
    "--embed", is_flag=True, help="The lines ask for embeddings.  [default: seen from the first line]"
)
@click.option(
    "--on-invalid",
    type=click.Choice([one.value for one in OnInvalid]),
    default=OnInvalid.FAIL.value,
    show_default=True,
    help="Wrong lines: refuse the whole file, or run the good ones and give the wrong ones back as errors.",
)
@click.option("--force", is_flag=True, help="Replace an output file that is there already.")
@engine_option
@config_option
def run(
    source: Path,
    out: Path | None,
    model: str | None,
    embed: bool,
    on_invalid: str,
    force: bool,
    engine: str | None,
    config_file: Path | None,
) -> int:
    """Answer every request of a file, without a server.

    Results come in input order, one line for each request, written when all of them are there. Interrupted
    (Ctrl-C, kill, power), the same command continues where it was: the state is kept in OUT.jsonl.backburner/
    until the results are written. Another input or other options start afresh.

    With - for input or output there is nothing to continue from.

    \b
    Exit codes:
      0  every request succeeded
      1  some failed; their lines in the output say why
      2  asked for wrongly: bad options, wrong lines, a file that cannot be read
      3  none succeeded
      130, 143  stopped by Ctrl-C or SIGTERM; the same command continues
    """
    settings = settings_of(config_file, engine=engine).settings
    logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stderr)
    target = out or (Path("-") if str(source) == "-" else source.with_name(source.stem + RESULTS_SUFFIX))
    if "-" in (str(source), str(target)):
        return _without_state(settings, source, target, model, embed, OnInvalid(on_invalid), force)
    _readable(source)
    kind = JobKind.EMBED if embed else _kind(source)
    model = model or DEFAULT_MODELS[kind]
    asked = Asked(sha256_of(source), kind, model, settings.engine, OnInvalid(on_invalid))
    state = State(target, asked)
    if state.job() is None:
        _refuse_existing(target, force)
        for other in state.others():
            errors.print(f"Note: an unfinished run with another input or other options is kept in {other}")
        _check(source, kind, model, asked.on_invalid)
    pull_what_is_missing(settings, model)
    code = _answered(settings, state.folder, source, target, asked)
    if code < 128:
        state.remove()
    return code


def _answered(settings: Settings, folder: Path, source: Path, target: Path | None, asked: Asked) -> int:
    """Runs the job on a state folder, says how it went; the exit code."""
    from backburner.cli.run_job import Ask, answer  # here: it brings the whole house

    ask = Ask(source, source.name, target, asked.kind, asked.model, asked.on_invalid)
    own = msgspec.structs.replace(settings, data=str(folder))
    ending = asyncio.run(answer(own, ask, meter(SystemClock())))
    if ending.stopped_by:
        counts = ending.job.counts
        errors.print(f"Stopped with {counts.succeeded + counts.failed:,} of {counts.total:,} done and safe.")
        if target is not None:
            errors.print(f"To continue: {shlex.join(['backburner', *sys.argv[1:]])}")
        return 128 + signal.Signals(ending.stopped_by)
    for line in summary(ending, target):
        errors.print(line)
    return code_of(ending.job.counts)


def _without_state(
    settings: Settings,
    source: Path,
    target: Path,
    model: str | None,
    embed: bool,
    on_invalid: OnInvalid,
    force: bool,
) -> int:
    """From standard input or to standard output, or both: everything in a folder that goes with the process."""
    out = None if str(target) == "-" else target
    if out is not None:
        _refuse_existing(out, force)
    with tempfile.TemporaryDirectory(prefix="backburner-") as folder:
        local = source
        if str(source) == "-":
            local = Path(folder) / "stdin.jsonl"
            with opened(source) as stream, local.open("wb") as file:
                shutil.copyfileobj(stream, file, SCAN_CHUNK_BYTES)
        _readable(local, str(source))
        kind = JobKind.EMBED if embed else _kind(local)
        model = model or DEFAULT_MODELS[kind]
        _check(local, kind, model, on_invalid)
        pull_what_is_missing(settings, model)
        return _answered(
            settings, Path(folder) / "data", local, out, Asked("", kind, model, settings.engine, on_invalid)
        )


def _readable(source: Path, name: str = "") -> None:
    """Raises InvalidArgument for a file that cannot be read or holds nothing."""
    with opened(source) as stream:
        if not stream.read(1):
            raise InvalidArgument(f"{name or source} is empty; it needs one request in JSON on each line")


def _kind(source: Path) -> JobKind:
    with opened(source) as stream:
        return kind_of(stream.read(SCAN_CHUNK_BYTES))


def _refuse_existing(target: Path, force: bool) -> None:
    if target.is_dir():
        raise InvalidArgument(f"{target} is a folder; name a file with -o")
    if target.exists() and not force:
        raise InvalidArgument(f"{target} is there already. --force replaces it, -o names another")
    if not target.parent.is_dir():
        raise InvalidArgument(f"there is no folder {target.parent} to write {target.name} into")


def _check(source: Path, kind: JobKind, model: str, on_invalid: OnInvalid) -> None:
    """Looks at every line before the first call is made. Raises InvalidArgument with what is wrong in them."""
    if on_invalid is OnInvalid.SKIP:
        return
    found: list[Violation] = []
    total = wrong = 0
    looking = Looking(SystemClock(), source.stat().st_size)
    with opened(source) as stream:
        for _, line in checked(stream, source.name, kind, model, looking.seen):
            total += 1
            violations = line.violations or unreachable(line)
            wrong += bool(violations)
            found += violations[: max(0, REPORTED_VIOLATIONS - len(found))]
    if not total:
        raise InvalidArgument(
            f"{source.name} has no requests in it; it needs one request in JSON on each line"
        )
    if not wrong:
        return
    for violation in found:
        errors.print(placed(violation))
    if len(found) == REPORTED_VIOLATIONS:
        errors.print(f"... `backburner validate {shlex.quote(str(source))}` shows all of them.")
    raise InvalidArgument(
        f"{lines_wrong(wrong, total)}; nothing was run. Mend them, or run the good ones with --on-invalid skip"
    )


def unreachable(line: CheckedLine) -> tuple[Violation, ...]:
    """A line that names what only a server has."""
    named = [f"files/{name}" for name in line.files] + [f"cachedContents/{name}" for name in line.caches]
    words = "Put the bytes into the line as inlineData, or send the batch to a server that has it"
    return tuple(
        Violation(
            "request", f"names {name}, and a run without a server has no uploads", words, line.line, line.key
        )
        for name in named
    )
