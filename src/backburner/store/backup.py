"""A copy of a data folder, taken while its server runs, and the way back.

What is acknowledged when the copy begins is in it. It is taken from outside, without a word to the server, so the
order decides (docs/decisions/0018):

    1. blobs        all that are needed now. They never change, and whoever is deleted later is then not missed
    2. ledgers      of jobs whose results are not published: before the catalog, because a ledger loses its answers once
                    the catalog knows of the result file
    3. uploads      those that are not finished
    4. the catalog  at one moment
    5. ledgers      of jobs that this catalog has as published; they change no more
    6. blobs        that came since
    7. what this catalog names and was made or deleted since the copy began is taken out of it

The copy is made beside the target and takes its name when it is whole; what an earlier copy has is linked from there.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from backburner.core.errors import Conflict, InvalidArgument, NotFound
from backburner.core.job import Job
from backburner.core.limits import STREAM_BYTES
from backburner.store.blobs import blob_path
from backburner.store.holdings import Held, Holdings
from backburner.store.ownership import Ownership
from backburner.store.sqlite import connect, transaction
from backburner.store.verify import Damage

MANIFEST = "backup.json"
PAGES = 2048  # of a database, copied between two words about the progress
Told = Callable[[int], None]  # hears how many bytes more are done


class Manifest(msgspec.Struct, frozen=True):
    """What a copy is, for whoever finds it."""

    version: str
    made_at: str
    jobs: int
    blobs: int
    size_bytes: int


class Made(msgspec.Struct):
    """What a copy has. `new_bytes` were copied, the rest is shared with the data folder or an earlier copy. `damages`
    could not be copied as they should be."""

    jobs: int = 0
    blobs: int = 0
    size_bytes: int = 0
    new_bytes: int = 0
    damages: list[Damage] = msgspec.field(default_factory=list[Damage])


def back_up(folder: Path, target: Path, version: str, made_at: str, told: Told = lambda more: None) -> Made:
    """Raises NotFound where there is no data folder, InvalidArgument for a target that cannot be one, Unavailable for
    data of a newer version or while another copy to this target is made."""
    folder, target = folder.resolve(), target.absolute()
    partial = target.with_name(f"{target.name}.partial")
    before = target.with_name(f"{target.name}.before")
    _check_target(folder, target)
    _check_ours(partial, "owner.lock")
    _check_ours(before, MANIFEST)
    if before.exists() and not target.exists():  # a copy ended between the two renames
        before.rename(target)
    own = Ownership(partial)
    try:
        _empty(partial)
        made = _Copy(folder, partial, target if target.exists() else None, told).run()
        manifest = Manifest(version, made_at, made.jobs, made.blobs, made.size_bytes)
        (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        (partial / "owner.lock").unlink()
        os.sync()
        if target.exists():
            shutil.rmtree(before, ignore_errors=True)
            target.rename(before)
        partial.rename(target)
        os.sync()
        shutil.rmtree(before, ignore_errors=True)
        return made
    finally:
        own.release()


def _check_target(folder: Path, target: Path) -> None:
    Holdings(folder).close()
    if folder == target.resolve() or folder in target.resolve().parents or target.resolve() in folder.parents:
        raise InvalidArgument(f"{target} is in the data folder or around it; name a folder elsewhere")
    if target.is_mount():
        raise InvalidArgument(f"a disk is mounted at {target}; name a folder on it")
    if (
        target.exists()
        and not (target / MANIFEST).exists()
        and (not target.is_dir() or any(target.iterdir()))
    ):
        raise InvalidArgument(
            f"{target} is there and is no backup; name a folder that is new, empty or a backup"
        )
    if not target.parent.is_dir():
        raise InvalidArgument(f"there is no folder {target.parent}")


def _check_ours(folder: Path, sign: str) -> None:
    """Raises InvalidArgument for a folder that we would clear away and did not make."""
    if folder.exists() and not (folder / sign).exists() and any(folder.iterdir()):
        raise InvalidArgument(f"{folder} is in the way: a backup is made there, and this is none")


def _empty(folder: Path) -> None:
    """Except for the lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "owner.lock":
            path.unlink()


