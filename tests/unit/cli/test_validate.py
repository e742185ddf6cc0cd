import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.cli.command import Command


def ask(text: str, **config: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}], "generationConfig": config}


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Ten good lines and two wrong ones, a blank line between."""
    lines: list[Any] = [{"key": f"k{n}", "request": ask("hi")} for n in range(10)]
    lines.insert(3, {"key": "bad", "request": ask("hi", temprature=1, topK="many")})
    lines.insert(5, "")
    return write(tmp_path / "in.jsonl", *lines, "{'key'")


def test_a_good_file(command: Command, tmp_path: Path) -> None:
    ran = command("validate", write(tmp_path / "in.jsonl", {"key": "a", "request": ask("hi")}))
    assert (ran.code, ran.out) == (0, "")
    assert "all good" in ran.err


def test_every_wrong_line_with_place_reason_and_remedy(command: Command, wrong: Path) -> None:
    ran = command("validate", wrong)
    assert ran.code == 1
    said = ran.out.splitlines()
    assert len(said) == 3, "both mistakes of line 4, and line 13"
    first = next(line for line in said if "temprature" in line)
    assert first.startswith('line 4 (key "bad"): request.generationConfig.temprature: ')
    assert "temperature" in first.partition(". ")[2], "what to write instead"
    assert any("generationConfig.topK" in line for line in said[:2])
    assert said[2].startswith("line 13: ")
    assert "2 of 12 generation requests are wrong" in ran.err


def test_json_is_one_object_per_wrong_line_and_a_summary(command: Command, wrong: Path) -> None:
    ran = command("validate", "--json", wrong)
    assert ran.code == 1
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert [(line["line"], line["key"], len(line["violations"])) for line in found[:-1]] == [
        (4, "bad", 2),
        (13, None, 1),
    ]
    assert set(found[0]["violations"][0]) == {"path", "reason", "instead"}
    assert found[-1] == {"summary": {"lines": 12, "wrong": 2, "violations": 3, "kind": "generate"}}


def test_the_kind_is_seen_from_the_first_line_or_told(command: Command, tmp_path: Path) -> None:
    embed = {"key": "a", "request": {"content": {"parts": [{"text": "hi"}]}}}
    file = write(tmp_path / "in.jsonl", embed)
    assert "1 embedding request, all good" in command("validate", file).err
    generate = write(tmp_path / "other.jsonl", {"key": "a", "request": ask("hi")})
    assert command("validate", generate).code == 0
    assert command("validate", "--embed", generate).code == 1


def test_standard_input(command: Command, wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(wrong.read_bytes())))
    ran = command("validate", "-")
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 3


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_requests_is_not_good(command: Command, tmp_path: Path, content: str) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(content)
    ran = command("validate", file)
    assert ran.code == 1
    assert "no requests" in ran.err


def test_a_file_that_cannot_be_read(command: Command, tmp_path: Path) -> None:
    assert command("validate", tmp_path / "no.jsonl").code == 2
    assert "folder" in command("validate", tmp_path).err
    assert command("validate").code == 2


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ([], {"key": "a", "request": ask("hi")}, {"key": "a", "request": ask("hi", temprature=1)}),
        (["--embed"], {"request": {"content": {"parts": [{"text": "a"}]}}}, {"request": {"content": 5}}),
    ],
)
def test_the_schema_of_a_line(command: Command, options: list[str], good: Any, bad: Any) -> None:
    ran = command("validate", "--schema", *options)
    assert ran.code == 0
    schema = json.loads(ran.out)
    jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, schema)
