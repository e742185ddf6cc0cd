"""Where a server is, and the key for it: --url, --key, their variables, the file client.toml, and the settings that
a server reads."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from backburner.cli.verbs import settings_of
from backburner.config import client_settings
from backburner.core.errors import InvalidArgument

_EVERYWHERE = ("0.0.0.0", "::")

F = TypeVar("F", bound=Callable[..., Any])


class Place(msgspec.Struct, frozen=True):
    """`url` has no slash at its end; `key` is empty where there is none."""

    url: str
    key: str


def server_options(command: F) -> F:
    """--url, --key and --config, which the command gets as one `place`."""

    @click.option(
        "--url",
        envvar="BACKBURNER_URL",
        metavar="URL",
        help="The server, or BACKBURNER_URL, or url in ~/.config/backburner/client.toml.  "
        "[default: http://127.0.0.1:8080]",
    )
    @click.option(
        "--key",
        envvar="BACKBURNER_KEY",
        metavar="KEY",
        help="An API key, or BACKBURNER_KEY, or key in client.toml, where the server wants one.",
    )
    @click.option(
        "--config",
        "config_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The server's settings in TOML: its public_url, or its host and port.",
    )
    @wraps(command)
    def placed(*, url: str | None, key: str | None, config_file: Path | None, **more: Any) -> Any:
        return command(place=_place(url, key, config_file), **more)

    return placed  # type: ignore[return-value]


def _place(url: str | None, key: str | None, config_file: Path | None) -> Place:
    """A key of client.toml goes to the server of client.toml and to no other. Raises InvalidArgument."""
    if url or config_file:
        return Place(_checked(url or _own(config_file)), key or "")
    mine = client_settings()
    return Place(_checked(mine.url or _own(None)), key or mine.key)


def _own(config_file: Path | None) -> str:
    """The server that has these settings."""
    settings = settings_of(config_file).settings
    host = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    return settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _checked(url: str) -> str:
    """Raises InvalidArgument."""
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument(f"{url!r} is not the URL of a server; write for example http://127.0.0.1:8080")
    return url.rstrip("/")
