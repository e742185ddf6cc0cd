"""Where the ledgers are, and an LRU of open ones: thousands of small jobs must not mean thousands of open files.

Every method but the `readers` runs on the writer lane."""

import array
import os
import shutil
import struct
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backburner.store.folders import DurableFolders, sync_folder
from backburner.store.ledger import MIGRATIONS, Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.store.ledger_view import LedgerView
from backburner.store.sqlite import blank

OPEN_LEDGERS = 256  # of three files each; one that is closed and opened again costs several syncs


class Ledgers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._folders = DurableFolders(folder)
        self._ledgers: dict[str, Ledger] = {}
        self._open: OrderedDict[str, Ledger] = OrderedDict()

    def _path(self, job: str) -> Path:
        return self._folder / job / "ledger.db"

    def get(self, job: str) -> Ledger:
        """The ledger of a job, made when there is none."""
        ledger = self._ledgers.get(job)
        if ledger is None:
            self._make(job)
            ledger = self._ledgers[job] = Ledger(self._path(job), lambda used: self._used(job, used))
        return ledger

    def _make(self, job: str) -> None:
        """An empty ledger, where there is none."""
        path = self._folders.make(job) / self._path(job).name
        if path.exists():
            return
        with path.open("wb") as file:
            file.write(blank(MIGRATIONS))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)

    def _used(self, job: str, ledger: Ledger) -> None:
        """A ledger is about to use its file: the ones that did so longest ago close theirs."""
        self._open[job] = ledger
        self._open.move_to_end(job)
        while len(self._open) > OPEN_LEDGERS:
            _, oldest = self._open.popitem(last=False)
            oldest.rest()

    def release(self, job: str) -> None:
        """Forgets a ledger that nobody writes any more."""
        self._ledgers.pop(job, None)
        ledger = self._open.pop(job, None)
        if ledger is not None:
            ledger.rest()

    def save_line_index(self, job: str, index: "array.array[int]") -> None:
        """Where each published line is: its place and its length, by ordinal. A place below zero is -1 - offset
        in the file of errors."""
        target = self._path(job).with_name("lines.idx")
        temporary = target.with_suffix(".tmp")
        with temporary.open("wb") as file:
            index.tofile(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
        sync_folder(target.parent)

    def line_spans(self, job: str, ordinals: Sequence[int]) -> list[tuple[int, int]]:
        """(place, length) of the lines of these ordinals, line breaks left out."""
        spans: list[tuple[int, int]] = []
        with self._path(job).with_name("lines.idx").open("rb", buffering=0) as file:
            for ordinal in ordinals:
                place, length = struct.unpack("=qq", os.pread(file.fileno(), 16, 16 * ordinal))
                spans.append((place, length))
        return spans

    def delete(self, job: str) -> None:
        self.release(job)
        self._folders.forget(job)
        shutil.rmtree(self._folder / job, ignore_errors=True)

    def exists(self, job: str) -> bool:
        """On any lane."""
        return self._path(job).exists()

    def all(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()]

    @contextmanager
    def reader(self, job: str) -> Generator[LedgerReader]:
        """On any lane. Raises FileNotFoundError when the job was deleted."""
        with self.view(job) as view:
            yield view

    @contextmanager
    def view(self, job: str) -> Generator[LedgerView]:
        """On any lane. Raises FileNotFoundError when the job was deleted."""
        if not self.exists(job):
            raise FileNotFoundError(f"there is no ledger of job {job}")
        view = LedgerView(self._path(job))
        try:
            yield view
        finally:
            view.close()

    def close(self) -> None:
        for job in list(self._open):
            self.release(job)
