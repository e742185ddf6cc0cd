"""Where `backburner run` keeps what it has done: `OUT.backburner/<key>/`, a data folder like a server's.

The key is made of the input's bytes and of what was asked. So the same command continues, a changed input or
another option starts afresh beside it, and nothing is ever mixed.
"""

import hashlib
import shutil
from pathlib import Path

import msgspec

from backburner.core.job import Job, JobKind, OnInvalid
from backburner.core.limits import STREAM_BYTES
from backburner.service.keys import DEFAULT_TENANT
from backburner.store.catalog import Catalog
from backburner.store.jobs import Jobs

SUFFIX = ".backburner"
FORMAT = 1  # raise it when an older state must not be continued


class Asked(msgspec.Struct, frozen=True):
    """What decides whether an earlier state is of the same run."""

    input_sha256: str
    kind: JobKind
    model: str
    engine: str
    on_invalid: OnInvalid


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(STREAM_BYTES):
            digest.update(piece)
    return digest.hexdigest()


class State:
    def __init__(self, out: Path, asked: Asked) -> None:
        key = hashlib.sha256(msgspec.json.encode([FORMAT, asked])).hexdigest()[:16]
        self._parent = out.with_name(out.name + SUFFIX)
        self.folder = self._parent / key

    def job(self) -> Job | None:
        """The job that an earlier run began. Looks only; another process may own the folder."""
        path = self.folder / "catalog.db"
        if not path.exists():
            return None
        catalog = Catalog(path)
        try:
            return next(iter(Jobs(catalog).page(DEFAULT_TENANT, 1, None)), None)
        finally:
            catalog.close()

    def others(self) -> list[Path]:
        """States of other inputs or options for the same output."""
        if not self._parent.is_dir():
            return []
        return sorted(path for path in self._parent.iterdir() if path.is_dir() and path != self.folder)

    def remove(self) -> None:
        """Everything of this run; the folder around it too when nothing else is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._parent.is_dir() and not any(self._parent.iterdir()):
            self._parent.rmdir()
