"""The `backburner` command and its one edge: what goes wrong becomes sentences on stderr and an exit code.

Exit codes that every verb shares: 0 done, 1 done but not all is well (the verb says what that means), 2 it was
asked for wrongly or cannot be done, 70 a mistake in Backburner itself, 130 stopped with Ctrl-C.
"""

import os
import sys
import traceback
from collections.abc import Sequence

import click

from backburner import __version__
from backburner.cli.audit import audit
from backburner.cli.backup import backup, restore, verify
from backburner.cli.completion import completion
from backburner.cli.config import config
from backburner.cli.demo import demo
from backburner.cli.doctor import doctor
from backburner.cli.files import files
from backburner.cli.jobs import jobs
from backburner.cli.keys import keys
from backburner.cli.models import models
from backburner.cli.run import run
from backburner.cli.say import errors, refusal
from backburner.cli.serve import serve
from backburner.cli.top import top
from backburner.cli.validate import validate
from backburner.cli.verbs import Verbs, examples
from backburner.cli.webhooks import webhooks
from backburner.core.errors import Refused

PROGRAM = "backburner"
WRONG, BROKEN, STOPPED = 2, 70, 130


@click.group(
    cls=Verbs,
    epilog=examples(
        "backburner serve",
        "backburner run questions.jsonl -o answers.jsonl",
        "backburner validate questions.jsonl",
        "backburner doctor",
    ),
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def root() -> None:
    """A batch inference service you run yourself. It speaks the Gemini Batch API, and OpenAI's and Anthropic's."""


@root.command()
def version() -> None:
    """Print the version."""
    click.echo(f"{PROGRAM} {__version__}")


for verb in (
    serve,
    run,
    jobs,
    files,
    top,
    validate,
    models,
    keys,
    config,
    doctor,
    backup,
    restore,
    verify,
    demo,
    completion,
    webhooks,
    audit,
):
    root.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and leaves with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(outcome(words))


def outcome(words: list[str]) -> int:
    """The exit code. Nothing escapes as a traceback; with --debug it is shown as well."""
    try:
        return root.main(words, prog_name=PROGRAM, standalone_mode=False) or 0
    except click.exceptions.Abort:
        _traceback(words)
        errors.print("\nStopped.")
        return STOPPED
    except click.ClickException as error:
        _traceback(words)
        error.show()
        return error.exit_code
    except Refused as error:
        _traceback(words)
        for sentence in refusal(error):
            errors.print(sentence)
        return WRONG
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except OSError as error:
        _traceback(words)
        errors.print(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return WRONG
    except Exception as error:  # noqa: BLE001  # the edge: a sentence; a developer asks with --debug
        _traceback(words)
        errors.print(
            f"Backburner made a mistake: {type(error).__name__}: {error}\n"
            "The same command with --debug shows where. Please report it."
        )
        return BROKEN


def _traceback(words: Sequence[str]) -> None:
    if "--debug" in words:
        errors.print(traceback.format_exc())
