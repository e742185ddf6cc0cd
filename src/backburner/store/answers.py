"""Answers kept across jobs, in a database of their own that is made when the first one is to be kept."""

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from backburner.store.catalog import Catalog
from backburner.store.sqlite import script

log = logging.getLogger("backburner.store")

MIGRATIONS = (script("answers.sql"),)
DROPPED_ROWS = 500  # in one transaction
SPARE = 0.9  # of what may be kept stays when there is too much


class Answers:
    """Everything but `find` runs on the writer lane."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Catalog | None = None
        self._size_bytes = 0
        if not path.exists():
            return
        try:
            rows = self._open().read().execute("SELECT coalesce(sum(size_bytes), 0) FROM answer")
            (self._size_bytes,) = rows.fetchone()
        except sqlite3.DatabaseError as error:  # a cache: a server without it is as good
            log.warning("event=answer_cache_unreadable error=%s", error)
            self.close()
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)

    def _open(self) -> Catalog:
        if self._opened is None:
            self._opened = Catalog(self._path, "answer cache", MIGRATIONS)
        return self._opened

    def find(self, key: bytes, since_at: float) -> bytes | None:
        """On any lane."""
        if self._opened is None:
            return None
        found = self._opened.read().execute(
            "SELECT doc FROM answer WHERE key = ? AND at >= ?", (key, since_at)
        )
        row = found.fetchone()
        return row[0] if row else None

    def add(self, job: str, answers: Iterable[tuple[bytes, bytes]], at: float, most_bytes: int) -> None:
        """Keeps (key, answer) of a job; the oldest of all go when they are too much together."""
        with self._open().write() as db:
            for key, doc in answers:
                row = (key, job, at, len(doc), doc)
                fresh = db.execute("INSERT OR IGNORE INTO answer VALUES (?, ?, ?, ?, ?)", row).rowcount
                self._size_bytes += len(doc) if fresh > 0 else 0
        if self._size_bytes > most_bytes:
            while self._size_bytes > SPARE * most_bytes and self._drop("ORDER BY at", ()):
                pass

    def forget(self, job: str) -> None:
        """What came from a job that is deleted."""
        if self._opened is not None:
            while self._drop("WHERE job = ?", (job,)):
                pass

    def scrub(self) -> bool:
        """As Catalog.scrub."""
        return self._opened is None or self._opened.scrub()

    def expire(self, before_at: float) -> int:
        """How many there were."""
        gone = 0
        while self._opened is not None and (dropped := self._drop("WHERE at < ?", (before_at,))):
            gone += dropped
        return gone

    def _drop(self, which: str, values: tuple[object, ...]) -> int:
        """Some of them; how many."""
        with self._open().write() as db:
            dropped = db.execute(
                f"DELETE FROM answer WHERE rowid IN (SELECT rowid FROM answer {which} LIMIT {DROPPED_ROWS})"
                " RETURNING size_bytes",
                values,
            ).fetchall()
        self._size_bytes -= sum(size for (size,) in dropped)
        return len(dropped)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
