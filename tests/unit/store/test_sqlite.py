import sqlite3
from pathlib import Path

import pytest

from backburner.core.errors import Unavailable
from backburner.store.sqlite import connect, migrate, statements, transaction


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    found = connect(tmp_path / "a.db")
    found.execute("CREATE TABLE t (x INTEGER PRIMARY KEY) STRICT")
    return found


def test_a_commit_survives_power_loss(db: sqlite3.Connection) -> None:
    """journal_mode WAL with synchronous FULL: the measured reason is in anchors/reliability.md 3.4."""
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_transaction_is_all_or_nothing(db: sqlite3.Connection) -> None:
    with transaction(db):
        db.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.execute("INSERT INTO t VALUES (2)")
        db.execute("INSERT INTO t VALUES (1)")
    assert db.execute("SELECT x FROM t").fetchall() == [(1,)]
    with transaction(db):
        db.execute("INSERT INTO t VALUES (2)")


def test_a_commit_that_fails_leaves_no_transaction_open(db: sqlite3.Connection, tmp_path: Path) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("CREATE TABLE child (x INTEGER REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED) STRICT")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), transaction(db):
        db.execute("INSERT INTO child VALUES (7)")  # found out at COMMIT
    assert not db.in_transaction
    with transaction(db):
        db.execute("INSERT INTO t VALUES (7)")
    assert connect(tmp_path / "a.db", readonly=True).execute("SELECT * FROM child").fetchall() == []


def test_an_error_that_made_sqlite_roll_back_by_itself_is_the_error_one_sees(db: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="the real one"), transaction(db):
        db.execute("ROLLBACK")  # what SQLite does on a full disk
        raise ValueError("the real one")


def test_a_reader_cannot_write(db: sqlite3.Connection, tmp_path: Path) -> None:
    reader = connect(tmp_path / "a.db", readonly=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO t VALUES (1)")


def test_a_database_nobody_has_open_can_be_read(db: sqlite3.Connection, tmp_path: Path) -> None:
    db.execute("INSERT INTO t VALUES (1)")
    db.close()
    assert connect(tmp_path / "a.db", readonly=True).execute("SELECT x FROM t").fetchall() == [(1,)]


def test_migrations_go_forward_one_by_one_and_once(tmp_path: Path) -> None:
    db = connect(tmp_path / "b.db")
    steps = ["CREATE TABLE a (x);\nINSERT INTO a VALUES (1);", "ALTER TABLE a ADD COLUMN y;"]
    migrate(db, "thing", steps[:1])
    migrate(db, "thing", steps)
    migrate(db, "thing", steps)
    assert db.execute("SELECT * FROM a").fetchall() == [(1, None)]
    assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_breaks_changes_nothing(tmp_path: Path) -> None:
    db = connect(tmp_path / "b.db")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, "thing", ["CREATE TABLE a (x);\nCREATE TABLE a (x);"])
    assert db.execute("PRAGMA user_version").fetchone() == (0,)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_data_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    db = connect(tmp_path / "b.db")
    db.execute("PRAGMA user_version = 3")
    with pytest.raises(Unavailable) as refused:
        migrate(db, "catalog", ["CREATE TABLE a (x);"])
    assert (
        "the catalog was written by a newer Backburner (schema 3, this one knows 1)" in refused.value.message
    )
    assert "--data" in refused.value.message


def test_a_script_is_cut_into_its_statements() -> None:
    text = "-- a; comment\nCREATE TABLE a (\n x TEXT DEFAULT ';'\n);\nINSERT INTO a VALUES (1);\n"
    assert [one.strip().splitlines()[-1] for one in statements(text)] == [");", "INSERT INTO a VALUES (1);"]
