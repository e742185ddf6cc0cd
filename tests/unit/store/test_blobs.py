import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.core.limits import STREAM_BYTES
from backburner.store.blobs import Blobs, WriterClosed


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def put(blobs: Blobs, content: bytes) -> str:
    writer = blobs.writer()
    writer.write(content)
    return writer.commit()


def content(blobs: Blobs, blob: str) -> bytes:
    return b"".join(blobs.open_stream(blob))


class Disk:
    """What was asked of the disk, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str]] = []
        fsync, rename = os.fsync, Path.rename

        def recorded_fsync(descriptor: int) -> None:
            self.asked.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
            fsync(descriptor)

        def recorded_rename(path: Path, target: Path) -> Path:
            self.asked.append(("rename", str(target)))
            return rename(path, target)

        monkeypatch.setattr(os, "fsync", recorded_fsync)
        monkeypatch.setattr(Path, "rename", recorded_rename)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    yield Disk(monkeypatch)


# Whole or absent


def test_a_blob_is_absent_until_it_is_whole(blobs: Blobs) -> None:
    writer = blobs.writer()
    writer.write(b"half")
    assert list(blobs.all()) == []
    writer.write(b" and whole")
    blob = writer.commit()
    assert list(blobs.all()) == [blob]
    assert content(blobs, blob) == b"half and whole"
    assert blobs.size_bytes(blob) == 14
    assert blobs.incoming() == []


def test_a_discarded_writer_leaves_nothing(blobs: Blobs) -> None:
    writer = blobs.writer()
    writer.write(b"x")
    writer.discard()
    assert (list(blobs.all()), blobs.incoming()) == ([], [])


def test_the_bytes_are_durable_before_the_name_and_the_name_before_the_reply(
    blobs: Blobs, disk: Disk
) -> None:
    blob = put(blobs, b"x")
    [file, parent, name, folder] = disk.asked
    assert file[0] == "fsync"
    assert "/incoming/" in file[1]
    assert parent == ("fsync", str(blobs._folder))
    assert name == ("rename", str(blobs._path(blob)))
    assert folder == ("fsync", str(blobs._path(blob).parent))


def test_a_folder_that_another_process_made_is_made_durable_too(blobs: Blobs, disk: Disk) -> None:
    for number in range(
        36 * 36
    ):  # whatever folder the next blob falls in, it exists and was never synced here
        left, right = divmod(number, 36)
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        (blobs._folder / (letters[left] + letters[right])).mkdir()
    put(blobs, b"x")
    assert ("fsync", str(blobs._folder)) in disk.asked


# Reading


def test_a_range_is_cut_at_the_end(blobs: Blobs) -> None:
    blob = put(blobs, b"0123456789")
    assert blobs.read_range(blob, 3, 4) == b"3456"
    assert blobs.read_range(blob, 8, 100) == b"89"
    assert blobs.read_range(blob, 10, 5) == b""


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [(0, 10)],
        [(0, 10), (11, 10), (22, 10)],  # neighbours behind a line break
        [(0, 10), (500, 10), (511, 3)],  # a gap
        [(500, 10), (0, 10)],  # backwards
        [(0, 10), (5, 10)],  # overlapping
        [(100, 0), (100, 5)],
        [(7, 10), (17, 60), (141, 1), (142, 65), (272, 9)],
    ],
)
def test_many_ranges_are_each_what_one_would_be(blobs: Blobs, ranges: list[tuple[int, int]]) -> None:
    blob = put(blobs, bytes(n % 251 for n in range(1000)))
    assert blobs.read_ranges(blob, ranges) == [blobs.read_range(blob, *one) for one in ranges]


def test_neighbours_are_read_in_one_go(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = put(blobs, b"x" * 1000)
    reads: list[int] = []
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        reads.append(length)
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    blobs.read_ranges(blob, [(0, 100), (101, 100), (203, 100), (900, 10)])
    assert reads == [303, 10]


def test_a_stream_comes_in_bounded_pieces_from_anywhere(blobs: Blobs) -> None:
    data = os.urandom(2 * STREAM_BYTES + 5)
    blob = put(blobs, data)
    pieces = list(blobs.open_stream(blob))
    assert [len(piece) for piece in pieces] == [STREAM_BYTES, STREAM_BYTES, 5]
    assert b"".join(pieces) == data
    assert b"".join(blobs.open_stream(blob, 10)) == data[10:]
    assert b"".join(blobs.open_stream(blob, 10, 100)) == data[10:110]
    assert list(blobs.open_stream(blob, 10, 0)) == []


def test_a_deleted_blob_is_gone_and_deleting_twice_is_harmless(blobs: Blobs) -> None:
    blob = put(blobs, b"x")
    assert blobs.exists(blob)
    stream = blobs.open_stream(blob)
    first = next(stream)
    blobs.delete(blob)
    blobs.delete(blob)
    assert not blobs.exists(blob)
    assert first + b"".join(stream) == b"x", "whoever reads it reads on"


# Uploads in pieces


def test_an_upload_goes_on_where_it_stopped_also_after_a_restart(blobs: Blobs, tmp_path: Path) -> None:
    writer = blobs.writer("up")
    writer.write(b"abc")
    writer.close()
    again = Blobs(tmp_path / "blobs")
    assert (again.incoming(), again.incoming_bytes("up")) == (["up"], 3)
    writer = again.writer("up")
    assert writer.size_bytes == 3
    writer.write(b"def")
    assert content(again, writer.commit()) == b"abcdef"
    assert again.incoming_bytes("up") == 0


def test_a_piece_that_comes_twice_is_harmless(blobs: Blobs) -> None:
    writer = blobs.writer("up")
    for offset, piece in [(0, b"abc"), (3, b"def"), (3, b"def"), (0, b"abc"), (6, b"g")]:
        writer.write_at(offset, piece)
    assert writer.size_bytes == 7
    assert b"".join(writer.pieces()) == b"abcdefg"
    assert content(blobs, writer.commit()) == b"abcdefg"


def test_a_closed_writer_writes_no_more(blobs: Blobs) -> None:
    writer = blobs.writer("up")
    writer.write(b"abc")
    writer.close()
    with pytest.raises(WriterClosed):
        writer.write_at(0, b"x")
    with pytest.raises(WriterClosed):
        writer.sync()
    writer.close()  # twice is harmless
    assert blobs.incoming_bytes("up") == 3


def test_nothing_reaches_a_blob_from_a_writer_that_was_closed_while_it_wrote(blobs: Blobs) -> None:
    """A connection that was given up goes on in a thread of its own; the file is finished meanwhile."""
    late = blobs.writer("up")
    begun, stop = threading.Event(), threading.Event()
    late.write(b"." * 1000)

    def write_on() -> None:
        try:
            while not stop.is_set():
                late.write_at(0, b"late")
                begun.set()
        except WriterClosed:
            stop.set()

    thread = threading.Thread(target=write_on)
    thread.start()
    begun.wait(5)
    late.close()
    blob = blobs.writer("up").commit()
    before = content(blobs, blob)
    thread.join(5)
    assert stop.is_set()
    assert content(blobs, blob) == before


def test_what_is_incoming_can_be_thrown_away(blobs: Blobs) -> None:
    blobs.writer("up").close()
    blobs.discard_incoming("up")
    blobs.discard_incoming("up")
    assert blobs.incoming() == []


# Export


def test_an_export_is_whole_and_durable_or_not_there(blobs: Blobs, disk: Disk, tmp_path: Path) -> None:
    blob = put(blobs, b"results")
    disk.asked.clear()
    target = tmp_path / "out.jsonl"
    blobs.export(blob, target)
    assert target.read_bytes() == b"results"
    assert [what for what, _ in disk.asked] == ["fsync", "rename", "fsync"]
    assert disk.asked[1:] == [("rename", str(target)), ("fsync", str(tmp_path))]


def test_an_export_that_fails_leaves_what_was_there(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = put(blobs, b"new")
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.export(blob, target)
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blobs", "out.jsonl"]
