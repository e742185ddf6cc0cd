"""The catalog: tenants' keys, files, caches and jobs, in one SQLite file.

Writes go through `write()` on the one writer lane; reads through `read()` on a connection of the calling
thread's own. A value and its row are one thing: `doc` is the value's JSON.
"""

import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backburner.store.sqlite import BUSY_MS, connect, migrate, script, transaction

MIGRATIONS = tuple(
    script(name)
    for name in ("catalog.sql", "spend.sql", "webhooks.sql", "pins.sql", "paces.sql", "audit.sql")
)


class Catalog:
    """The catalog, or another database that is written and read the same way."""

    def __init__(self, path: Path, what: str = "catalog", migrations: Sequence[str] = MIGRATIONS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._writer = connect(path)
        self._writer.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        migrate(self._writer, what, migrations)
        self._readers = threading.local()
        self._opened: list[sqlite3.Connection] = [self._writer]

    @contextmanager
    def write(self) -> Generator[sqlite3.Connection]:
        """One transaction on the writer's connection: all of it is durable afterwards, or none. Inside another one it
        is a part of that."""
        if self._writer.in_transaction:
            yield self._writer
            return
        with transaction(self._writer) as connection:
            yield connection

    def scrub(self) -> bool:
        """Empties the write-ahead log, which may still have what was deleted. On the writer lane, and it does not
        wait: False where a reader is in the way."""
        self._writer.execute("PRAGMA busy_timeout = 0")
        (busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._writer.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        return not busy

    def read(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if reader is None:
            reader = connect(self._path, readonly=True)
            self._readers.connection = reader
            self._opened.append(reader)
        return reader

    def close(self) -> None:
        for connection in reversed(
            self._opened
        ):  # the writer last: it leaves one file, without a log beside it
            connection.close()
