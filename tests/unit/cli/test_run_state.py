from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.cli.run_state import Asked, State, sha256_of
from backburner.core.job import JobKind, OnInvalid

ASKED = Asked("ab" * 32, JobKind.GENERATE, "gemini-2.5-flash", "", OnInvalid.FAIL)


def test_the_same_question_has_the_same_state(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert State(out, ASKED).folder == State(out, ASKED).folder
    assert State(out, ASKED).folder.parent == tmp_path / "out.jsonl.backburner"


@pytest.mark.parametrize(
    "change",
    [
        {"input_sha256": "cd" * 32},
        {"kind": JobKind.EMBED},
        {"model": "other"},
        {"engine": "simulated"},
        {"on_invalid": OnInvalid.SKIP},
    ],
)
def test_another_question_has_another(tmp_path: Path, change: dict[str, Any]) -> None:
    other = msgspec.structs.replace(ASKED, **change)
    assert State(tmp_path / "o", other).folder != State(tmp_path / "o", ASKED).folder


def test_removing_leaves_what_belongs_to_others(tmp_path: Path) -> None:
    one = State(tmp_path / "o", ASKED)
    two = State(tmp_path / "o", msgspec.structs.replace(ASKED, model="other"))
    for state in (one, two):
        state.folder.mkdir(parents=True)
        (state.folder / "x").write_text("x")
    assert one.others() == [two.folder]
    one.remove()
    assert two.folder.is_dir()
    two.remove()
    assert list(tmp_path.iterdir()) == []


def test_no_job_without_a_catalog(tmp_path: Path) -> None:
    state = State(tmp_path / "o", ASKED)
    assert state.job() is None
    assert not state.folder.exists(), "looking makes nothing"


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "in"
    file.write_bytes(b"abc")
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
