"""What the data folder takes, and whether it can be written."""

import os
from pathlib import Path


def taken_bytes(folder: Path) -> dict[str, int]:
    """By what is directly in the folder: `catalog`, `jobs`, `blobs`, ... Walks all of it, so not to be asked often."""
    found: dict[str, int] = {}
    for entry in os.scandir(folder):
        name = entry.name.partition(".")[0]
        size = _below(entry.path) if entry.is_dir(follow_symlinks=False) else _size(entry)
        found[name] = found.get(name, 0) + size
    return found


def _below(path: str) -> int:
    total = 0
    left = [path]
    while left:
        try:
            entries = list(os.scandir(left.pop()))
        except OSError:  # deleted meanwhile
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                left.append(entry.path)
            else:
                total += _size(entry)
    return total


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def probe(folder: Path) -> None:
    """Writes a byte, durably, and takes it away again. Raises OSError where that cannot be done."""
    path = folder / "probe"
    with path.open("wb") as file:
        file.write(b"\0")
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