class _Copy:
    def __init__(self, folder: Path, to: Path, earlier: Path | None, told: Told) -> None:
        self._folder = folder
        self._to = to
        self._earlier = earlier
        self._told = told
        self._made = Made()
        self._have: set[str] = set()  # blobs
        self._lost: dict[str, Held] = {}  # blobs that were not where they should be

    def run(self) -> Made:
        with closing(Holdings(self._folder)) as now:
            self._blobs(now.blobs())
            open_jobs = [job.id for job in now.jobs() if job.results_blob is None]
            copied = {job for job in open_jobs if self._ledger(job)}
            self._uploads(now.uploads())
            copy_database(self._folder / "catalog.db", self._to / "catalog.db", self._wrote)
            with closing(Holdings(self._to)) as then:
                jobs, blobs = then.jobs(), list(then.blobs())
            copied |= {job.id for job in jobs if job.results_blob is not None and self._published(job.id)}
            self._blobs(held for held in blobs if held.blob not in self._have)
            self._take_out(now, [job for job in jobs if job.id not in copied or not now.has_job(job.id)])
        with closing(Holdings(self._to)) as then:
            self._remove_rest(then)
        self._made.size_bytes = sum(path.stat().st_size for path in self._to.rglob("*") if path.is_file())
        return self._made

    def _wrote(self, more_bytes: int) -> None:
        self._made.new_bytes += more_bytes
        self._told(more_bytes)

    # -- blobs and uploads

    def _blobs(self, blobs: Iterable[Held]) -> None:
        for held in blobs:
            if self._blob(held):
                self._have.add(held.blob)
                self._lost.pop(held.blob, None)
            else:
                self._lost[held.blob] = held

    def _blob(self, held: Held) -> bool:
        """False when it is not there."""
        to = blob_path(self._to / "blobs", held.blob)
        to.parent.mkdir(parents=True, exist_ok=True)
        places = [self._earlier, self._folder] if self._earlier else [self._folder]
        for place in places:
            path = blob_path(place / "blobs", held.blob)
            if _linked(path, to):
                self._told(held.size_bytes or 0)
                return True
        return self._copied(blob_path(self._folder / "blobs", held.blob), to, held)

    def _copied(self, path: Path, to: Path, held: Held) -> bool:
        digest = hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as file, to.open("wb", buffering=0) as copy:
                while piece := file.read(STREAM_BYTES):
                    digest.update(piece)
                    copy.write(piece)
                    self._wrote(len(piece))
        except FileNotFoundError:
            return False
        if held.sha256 and digest.hexdigest() != held.sha256:
            words = "its bytes are not those that were written (SHA-256 differs)"
            self._damaged(path, words, held)
        return True

    def _damaged(self, path: Path, words: str, held: Held) -> None:
        file = path.relative_to(self._folder).as_posix()
        self._made.damages.append(Damage(file, words, held.names, held.jobs))

    def _uploads(self, uploads: Iterable[str]) -> None:
        to = self._to / "blobs" / "incoming"
        to.mkdir(parents=True, exist_ok=True)
        for upload in uploads:
            path = self._folder / "blobs" / "incoming" / upload
            if path.exists():
                self._wrote(path.stat().st_size)
                shutil.copyfile(path, to / upload)

    # -- ledgers

    def _ledger(self, job: str) -> bool:
        """False when it is not there."""
        path, to = self._folder / "jobs" / job / "ledger.db", self._to / "jobs" / job / "ledger.db"
        if not path.exists():
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        to.unlink(missing_ok=True)  # it may be a link
        try:
            copy_database(path, to, self._wrote)
        except sqlite3.OperationalError:
            if path.exists():
                raise
            return False  # deleted this moment
        return True

    def _published(self, job: str) -> bool:
        """A ledger that changes no more, except that it loses what is in the result file. False when it is not
        there."""
        path, to = self._folder / "jobs" / job, self._to / "jobs" / job
        if not (path / "ledger.db").exists():
            return False
        to.mkdir(parents=True, exist_ok=True)
        earlier = self._earlier / "jobs" / job if self._earlier else None
        if (
            earlier
            and (earlier / "lines.idx").exists()
            and _smaller(earlier / "ledger.db", path / "ledger.db")
        ):
            (to / "ledger.db").unlink(missing_ok=True)
            _linked(earlier / "ledger.db", to / "ledger.db")
        elif not self._ledger(job):
            return False
        if (path / "lines.idx").exists():
            shutil.copyfile(path / "lines.idx", to / "lines.idx")
        return True

    # -- what does not belong

    def _take_out(self, now: Holdings, jobs: list[Job]) -> None:
        """Of the copied catalog: jobs that were made or deleted since the copy began, and names of blobs that were
        deleted since. What is still needed and not there is damaged."""
        for job in jobs:
            if job.results_blob is not None and now.has_job(job.id):
                words = "it is not there"
                file = f"jobs/{job.id}/ledger.db"
                self._made.damages.append(Damage(file, words, (f"the ledger of {job.id}",), (job.id,)))
        for blob, held in self._lost.items():
            if now.needs(blob):
                self._damaged(blob_path(self._folder / "blobs", blob), "it is not there", held)
        with closing(connect(self._to / "catalog.db")) as db:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            with transaction(db):
                for job in jobs:
                    _forget_job(db, job.id, tables)
                for blob in self._lost:
                    db.execute("DELETE FROM file WHERE blob = ?", (blob,))
                    db.execute("DELETE FROM pin WHERE blob = ?", (blob,))

    def _remove_rest(self, then: Holdings) -> None:
        """What the copied catalog names no more."""
        blobs, uploads = {held.blob for held in then.blobs()}, set(then.uploads())
        jobs = {job.id for job in then.jobs()}
        self._made.jobs, self._made.blobs = len(jobs), len(blobs)
        for blob in self._have - blobs:
            blob_path(self._to / "blobs", blob).unlink()
        for path in (self._to / "blobs" / "incoming").iterdir():
            if path.name not in uploads:
                path.unlink()
        ledgers = self._to / "jobs"
        ledgers.mkdir(exist_ok=True)
        for path in ledgers.iterdir():
            if path.name not in jobs:
                shutil.rmtree(path)


