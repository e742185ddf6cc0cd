"""What every verb is made of: `--debug`, the options that several share, and the settings they lead to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from backburner.config import Loaded, load

F = TypeVar("F", bound=Callable[..., Any])


class Verbs(click.Group):
    """A group in which every verb takes --debug (entry.py looks for the word itself) and -h."""

    group_class = type  # groups inside groups are of the same make

    def __init__(self, *arguments: Any, **named: Any) -> None:
        named.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(*arguments, **named)
        self.params.append(_debug(hidden=True))

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if not isinstance(cmd, Verbs):
            cmd.params.append(_debug(hidden=False))
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # as they were added: the ones that people begin with first


def _debug(*, hidden: bool) -> click.Option:
    words = "When it fails, show where in the code."
    return click.Option(["--debug"], is_flag=True, expose_value=False, hidden=hidden, help=words)


def examples(*lines: str) -> str:
    """An epilog that keeps its lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def config_option(command: F) -> F:
    return click.option(
        "--config",
        "config_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Settings in TOML. `backburner config` shows what is in force.",
    )(command)


def data_option(command: F) -> F:
    return click.option(
        "--data",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="The server's data folder.  [default: ~/.local/share/backburner]",
    )(command)


def engine_option(command: F) -> F:
    return click.option(
        "--engine",
        metavar="SPEC",
        help="Send every model to this engine: local, a name from [engines] of the config, or "
        "simulated[:OPTION=VALUE,...] with latency_ms, jitter, error_rate, seed, log.",
    )(command)


def settings_of(config_file: Path | None, **flags: Any) -> Loaded:
    """The settings with these flags on top. Raises InvalidArgument naming the setting and its origin."""
    return load(flags, config_file)
