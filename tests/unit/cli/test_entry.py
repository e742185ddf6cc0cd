"""The edge: exit codes and words, never a traceback unless asked for."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from backburner import __version__
from backburner.cli import entry
from backburner.core.errors import InvalidArgument, Violation
from tests.unit.cli.command import Command


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A verb `fail` that raises what the test puts into the list."""
    errors: list[BaseException] = []

    @click.command()
    def fail() -> None:
        raise errors[0]

    monkeypatch.setattr(entry.root, "commands", dict(entry.root.commands))
    entry.root.add_command(fail)
    return errors


def test_a_refusal_is_sentences_and_exit_code_2(command: Command, failing: list[BaseException]) -> None:
    failing.append(
        InvalidArgument(
            "two lines are wrong",
            violations=[
                Violation("request.contents", "expected a list", "Write [...]", line=3, key="a"),
                Violation("", "not valid JSON", line=9),
            ],
        )
    )
    ran = command("fail")
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.splitlines() == [
        "two lines are wrong",
        '  line 3 (key "a"): request.contents: expected a list. Write [...]',
        "  line 9: not valid JSON",
    ]


def test_debug_shows_the_traceback_as_well(command: Command, failing: list[BaseException]) -> None:
    failing.append(InvalidArgument("no"))
    for words in (("fail", "--debug"), ("--debug", "fail")):
        ran = command(*words)
        assert ran.code == 2
        assert "Traceback" in ran.err
        assert ran.err.rstrip().endswith("no")


def test_a_bug_is_owned_up_to_in_a_sentence(command: Command, failing: list[BaseException]) -> None:
    failing.append(KeyError("x"))
    ran = command("fail")
    assert ran.code == 70
    assert "KeyError" in ran.err
    assert "--debug" in ran.err
    assert "Traceback" not in ran.err


def test_trouble_with_a_file_is_a_sentence(command: Command, failing: list[BaseException]) -> None:
    failing.append(PermissionError(13, "Permission denied", "/data/x"))
    ran = command("fail")
    assert (ran.code, ran.err) == (2, "Permission denied: /data/x\n")


@pytest.mark.parametrize("words", [["serve", "--port", "many"], ["keys", "sell"], ["fly"], ["run"]])
def test_wrong_usage_is_exit_code_2_with_the_way_out(command: Command, words: list[str]) -> None:
    ran = command(*words)
    assert ran.code == 2
    assert "Usage: backburner" in ran.err
    assert "--help" in ran.err


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_version(command: Command, words: list[str]) -> None:
    ran = command(*words)
    assert (ran.code, ran.out) == (0, f"backburner {__version__}\n")


def verbs(group: click.Group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, verb in group.commands.items():
        found.append((*before, name))
        if isinstance(verb, click.Group):
            found += verbs(verb, (*before, name))
    return found


def found(words: tuple[str, ...]) -> click.Command:
    verb: click.Command = entry.root
    for word in words:
        assert isinstance(verb, click.Group)
        verb = verb.commands[word]
    return verb


@pytest.mark.parametrize("words", verbs(entry.root), ids=" ".join)
def test_every_verb_explains_itself(command: Command, words: tuple[str, ...]) -> None:
    ran = command(*words, "--help")
    assert ran.code == 0
    assert f"Usage: backburner {' '.join(words)}" in ran.out
    if not isinstance(found(words), click.Group):
        assert "--debug" in ran.out
    assert len(ran.out.splitlines()[2].strip()) > 10, "a sentence about it follows the usage"


@pytest.mark.parametrize("words", ["serve", "run", "validate", "models", "keys", "config", "doctor"])
def test_help_has_examples(command: Command, words: str) -> None:
    assert "Examples:" in command(words, "--help").out


def test_completion_knows_verbs_and_options(tmp_path: Path) -> None:
    def completed(line: str) -> str:
        words = line.split(" ")
        return subprocess.run(
            [sys.executable, "-m", "backburner"],
            env={
                "PATH": "",
                "_BACKBURNER_COMPLETE": "bash_complete",
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(words) - 1),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "plain,validate" in completed("backburner va")
    assert "plain,simulate" not in completed("backburner va")
    assert "plain,--on-invalid" in completed("backburner run --on")
    assert "plain,skip" in completed("backburner run --on-invalid s")


def test_a_quick_verb_does_not_load_the_house() -> None:
    """Completion and `version` are used at every keystroke; the server's libraries take longer than they do."""
    heavy = ("aiohttp", "uvicorn", "starlette", "backburner.app", "google.genai")
    words = f"import sys, backburner.cli; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
