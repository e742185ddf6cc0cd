"""Which errors say that the disk is full."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from backburner.store.disk import free, says_full

PLENTY, NOTHING = 10**12, 0


def coded(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("so")
    error.sqlite_errorcode = code
    return error


def test_sqlite_itself_is_believed(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db")
    db.execute("PRAGMA max_page_count = 3")
    db.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.OperationalError) as caught:
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    db.close()
    assert says_full(caught.value, PLENTY)


def test_no_space_and_no_quota_are_the_same() -> None:
    assert says_full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), PLENTY)
    assert says_full(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), PLENTY)
    assert not says_full(OSError(errno.EIO, os.strerror(errno.EIO)), NOTHING)


def test_a_vague_error_says_it_only_where_nothing_is_free() -> None:
    for code in (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN):
        assert says_full(coded(code), NOTHING)
        assert not says_full(coded(code), PLENTY)
    assert not says_full(coded(sqlite3.SQLITE_CORRUPT), NOTHING)
    assert not says_full(ValueError(), NOTHING)


def test_what_is_free_is_what_we_may_use(tmp_path: Path) -> None:
    found = free(tmp_path)
    assert 0 < found.free_bytes <= found.total_bytes
