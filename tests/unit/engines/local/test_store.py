from pathlib import Path

import msgspec
import pytest

from backburner.core.exchange import CallKind
from backburner.engines.local import store

from .conftest import install


def test_a_published_model_is_installed(tmp_path: Path) -> None:
    made = install(tmp_path, "m", CallKind.CHAT)
    assert made.files == {"weights.bin": 7}
    assert store.installed(tmp_path) == [made]


def test_nothing_is_installed_where_nothing_is(tmp_path: Path) -> None:
    assert store.installed(tmp_path) == []
    assert store.installed(tmp_path / "not-there") == []


@pytest.mark.parametrize(
    "damage", ["truncated", "missing", "no manifest", "unreadable manifest", "older format"]
)
def test_a_damaged_or_older_model_does_not_count_and_can_be_made_again(tmp_path: Path, damage: str) -> None:
    made = install(tmp_path, "m", CallKind.CHAT)
    folder = tmp_path / "m"
    match damage:
        case "truncated":
            (folder / "weights.bin").write_bytes(b"w")
        case "missing":
            (folder / "weights.bin").unlink()
        case "no manifest":
            (folder / store.MANIFEST).unlink()
        case "unreadable manifest":
            (folder / store.MANIFEST).write_text("{")
        case _:
            older = msgspec.structs.replace(made, format=store.FORMAT - 1)
            (folder / store.MANIFEST).write_bytes(msgspec.json.encode(older))
    assert store.installed(tmp_path) == []
    assert install(tmp_path, "m", CallKind.CHAT) == made
    assert store.installed(tmp_path) == [made]


def test_what_an_interrupted_pull_left_is_swept(tmp_path: Path) -> None:
    install(tmp_path, "m", CallKind.CHAT)
    left = tmp_path / f"{store.TEMPORARY}other"
    left.mkdir()
    (left / "half.bin").write_bytes(b"x")
    with store.locked(tmp_path):
        assert not left.exists()
    assert [one.id for one in store.installed(tmp_path)] == ["m"]
