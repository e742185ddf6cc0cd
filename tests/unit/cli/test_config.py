import tomllib
from pathlib import Path

import pytest

from tests.unit.cli.command import Command

CONFIG = """
port = 9000
[models]
"my model" = "upstream/llama"
[engines.upstream]
kind = "openai"
base_url = "http://127.0.0.1:8000/v1"
api_key = "very-secret"
models = ["llama"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "backburner.toml"
    path.write_text(CONFIG)
    return path


def test_each_setting_says_where_it_came_from(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKBURNER_HOST", "::1")
    ran = command("config", "--config", file, "--data", "/srv/bb")
    assert ran.code == 0
    origins = {
        line.split(" = ")[0]: line.split("# ")[-1]
        for line in ran.out.splitlines()
        if " = " in line and "# " in line
    }
    assert origins["port"] == str(file)
    assert origins["host"] == "BACKBURNER_HOST"
    assert origins["data"] == "--data"
    assert origins["wire_states"] == "default"


def test_what_it_prints_is_a_config_file_with_the_secrets_masked(command: Command, file: Path) -> None:
    ran = command("config", "--config", file)
    assert "very-secret" not in ran.out
    again = tomllib.loads(ran.out)
    assert again["port"] == 9000
    assert again["models"] == {"my model": "upstream/llama"}
    assert again["engines"]["upstream"] == {
        "kind": "openai",
        "base_url": "http://127.0.0.1:8000/v1",
        "api_key": "********",
        "models": ["llama"],
    }
    file.write_text(ran.out)
    assert tomllib.loads(command("config", "--config", file).out) == again


@pytest.mark.parametrize(
    ("text", "words"),
    [("prot = 1", "prot"), ("port = 'x'", "port"), ("port = ", "not valid TOML")],
)
def test_a_wrong_file_is_refused_by_name(command: Command, file: Path, text: str, words: str) -> None:
    file.write_text(text)
    ran = command("config", "--config", file)
    assert ran.code == 2
    assert words in ran.err
    assert str(file) in ran.err
