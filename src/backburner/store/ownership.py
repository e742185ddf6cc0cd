"""One process owns a data folder."""

import fcntl
import os
from pathlib import Path

from backburner.core.errors import Unavailable


class Ownership:
    """Held as long as this object's file is open; the kernel lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "owner.lock"
        self._file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip() or "another process"
            self._file.close()
            raise Unavailable(
                f"the data folder {folder} is in use by process {owner}. "
                "Stop that one, or give this one a folder of its own with --data"
            ) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()
