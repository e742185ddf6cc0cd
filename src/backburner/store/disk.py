"""The disk under the data folder: how much is free, and which errors say that it is full."""

import errno
import os
import sqlite3
from pathlib import Path

import msgspec

NOTHING_BYTES = (
    1024 * 1024
)  # with less than this SQLite fails in more ways than by saying that the disk is full

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
# Besides SQLITE_FULL: what a full disk or quota looks like where SQLite maps shared memory or writes past a quota.
_SHAPES = frozenset((sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_WRITE))
_VAGUE = frozenset((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN))


class Free(msgspec.Struct, frozen=True):
    """`free_bytes` is what we may use, of a disk of `total_bytes`."""

    free_bytes: int
    total_bytes: int


def free(folder: Path) -> Free:
    found = os.statvfs(folder)
    return Free(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def says_full(error: BaseException, free_bytes: int) -> bool:
    """Whether an error means that there is no room. Some errors of SQLite do only where nothing is free."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if not isinstance(error, sqlite3.Error):
        return False
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return True
    return free_bytes < NOTHING_BYTES and (code in _SHAPES or code & 0xFF in _VAGUE)
