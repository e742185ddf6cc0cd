"""The model store: one folder per converted model, each with a manifest that says what it is and came from.

A folder appears complete or not at all: models are made in a `.pull-*` folder beside it and renamed into
place. Whoever makes one holds the store's lock, so any `.pull-*` folder found under the lock is left over
from an interrupted pull and is removed.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import msgspec

from backburner.core.exchange import CallKind

MANIFEST = "manifest.json"
FORMAT = 2  # raise it when a conversion changes: older folders then count as not installed
TEMPORARY = ".pull-"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`source` names what it was made from (`sha256` by file name); `files` the bytes of every file made."""

    format: int
    id: str
    kind: CallKind
    source: str
    sha256: dict[str, str]
    made_with: dict[str, str]
    files: dict[str, int]
    context_tokens: int
    display_name: str = ""
    description: str = ""
    temperature: float = 1.0
    top_p: float = 1.0


def installed(models_dir: Path) -> list[Manifest]:
    """The usable models of a store, by name. Reads manifests and file sizes only."""
    if not models_dir.is_dir():
        return []
    found = [manifest_of(folder) for folder in sorted(models_dir.iterdir()) if folder.name[0] != "."]
    return [manifest for manifest in found if manifest is not None]


def manifest_of(folder: Path) -> Manifest | None:
    """None unless the folder holds a complete model of the current format."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        sizes = {name: (folder / name).stat().st_size for name in manifest.files}
    except (OSError, msgspec.DecodeError):
        return None
    if manifest.format != FORMAT or sizes != manifest.files:
        return None
    return manifest


@contextlib.contextmanager
def locked(models_dir: Path) -> Generator[None]:
    """Holds the store's lock, waiting for it, and sweeps what interrupted pulls left."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in models_dir.glob(f"{TEMPORARY}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def publish(made_dir: Path, models_dir: Path, manifest: Manifest) -> Manifest:
    """Makes a finished folder visible under its model's name, atomically. Call it with the lock held."""
    sizes = {path.name: path.stat().st_size for path in sorted(made_dir.iterdir())}
    manifest = msgspec.structs.replace(manifest, files=sizes)
    (made_dir / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    for path in made_dir.iterdir():
        _sync(path)
    _sync(made_dir)
    target = models_dir / manifest.id
    if target.exists():  # an older format, or damaged: rename cannot replace a folder that has content
        shutil.rmtree(target)
    made_dir.rename(target)
    _sync(models_dir)
    return manifest


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
