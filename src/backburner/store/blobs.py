"""Immutable bytes: uploads, inline inputs rewritten as JSONL, result files.

A blob is written under `incoming/`, made durable, and only then gets its name: fsync the file, rename, fsync
the folder. So a blob that exists is whole. What lies in `incoming/` after a crash belongs to an unfinished
upload or to nobody. The interface knows no paths and no renames, so that another store (S3) fits behind it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from backburner.core.limits import STREAM_BYTES
from backburner.core.names import mint


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BlobWriter:
    """Bytes on their way to becoming a blob. `write` appends; `write_at` serves resumable uploads."""

    def __init__(self, path: Path, blobs: Path) -> None:
        self._path = path
        self._blobs = blobs
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.seek(0, os.SEEK_END)

    @property
    def size_bytes(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def write(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def write_at(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        self._file.seek(offset)
        self.write(data)

    def truncate(self, size_bytes: int) -> None:
        self._file.truncate(size_bytes)
        self._file.seek(0, os.SEEK_END)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def commit(self) -> str:
        """Makes the bytes durable and gives them their name."""
        self.sync()
        self._file.close()
        blob = mint(32)
        folder = self._blobs / blob[:2]
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            _sync_folder(self._blobs)
        self._path.rename(folder / blob)
        _sync_folder(folder)
        return blob

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def _path(self, blob: str) -> Path:
        return self._folder / blob[:2] / blob

    def writer(self, name: str | None = None) -> BlobWriter:
        """A new writer, or the one of an unfinished upload by its name."""
        return BlobWriter(self._incoming / (name or f"tmp-{mint(16)}"), self._folder)

    def incoming_bytes(self, name: str) -> int:
        path = self._incoming / name
        return path.stat().st_size if path.exists() else 0

    def discard_incoming(self, name: str) -> None:
        (self._incoming / name).unlink(missing_ok=True)

    def incoming(self) -> list[str]:
        return [path.name for path in self._incoming.iterdir()]

    def adopt(self, path: Path) -> str:
        """A blob with the bytes of a local file: a hard link where the file system allows it, else a copy."""
        target = self._incoming / f"tmp-{mint(16)}"
        try:
            os.link(path, target)
            writer = BlobWriter(target, self._folder)
        except OSError:
            writer = self.writer()
            with path.open("rb") as source:
                while piece := source.read(STREAM_BYTES):
                    writer.write(piece)
        return writer.commit()

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

    def export(self, blob: str, target: Path) -> None:
        """A copy of the blob under a name outside, whole or not at all."""
        temporary = target.with_name(f".{target.name}.{mint(8)}.tmp")
        with temporary.open("wb") as file:
            for piece in self.open_stream(blob):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
        _sync_folder(target.parent)

    def delete(self, blob: str) -> None:
        self._path(blob).unlink(missing_ok=True)

    def all(self) -> Iterator[str]:
        for folder in self._folder.iterdir():
            if folder.is_dir() and len(folder.name) == 2:
                yield from (path.name for path in folder.iterdir())
