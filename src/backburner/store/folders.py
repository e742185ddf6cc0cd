"""Folders whose entries survive power loss: a name is durable only when the folder that holds it was synced."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DurableFolders:
    """Folders below one root, each made and synced once per process. Safe from several threads: whoever
    returns from `make` knows that the folder is durable, also when another thread was the first to make it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._synced: set[str] = set()

    def make(self, name: str) -> Path:
        folder = self._root / name
        if name not in self._synced:
            folder.mkdir(exist_ok=True)
            sync_folder(self._root)
            self._synced.add(name)
        return folder

    def forget(self, name: str) -> None:
        """After the folder was removed."""
        self._synced.discard(name)
