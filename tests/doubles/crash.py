"""A crash at a moment of the test's choice, exactly as kill -9 leaves a data folder.

Moments are counted: every turn of the loop, every statement that SQLite begins, every fsync and every rename of
ours. At the chosen one the folder is copied, byte for byte, and the copy is what is left: mid-transaction,
between a rename and its fsync, anywhere. The house that goes on in the old folder no longer matters.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Crashed(Exception):
    """The chosen moment has come."""


class Crash:
    """`at` is the moment, None for none; `moments` how many have passed; `left` where the copy is then. What runs
    on until the loop can be stopped is not to count: `then` is called at the moment itself."""

    def __init__(
        self, folder: Path, left: Path, at: int | None, then: Callable[[], None] = lambda: None
    ) -> None:
        self._then = then
        self._folder = folder
        self.left = left
        self._at = at
        self.moments = 0
        self.happened = False

    def moment(self, *_: object) -> None:
        if self.moments == self._at and not self.happened:
            if self._folder.exists():
                shutil.copytree(self._folder, self.left)
            self.happened = True
            self._then()
        self.moments += 1

    def strike(self) -> None:
        """Now."""
        self._at = self.moments
        self.moment()

    def on_step(self) -> None:
        """For the loop: the only place where a run can be broken off from outside."""
        self.moment()
        if self.happened:
            raise Crashed


@contextmanager
def watched(crash: Crash) -> Iterator[None]:
    """Counts what SQLite and the disk are asked to do."""
    connect, fsync, rename = sqlite3.connect, os.fsync, Path.rename

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(crash.moment)
        return connection

    def watched_fsync(descriptor: int) -> None:
        crash.moment()
        fsync(descriptor)

    def watched_rename(path: Path, target: Path) -> Path:
        crash.moment()
        return rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", traced)
        patch.setattr(os, "fsync", watched_fsync)
        patch.setattr(Path, "rename", watched_rename)
        yield
