"""How we open SQLite: WAL, `synchronous=FULL` (a commit survives power loss), and a version that only grows.

`user_version` is the number of the schema. A database of a newer Backburner is refused in words, never
opened half-understood; migrations are the numbered steps in MIGRATIONS, forward only.
"""

import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

from backburner.core.errors import Unavailable

BUSY_MS = 10_000


def script(name: str) -> str:
    return resources.files("backburner.store").joinpath(name).read_text("utf-8")


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode; transactions are explicit (`transaction`). Usable from the thread of
    whichever lane runs it, one at a time."""
    address = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if not readonly:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect in a new database only
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA cache_size = -4000")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # on a full disk SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise


def check_version(connection: sqlite3.Connection, what: str, steps: Sequence[str]) -> int:
    """The version of a database. Raises Unavailable when it was written by a newer Backburner."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > len(steps):
        raise Unavailable(
            f"the {what} was written by a newer Backburner (schema {found}, this one knows {len(steps)}). "
            "Install that version again, or start with another --data folder"
        )
    return found


def migrate(connection: sqlite3.Connection, what: str, steps: Sequence[str]) -> None:
    """Brings a database to the newest schema; `steps[n]` leads from version n to n + 1. Raises as `check_version`."""
    found = check_version(connection, what, steps)
    for version in range(found, len(steps)):
        with transaction(connection):
            for statement in statements(steps[version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")


@cache
def blank(steps: tuple[str, ...]) -> bytes:
    """The bytes of an empty database of the newest schema. A file made of them costs one sync; making the tables there
    costs a dozen, which is what a thousand small jobs would mostly be made of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blank.db"
        connection = connect(path)
        migrate(connection, "database", steps)
        connection.close()
        return path.read_bytes()


def statements(text: str) -> Iterator[str]:
    """The statements of a script, one by one, so that a step runs inside one transaction."""
    buffer = ""
    for line in text.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            yield buffer
            buffer = ""