def _forget_job(db: sqlite3.Connection, job: str, tables: set[str]) -> None:
    db.execute("DELETE FROM job WHERE id = ?", (job,))
    db.execute("DELETE FROM file WHERE json_extract(doc, '$.job') = ?", (job,))
    for table in ("pin", "idempotency", "delivery"):
        if table in tables:
            db.execute(f"DELETE FROM {table} WHERE job = ?", (job,))


def _linked(path: Path, to: Path) -> bool:
    """Whether the file could be given a second name: on the same disk, of a kind that has such."""
    try:
        os.link(path, to)
    except OSError:
        return False
    return True


def _smaller(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.stat().st_size <= other.stat().st_size


def copy_database(path: Path, to: Path, told: Told = lambda more: None) -> None:
    """One moment of a database that others write."""
    with closing(connect(path, readonly=True)) as db, closing(sqlite3.connect(to)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")  # whoever asked syncs once, for all files
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment is now
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        left: list[int] = []

        def progress(_: int, remaining: int, total: int) -> None:
            before = left[-1] if left else total
            left.append(remaining)
            told((before - remaining) * page_bytes)

        db.backup(copy, pages=PAGES, progress=progress)


def restore(source: Path, folder: Path, told: Told = lambda more: None) -> None:
    """Makes a data folder of a copy. Raises NotFound for a source that is none, Unavailable for one of a newer version,
    Conflict for a folder that has anything in it or is in use."""
    if not (source / MANIFEST).exists():
        raise NotFound(f"{source} is no backup: it has no {MANIFEST}")
    Holdings(source).close()
    own = Ownership(folder)
    try:
        if [path.name for path in folder.iterdir()] != ["owner.lock"]:
            raise Conflict(f"{folder} is not empty; name a new folder with --data, or empty this one first")
        for path in sorted(source.rglob("*")):
            to = folder / path.relative_to(source)
            if path.is_dir():
                to.mkdir(exist_ok=True)
            elif path.name not in (MANIFEST, "catalog.db"):
                shutil.copyfile(path, to)
                told(path.stat().st_size)
        os.sync()
        # last, so that a copy that was cut short is no data folder
        shutil.copyfile(source / "catalog.db", folder / "catalog.new")
        (folder / "catalog.new").rename(folder / "catalog.db")
        os.sync()
    finally:
        own.release()
