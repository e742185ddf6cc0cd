"""The documentation says what is there, and nothing that is not: settings, routes, reasons, commands, limits, states.

What a page lists is read out of its tables and headings; what is there is read out of the code. Both must be the
same. Links and the tests that the compatibility table names must exist.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from backburner.api.gemini.routes import ROUTES
from backburner.cli.entry import root
from backburner.config import ENVIRONMENT_PREFIX, TABLES, EngineSettings, Settings, WebhookSettings, load
from backburner.core import limits
from backburner.core.clock import SystemClock
from backburner.core.exchange import Feature, TroubleKind
from backburner.core.job import TRANSITIONS
from backburner.core.limits import GIB, MIB
from backburner.engines.local.catalogue import CHAT_MODEL, EMBED_MODEL
from backburner.engines.local.engine import LocalEngine
from backburner.engines.server_kinds import KINDS
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions

from .source import REPO, product

DOCS = REPO / "docs"
# Built by refusal_of (service/interactive.py) from kinds of trouble; these two have words of their own.
_OWN_WORDS = {TroubleKind.REQUEST, TroubleKind.BUSY}
_IN_FILE_ONLY = TABLES
_DATED = {"data", "models_dir"}  # defaults that depend on the machine


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    level = heading.count("#")
    found = re.search(
        rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"no heading {heading!r}"
    return found[1]


def rows(text: str, first: str = "") -> list[list[str]]:
    """The cells of every table row; of tables whose first head is `first`, when it is given."""
    found: list[list[str]] = []
    head = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            head = ""
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not head:
            head = cells[0]
        elif not set(line) <= set("|-: ") and first in ("", head):
            found.append(cells)
    return found


def word(cell: str) -> str:
    """The code that a cell begins with."""
    return cell.split("`")[1] if cell.startswith("`") else ""


# -- configuration


def written(value: Any) -> str:
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def test_every_setting_is_documented_with_its_variable_and_default() -> None:
    found = {word(row[0]): row for row in rows(section(page("configuration.md"), "## Settings"))}
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    assert set(found) == set(fields)
    plain = Settings()
    for name, row in found.items():
        assert word(row[1]) == ("" if name in _IN_FILE_ONLY else ENVIRONMENT_PREFIX + name.upper()), name
        if name not in _DATED:
            assert row[2].strip("`") == written(getattr(plain, name)), name


def test_every_field_of_an_engine_is_documented() -> None:
    found = {word(row[0]): row for row in rows(section(page("configuration.md"), "## Engines"))}
    assert set(found) == {field.name for field in msgspec.structs.fields(EngineSettings)}
    plain = EngineSettings(kind="openai")
    for name in set(found) - {"kind", "base_url"}:
        assert found[name][1].strip("`") == written(getattr(plain, name)), name


def test_every_field_of_a_webhook_is_documented() -> None:
    found = {word(row[0]) for row in rows(section(page("configuration.md"), "## Webhooks"))}
    assert found == {field.name for field in msgspec.structs.fields(WebhookSettings)}


def configs() -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", page("configuration.md"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", configs())
def test_every_config_example_is_a_config(text: str, tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text(text)
    settings = load({}, file, {}).settings
    assert tomllib.loads(text).keys() <= msgspec.structs.asdict(settings).keys()
    assert set(re.findall(r"^\[engines\.(\w+)\]", text, re.MULTILINE)) == set(settings.engines)


# -- routes, reasons, states, limits


def documented_routes() -> set[str]:
    return set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", page("compatibility.md")))


def test_every_route_is_in_the_compatibility_table_and_no_other() -> None:
    served = {f"{route.method} {route.path}" for route in ROUTES}
    # one row serves the three collections that have models in them; the page says so
    alike = {one: re.sub(r"/(tunedModels|dynamic)/\{name\}:", "/models/{name}:", one) for one in served}
    documented = documented_routes()
    assert set(alike.values()) - documented == set()
    assert documented - served == set()


def reasons() -> set[str]:
    """The `reason` of every refusal in the code."""
    found = {f"ENGINE_{kind.upper()}" for kind in TroubleKind if kind not in _OWN_WORDS}
    for path, tree in product().items():
        for node in ast.walk(tree):
            value: ast.expr | None = None
            if isinstance(node, ast.keyword) and node.arg == "reason":
                value = node.value
            elif isinstance(node, ast.Assign) and path == "core/errors.py":
                named = any(isinstance(target, ast.Name) and target.id == "reason" for target in node.targets)
                value = node.value if named else None
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Z_]+", text):
                found.add(text)
    return found


def test_every_reason_of_a_refusal_is_explained_and_no_other() -> None:
    explained = [word(row[0]) for row in rows(page("errors.md"), "reason")]
    assert len(explained) == len(set(explained)), "explained twice"
    assert reasons() - set(explained) == set()
    assert set(explained) - reasons() == set()


def test_the_picture_of_states_is_the_table_of_moves() -> None:
    drawn = set(re.findall(r"^ +([A-Z]+) --> ([A-Z]+)", page("concepts.md"), re.MULTILINE))
    assert drawn == {(state.value, to.value) for state, onward in TRANSITIONS.items() for to in onward}
    ends = set(re.findall(r"^ +([A-Z]+) --> \[\*\]", page("concepts.md"), re.MULTILINE))
    assert ends == {state.value for state, onward in TRANSITIONS.items() if not onward}


def amount(name: str, value: float) -> str:
    """A bound as the page writes it."""
    if name.endswith("_BYTES"):
        return f"{value // GIB:g} GiB" if value % GIB == 0 else f"{value // MIB:g} MiB"
    if name.endswith("_S"):
        return f"{value / 3600:g} h" if value >= 3600 else f"{value:g} s"
    return f"{value:,} characters" if name.endswith("_CHARS") else f"{value:,}"


def test_every_limit_is_documented_with_its_value() -> None:
    found = {word(row[-1]): row[1] for row in rows(page("limits.md"), "what")}
    units = {"MIB", "GIB"}
    bounds = {name: value for name, value in vars(limits).items() if name.isupper() and name not in units}
    assert found == {name: amount(name, value) for name, value in bounds.items()}


def test_the_table_of_features_is_what_the_engines_say(tmp_path: Path) -> None:
    local = LocalEngine(tmp_path)
    stand_in = SimulatedEngine("simulated", SimulatedOptions(), SystemClock())
    asked = [local.capabilities(CHAT_MODEL), local.capabilities(EMBED_MODEL), stand_in.capabilities("any")]
    engines = [found.features for found in asked if found is not None]
    engines += [
        KINDS[kind].features for kind in ("vllm", "sglang", "llamacpp", "ollama", "openai", "generic")
    ]
    found = {row[0]: row[1:] for row in rows(section(page("compatibility.md"), "## Features by engine"))}
    assert found == {
        feature.value: ["yes" if feature in has else "–" for has in engines] for feature in Feature
    }


# -- the command line


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_every_command_is_documented_with_its_options_and_no_other() -> None:
    text = page("cli.md")
    there = dict(commands(root, "backburner"))
    assert set(re.findall(r"^##+ (backburner .+)$", text, re.MULTILINE)) == set(there)
    for name, command in there.items():
        said = section(text, f"{'#' * len(name.split())} {name}")
        group = name.rpartition(" ")[0]
        if group in there:  # what a group says at its beginning holds for all in it
            said += section(text, f"## {group}").partition("\n### ")[0]
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                shared = set(option.opts) & {"--config", "--data", "--debug", "--engine", "--url", "--key"}
                assert any(one in (text if shared else said) for one in option.opts), f"{name} {option.opts}"


# -- links and tests that pages name


def pages() -> list[Path]:
    return sorted((*REPO.glob("*.md"), *DOCS.rglob("*.md"), *(REPO / "examples").glob("*.md")))


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(file: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, fragment = target.partition("#")
        there = (file.parent / path).resolve() if path else file
        if not there.exists():
            yield f"{file.relative_to(REPO)}: {target}"
        elif fragment and fragment not in map(
            anchor, re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
        ):
            yield f"{file.relative_to(REPO)}: {target} has no such heading"


def test_every_link_leads_somewhere() -> None:
    assert [link for file in pages() for link in broken_links(file)] == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    file = DOCS / "concepts.md"
    assert list(broken_links(file)) == []
    text = "[a](nowhere.md) [b](#no-such) [c](https://example.com) [d](#words)\n\n## Words\n"
    broken = REPO / "docs" / "broken-for-a-test.md"
    try:
        broken.write_text(text)
        assert len(list(broken_links(broken))) == 2
    finally:
        broken.unlink()


def test_every_page_is_in_the_index() -> None:
    index = page("README.md")
    assert [
        file.name for file in DOCS.glob("*.md") if file.name != "README.md" and f"({file.name})" not in index
    ] == []


def missing_tests(text: str) -> Iterator[str]:
    """`e2e/test_x::test_y` that is not there, `e2e/test_x` likewise."""
    for path, name in re.findall(r"`((?:e2e|unit|house|golden)/[\w/]+?)(?:::(\w+))?`", text):
        file = REPO / "tests" / f"{path}.py"
        if not file.exists() or (
            name and not re.search(rf"^(async )?def {name}\(", file.read_text(), re.MULTILINE)
        ):
            yield f"{path}::{name}"


def test_every_test_that_the_compatibility_table_names_exists() -> None:
    text = page("compatibility.md")
    assert text.count("::test_") > 50
    assert list(missing_tests(text)) == []
    assert list(missing_tests("`e2e/test_job_life::test_of_nothing` `unit/test_none`")) == [
        "e2e/test_job_life::test_of_nothing",
        "unit/test_none::",
    ]


def test_every_row_of_the_compatibility_table_names_a_test() -> None:
    bare = [row[0] for row in rows(page("compatibility.md"), "field") if "::test_" not in row[-1]]
    assert bare == []
