"""`backburner config`: the settings in force and where each came from, as TOML that can be fed back."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from backburner.cli.say import results
from backburner.cli.verbs import config_option, data_option, engine_option, examples, settings_of
from backburner.config import EngineSettings, Loaded

MASK = "********"
SECRET = frozenset(("api_key", "secret", "metrics_token"))


@click.command(
    epilog=examples("backburner config", "backburner config --config backburner.toml > effective.toml")
)
@config_option
@data_option
@engine_option
def config(config_file: Path | None, data: str | None, engine: str | None) -> None:
    """Show the settings in force and where each came from.

    Later ones win: defaults, the config file, environment variables (BACKBURNER_PORT and so on), options. Secrets
    are masked.
    """
    for line in lines_of(settings_of(config_file, data=data, engine=engine)):
        results.print(line)


def lines_of(loaded: Loaded) -> Iterator[str]:
    """Plain settings first: in TOML they must stand before the tables."""
    settings = msgspec.structs.asdict(loaded.settings)
    plain = {
        name: MASK if name in SECRET and value else value
        for name, value in settings.items()
        if not isinstance(value, dict)
    }
    width = max(len(f"{name} = {written(value)}") for name, value in plain.items())
    for name, value in plain.items():
        yield f"{f'{name} = {written(value)}':<{width}}  # {loaded.origins[name]}"
    yield from _table("models", loaded.settings.models, loaded.origins["models"])
    for name, engine in loaded.settings.engines.items():
        yield from _table(f"engines.{key(name)}", _changed(engine), loaded.origins["engines"])


def _table(name: str, members: Mapping[str, object], origin: str) -> Iterator[str]:
    yield ""
    if not members:
        yield f"# [{name}] is empty ({origin})"
        return
    yield f"[{name}]  # {origin}"
    for member, value in members.items():
        yield f"{key(member)} = {written(MASK if member in SECRET else value)}"


def _changed(engine: EngineSettings) -> dict[str, object]:
    """What an engine's table says, without what it leaves at its default."""
    plain = EngineSettings(kind=engine.kind)
    values = msgspec.structs.asdict(engine)
    return {n: v for n, v in values.items() if n == "kind" or v != getattr(plain, n)}


def key(name: str) -> str:
    """A TOML key, quoted where it must be."""
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else written(name)


def written(value: object) -> str:
    """A value as TOML writes it. JSON's spelling of strings, numbers, booleans and lists is TOML too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key(str(k))} = {written(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return msgspec.json.encode(value).decode()
