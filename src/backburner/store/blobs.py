"""Immutable bytes: uploads, inline inputs rewritten as JSONL, result files.

A blob is written under `incoming/`, made durable, and only then gets its name: fsync the file, rename, fsync
the folder. So a blob that exists is whole. What lies in `incoming/` after a crash belongs to an unfinished
upload or to nobody. The interface knows no paths and no renames, so that another store (S3) fits behind it.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from backburner.core.errors import DataLoss
from backburner.core.limits import MIB, STREAM_BYTES
from backburner.core.names import mint
from backburner.store.folders import DurableFolders, sync_folder

log = logging.getLogger("backburner.store")

AT_ONCE_BYTES = 8 * MIB  # up to here all of it is checked before the first byte is served


class WriterClosed(Exception):
    """The writer was closed, by whoever took the upload over or finished it."""


class BlobWriter:
    """Bytes on their way to becoming a blob. `write` appends; `write_at` serves resumable uploads.

    May be closed from another thread than the one that writes: the write under way is finished first, the
    next raises WriterClosed. So nothing is written to a blob once it has its name.
    """

    def __init__(self, path: Path, folders: DurableFolders) -> None:
        self._path = path
        self._folders = folders
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._lock = threading.Lock()
        self.size_bytes = self._file.seek(0, os.SEEK_END)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.write_at(self.size_bytes, data)

    def write_at(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Raises WriterClosed."""
        view = memoryview(data)
        with self._lock:
            if self._file.closed:
                raise WriterClosed
            self._file.seek(offset)
            while view:
                view = view[self._file.write(view) :]
            self.size_bytes = max(self.size_bytes, self._file.tell())

    def pieces(self) -> Iterator[bytes]:
        """What was written so far."""
        at = 0
        while piece := os.pread(self._file.fileno(), STREAM_BYTES, at):
            at += len(piece)
            yield piece

    def sync(self) -> None:
        """Raises WriterClosed."""
        with self._lock:
            if self._file.closed:
                raise WriterClosed
            os.fsync(self._file.fileno())

    def commit(self) -> str:
        """Makes the bytes durable and gives them their name."""
        self.sync()
        self.close()
        blob = mint(32)
        folder = self._folders.make(blob[:2])
        self._path.rename(folder / blob)
        sync_folder(folder)
        return blob

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def discard(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)


def blob_path(folder: Path, blob: str) -> Path:
    return folder / blob[:2] / blob


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._folders = DurableFolders(folder)
        self._damaged: set[str] = set()

    def _path(self, blob: str) -> Path:
        return blob_path(self._folder, blob)

    def writer(self, name: str | None = None) -> BlobWriter:
        """A new writer, or the one of an unfinished upload by its name."""
        return BlobWriter(self._incoming / (name or f"tmp-{mint(16)}"), self._folders)

    def incoming_bytes(self, name: str) -> int:
        path = self._incoming / name
        return path.stat().st_size if path.exists() else 0

    def discard_incoming(self, name: str) -> None:
        (self._incoming / name).unlink(missing_ok=True)

    def incoming(self) -> list[str]:
        return [path.name for path in self._incoming.iterdir()]

    def exists(self, blob: str) -> bool:
        return self._path(blob).exists()

    def size_bytes(self, blob: str) -> int:
        return self._path(blob).stat().st_size

    def read_range(self, blob: str, offset: int, length: int) -> bytes:
        with self._path(blob).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, offset)

    def read_ranges(self, blob: str, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Several (offset, length) pieces; neighbours are read in one go."""
        pieces: list[bytes] = []
        with self._path(blob).open("rb", buffering=0) as file:
            at = 0
            while at < len(ranges):
                start, end = ranges[at][0], sum(ranges[at])
                last = at
                while last + 1 < len(ranges) and 0 <= ranges[last + 1][0] - end <= 64:
                    last += 1
                    end = sum(ranges[last])
                whole = os.pread(file.fileno(), end - start, start)
                pieces += [whole[o - start : o - start + n] for o, n in ranges[at : last + 1]]
                at = last + 1
        return pieces

    def open_stream(self, blob: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        with self._path(blob).open("rb", buffering=0) as file:
            file.seek(offset)
            left = length if length is not None else self.size_bytes(blob) - offset
            while left > 0 and (piece := file.read(min(left, STREAM_BYTES))):
                left -= len(piece)
                yield piece

    def check(self, blob: str, size_bytes: int, sha256: str) -> None:
        """Raises DataLoss for a blob that is known to be damaged: of another length than it was written with, or, of
        a small one and of one that was streamed before, with other bytes. `sha256` is in hex, empty where it is not
        known."""
        if blob in self._damaged:
            raise self._damage(blob, "its bytes changed")
        if not self.exists(blob):
            raise self._damage(blob, "it is not there")
        if (found := self.size_bytes(blob)) != size_bytes:
            raise self._damage(blob, f"it has {found:,} bytes instead of {size_bytes:,}")
        if sha256 and size_bytes <= AT_ONCE_BYTES:
            digest = hashlib.sha256(b"".join(self.open_stream(blob)))
            if digest.hexdigest() != sha256:
                raise self._damage(blob, "its bytes changed")

    def sound_stream(self, blob: str, size_bytes: int, sha256: str) -> Iterator[bytes]:
        """All of it. Raises DataLoss as `check` does, and for a large one whose bytes are found to be others before its
        end is served: what came is then not whole."""
        self.check(blob, size_bytes, sha256)
        digest, last = hashlib.sha256(), b""
        large = size_bytes > AT_ONCE_BYTES
        for piece in self.open_stream(blob):
            if large:
                digest.update(piece)
            if last:
                yield last
            last = piece
        if large and sha256 and digest.hexdigest() != sha256:
            raise self._damage(blob, "its bytes changed")
        if last:
            yield last

    def _damage(self, blob: str, words: str) -> DataLoss:
        self._damaged.add(blob)
        log.error("event=data_loss blob=%s reason=%s", blob, words)
        return DataLoss(
            f"the file is damaged on the server's disk: {words}. `backburner verify` names all that is"
        )

    def export(self, blob: str, target: Path) -> None:
        """A copy of the blob under a name outside, whole or not at all."""
        temporary = target.with_name(f".{target.name}.{mint(8)}.tmp")
        try:
            with temporary.open("wb") as file:
                for piece in self.open_stream(blob):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)

    def delete(self, blob: str) -> None:
        self._path(blob).unlink(missing_ok=True)

    def all(self) -> Iterator[str]:
        for folder in self._folder.iterdir():
            if folder.is_dir() and len(folder.name) == 2:
                yield from (path.name for path in folder.iterdir())
