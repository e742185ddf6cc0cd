"""Where `backburner jobs` looks for the server."""

from pathlib import Path

import click
import pytest

from backburner.cli.place import Place, server_options
from backburner.core.errors import InvalidArgument


def place(*words: str) -> Place:
    found: list[Place] = []

    @click.command()
    @server_options
    def look(place: Place) -> None:
        found.append(place)

    look.main(list(words), standalone_mode=False)
    return found[0]


def test_the_server_of_this_machine_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert place() == Place("http://127.0.0.1:8080", "")
    monkeypatch.setenv("BACKBURNER_PORT", "9999")
    assert place().url == "http://127.0.0.1:9999", "as `backburner serve` reads it"


def test_variables_and_options_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "backburner.toml"
    config.write_text('host = "0.0.0.0"\nport = 7000\n')
    assert place("--config", str(config)).url == "http://127.0.0.1:7000"
    config.write_text('host = "::1"\nport = 7000\n')
    assert place("--config", str(config)).url == "http://[::1]:7000"
    config.write_text('public_url = "https://batch.example.com/bb/"\n')
    assert place("--config", str(config)).url == "https://batch.example.com/bb"
    monkeypatch.setenv("BACKBURNER_URL", "http://far:1/")
    monkeypatch.setenv("BACKBURNER_KEY", "bb-secret")
    assert place("--config", str(config)) == Place("http://far:1", "bb-secret")
    assert place("--url", "http://near:2", "--key", "bb-other") == Place("http://near:2", "bb-other")


def test_what_is_no_url_is_refused() -> None:
    for wrong in ("localhost:8080", "ftp://x", "batch.example.com"):
        with pytest.raises(InvalidArgument, match=r"http://127\.0\.0\.1:8080"):
            place("--url", wrong)


def test_a_person_s_own_file_names_a_server_and_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "backburner" / "client.toml"
    file.parent.mkdir()
    file.write_text('url = "https://batch.example.com/"\nkey = "bb-mine"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert place() == Place("https://batch.example.com", "bb-mine")
    assert place("--key", "bb-other") == Place("https://batch.example.com", "bb-other")
    assert place("--url", "http://near:2") == Place("http://near:2", ""), "the key is for that server alone"
    file.write_text('urls = "https://batch.example.com/"\n')
    with pytest.raises(InvalidArgument, match=r"client\.toml.*urls.*Known: url, key"):
        place()
