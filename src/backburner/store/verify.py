"""Looks through a whole data folder, also beside a running server: is every byte there that the catalog promises?"""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from backburner.core.errors import DataLoss
from backburner.core.job import Job
from backburner.core.limits import STREAM_BYTES
from backburner.store.blobs import blob_path
from backburner.store.holdings import Held, Holdings
from backburner.store.ledger_faults import ledger_faults


class Damage(msgspec.Struct, frozen=True):
    """`file` is relative to the data folder; `names` what users call it; `jobs` those concerned."""

    file: str
    words: str
    names: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


class Findings(msgspec.Struct):
    """`unhashed` are blobs of which only the length, or nothing, is known: they are from older versions."""

    damages: list[Damage] = msgspec.field(default_factory=list[Damage])
    ledgers: int = 0
    blobs: int = 0
    looked_at_bytes: int = 0
    unhashed: int = 0


def verify(folder: Path, told: Callable[[int, int], None] = lambda done, total: None) -> Findings:
    """`told` hears how many bytes of how many were looked at. Raises NotFound, and Unavailable for data of a newer
    version."""
    try:
        holdings = Holdings(folder)
    except DataLoss as error:
        return Findings([Damage("catalog.db", error.message)])
    try:
        return Verification(folder, holdings, told).run()
    finally:
        holdings.close()


class Verification:
    def __init__(self, folder: Path, holdings: Holdings, told: Callable[[int, int], None]) -> None:
        self._folder = folder
        self._holdings = holdings
        self._told = told
        self._total = 0
        self.found = Findings()

    def run(self) -> Findings:
        try:
            faults = self._holdings.integrity()
            jobs, blobs = self._holdings.jobs(), list(self._holdings.blobs())
        except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
            self._damaged(Damage("catalog.db", f"cannot be read: {error}"))
            return self.found
        for fault in faults:
            self._damaged(Damage("catalog.db", fault))
        self._total = sum(held.size_bytes or 0 for held in blobs) + sum(map(self._ledger_bytes, jobs))
        for job in jobs:
            self._ledger(job)
        for held in blobs:
            self._blob(held)
        return self.found

    def _damaged(self, damage: Damage) -> None:
        self.found.damages.append(damage)

    def _looked_at(self, more_bytes: int) -> None:
        self.found.looked_at_bytes += more_bytes
        self._told(self.found.looked_at_bytes, self._total)

    def _ledger_bytes(self, job: Job) -> int:
        path = self._folder / "jobs" / job.id / "ledger.db"
        return path.stat().st_size if path.exists() else 0

    def _ledger(self, job: Job) -> None:
        size_bytes = self._ledger_bytes(job)
        faults = ledger_faults(self._folder / "jobs" / job.id, job) if size_bytes else ["it is not there"]
        if faults and self._holdings.has_job(job.id):  # or it was deleted this moment
            file = f"jobs/{job.id}/ledger.db"
            self._damaged(Damage(file, "; ".join(faults), (f"the ledger of {job.id}",), (job.id,)))
        self.found.ledgers += 1
        self._looked_at(size_bytes)

    def _blob(self, held: Held) -> None:
        self.found.blobs += 1
        self.found.unhashed += not held.sha256
        path = blob_path(self._folder / "blobs", held.blob)
        fault = blob_fault(path, held, self._looked_at)
        if fault and self._holdings.needs(held.blob):
            file = path.relative_to(self._folder).as_posix()
            self._damaged(Damage(file, fault, held.names, held.jobs))


def blob_fault(path: Path, held: Held, looked_at: Callable[[int], None]) -> str:
    """What is wrong with the bytes of a blob, in words; empty when they are as they were written, as far as that
    is known."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(STREAM_BYTES):
                digest.update(piece)
                size_bytes += len(piece)
                looked_at(len(piece))
    except FileNotFoundError:
        return "it is not there"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if held.size_bytes is not None and size_bytes != held.size_bytes:
        return f"it has {size_bytes:,} bytes instead of {held.size_bytes:,}"
    if held.sha256 and digest.hexdigest() != held.sha256:
        return "its bytes are not those that were written (SHA-256 differs)"
    return ""
