"""Uploads in pieces and files: what is acknowledged is there, what is there is whole."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backburner.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    TooLarge,
)
from backburner.core.limits import DISPLAY_NAME_CHARS, FILE_RETENTION_S, STREAM_BYTES
from backburner.house import House
from backburner.service.files import checked_mime
from backburner.store.files import FileRow, UploadRow
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import build, create, ended, pieces, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually

TENANT = "default"


async def begun(house: House, size_bytes: int | None = None, name: str | None = None) -> UploadRow:
    return await house.files.start(
        TENANT, name=name, display_name="d", mime_type="application/jsonl", size_bytes=size_bytes
    )


async def content(house: House, row: FileRow) -> bytes:
    return b"".join([piece async for piece in house.files.read(row)])


@pytest.fixture
def engine(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock)


# The resumable upload


@virtually
async def test_pieces_become_a_file(tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house, 9)
        assert (await house.files.append(up.id, 0, pieces(b"abc"))).received_bytes == 3
        assert (await house.files.append(up.id, 3, pieces(b"def", 1))).received_bytes == 6
        assert (await house.files.upload(up.id)).received_bytes == 6
        assert (await house.files.append(up.id, 6, pieces(b"ghi"))).received_bytes == 9
        row = await house.files.complete(up.id)
        assert row == await house.files.get(TENANT, row.id)
        assert (row.id, row.size_bytes, row.mime_type, row.display_name) == (
            up.file_id,
            9,
            "application/jsonl",
            "d",
        )
        assert row.sha256 == hashlib.sha256(b"abcdefghi").hexdigest()
        assert row.expire_at == clock.now() + FILE_RETENTION_S
        assert await content(house, row) == b"abcdefghi"


@virtually
async def test_a_piece_that_comes_twice_is_harmless(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    """Both SDKs send a piece again when a header of the reply is missing (contract 2.2)."""
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house, 6)
        for offset, piece in [(0, b"abc"), (0, b"abc"), (3, b"def"), (0, b"abc"), (3, b"def")]:
            await house.files.append(up.id, offset, pieces(piece))
        assert await content(house, await house.files.complete(up.id)) == b"abcdef"


@virtually
async def test_a_gap_is_refused_with_the_offset_that_is_expected(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house)
        await house.files.append(up.id, 0, pieces(b"abc"))
        with pytest.raises(InvalidArgument, match="begins at offset 3, not 5") as refused:
            await house.files.append(up.id, 5, pieces(b"xyz"))
        assert refused.value.reason == "UPLOAD_OFFSET"
        assert (await house.files.upload(up.id)).received_bytes == 3


@virtually
async def test_an_upload_is_not_finished_before_all_of_it_came(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house, 6)
        await house.files.append(up.id, 0, pieces(b"abc"))
        with pytest.raises(InvalidArgument, match="declared with 6 bytes, 3 came") as refused:
            await house.files.complete(up.id)
        assert refused.value.reason == "UPLOAD_INCOMPLETE"
        await house.files.append(up.id, 3, pieces(b"def"))
        assert await content(house, await house.files.complete(up.id)) == b"abcdef"


@virtually
async def test_finishing_twice_is_harmless_and_so_is_the_last_piece_again(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    """The reply to `upload, finalize` may get lost."""
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house, 3)
        await house.files.append(up.id, 0, pieces(b"abc"))
        row = await house.files.complete(up.id)
        assert (await house.files.append(up.id, 0, pieces(b"abc"))).received_bytes == 3
        assert (await house.files.upload(up.id)).row.finished_bytes == 3
        assert await house.files.complete(up.id) == row
        await house.files.delete(TENANT, row.id)
        with pytest.raises(NotFound):  # gone with its file
            await house.files.complete(up.id)


@pytest.mark.parametrize("seed", range(20))
@virtually
async def test_finishing_twice_at_once_makes_one_whole_file(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine, seed: int
) -> None:
    async with running(tmp_path, engine, clock, seed=seed) as house:
        up = await begun(house)
        await house.files.append(up.id, 0, pieces(b"abc"))
        one, two = await asyncio.gather(house.files.complete(up.id), house.files.complete(up.id))
        assert one == two
        assert await content(house, one) == b"abc"
        assert len(list(house.stores.blobs.all())) == 1


@virtually
async def test_what_was_acknowledged_is_there_after_a_restart(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    house = build(tmp_path, engine, clock)
    await house.start()
    up = await begun(house, 6)
    await house.files.append(up.id, 0, pieces(b"abc"))
    await house.stop()
    async with running(tmp_path, engine, clock) as house:
        assert (await house.files.upload(up.id)).received_bytes == 3
        await house.files.append(up.id, 3, pieces(b"def"))
        assert await content(house, await house.files.complete(up.id)) == b"abcdef"


class Stalled:
    """A connection that sends something and then says nothing more, for ever or until it is told to go on."""

    def __init__(self, first: bytes, then: bytes = b"") -> None:
        self._first, self._then = first, then
        self.go_on = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first.ljust(STREAM_BYTES, b".")
        await self.go_on.wait()
        yield self._then


@virtually
async def test_a_dead_connection_is_no_obstacle_and_writes_no_more(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house)
        dead = Stalled(b"old", b"late!" * STREAM_BYTES)
        stalled = asyncio.ensure_future(house.files.append(up.id, 0, aiter(dead)))
        await clock.sleep(1)
        await house.files.append(up.id, 0, pieces(b"new"))
        dead.go_on.set()
        with pytest.raises(Conflict) as refused:
            await stalled
        assert refused.value.reason == "UPLOAD_ELSEWHERE"
        row = await house.files.complete(up.id)
        found = await content(house, row)
        assert found.startswith(b"new")
        assert b"late" not in found


@virtually
async def test_nothing_is_written_to_a_file_that_is_finished(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house)
        dead = Stalled(b"x", b"late" * STREAM_BYTES)
        stalled = asyncio.ensure_future(house.files.append(up.id, 0, aiter(dead)))
        await clock.sleep(1)
        row = await house.files.complete(up.id)
        dead.go_on.set()
        with pytest.raises(Conflict):
            await stalled
        found = await content(house, row)
        assert (len(found), hashlib.sha256(found).hexdigest()) == (STREAM_BYTES, row.sha256)


@virtually
async def test_an_upload_that_is_given_up_is_gone(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        up = await begun(house)
        await house.files.append(up.id, 0, pieces(b"abc"))
        await house.files.abandon(up.id)
        assert house.stores.blobs.incoming() == []
        for ask in (house.files.upload, house.files.complete, house.files.abandon):
            with pytest.raises(NotFound):
                await ask(up.id)
        with pytest.raises(NotFound):
            await house.files.append(up.id, 0, pieces(b"abc"))


# Limits and names


@virtually
async def test_what_is_too_large_is_refused_at_the_start_and_while_it_comes(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        house.files.most_bytes = 10
        with pytest.raises(TooLarge, match=r"may have up to 10 bytes, this one has 11\. Split it"):
            await begun(house, 11)
        assert (await begun(house, 10)).size_bytes == 10
        undeclared = await begun(house)
        with pytest.raises(TooLarge, match="a file may have 10 bytes"):
            await house.files.append(undeclared.id, 0, pieces(b"x" * 11))
        declared = await begun(house, 3)
        with pytest.raises(TooLarge, match="declared with 3 bytes, and more than that came"):
            await house.files.append(declared.id, 0, pieces(b"abcd"))
        await house.files.append(declared.id, 0, pieces(b"abc"))
        assert (await house.files.complete(declared.id)).size_bytes == 3


@virtually
async def test_a_name_may_be_chosen_once_in_a_tenant(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        assert await upload(house, b"x", name="files/mine") == "mine"
        assert await upload(house, b"y", name="mine", tenant="other") == "mine"
        with pytest.raises(AlreadyExists):
            await begun(house, name="mine")
        for wrong in ("My File", "../x", "a" * 41):
            with pytest.raises(InvalidArgument):
                await begun(house, name=wrong)
        with pytest.raises(InvalidArgument, match="display name is too long"):
            await house.files.start(
                TENANT,
                name=None,
                display_name="x" * (DISPLAY_NAME_CHARS + 1),
                mime_type="jsonl",
                size_bytes=None,
            )


@virtually
async def test_of_two_uploads_of_one_name_the_second_to_finish_is_refused_and_leaves_no_bytes(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        one, two = await begun(house, name="same"), await begun(house, name="same")
        for up, piece in ((one, b"one"), (two, b"two")):
            await house.files.append(up.id, 0, pieces(piece))
        row = await house.files.complete(two.id)
        with pytest.raises(AlreadyExists):
            await house.files.complete(one.id)
        assert list(house.stores.blobs.all()) == [row.blob]
        assert await content(house, row) == b"two"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("jsonl", "jsonl"),
        ("application/jsonl", "application/jsonl"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("image/png", "image/png"),
        ("x-custom/thing", "x-custom/thing"),
        ("", "application/octet-stream"),
    ],
)
def test_media_types_are_taken_as_clients_write_them(asked: str, kept: str) -> None:
    assert checked_mime(asked) == kept


def test_what_is_no_media_type_is_refused_with_the_words_the_sdks_look_for() -> None:
    with pytest.raises(InvalidArgument, match="Unsupported MIME type: bad/mime_type"):
        checked_mime("bad/mime_type")


# Reading


@virtually
async def test_a_range_of_a_file_can_be_read(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        row = await house.files.get(TENANT, await upload(house, b"0123456789"))
        for offset, length in ((0, 10), (3, 4), (9, 1), (5, 0)):
            read = b"".join([piece async for piece in house.files.read(row, offset, length)])
            assert read == b"0123456789"[offset : offset + length]


@virtually
async def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        data = b"x" * (3 * STREAM_BYTES)
        row = await house.files.get(TENANT, await upload(house, data))
        stream = house.files.read(row)
        first = await anext(stream)
        await house.files.delete(TENANT, row.id)
        assert first + b"".join([piece async for piece in stream]) == data
        assert list(house.stores.blobs.all()) == []


@virtually
async def test_a_foreign_file_and_none_are_told_alike(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        file = await upload(house, b"x", tenant="one")
        for ask in (house.files.get, house.files.delete):
            said: list[str] = []
            for id_ in (file, "nowhere"):
                with pytest.raises(PermissionDenied) as refused:
                    await ask("two", id_)
                said.append(refused.value.message.replace(id_, "?"))
            assert said[0] == said[1]
        assert (await house.files.list("two", None, None)).items == []
        assert [row.id for row in (await house.files.list("one", None, None)).items] == [file]


@virtually
async def test_a_deleted_file_is_gone_but_not_for_its_job(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        file = await upload(house, b"a|b\n")
        job = await create(house, None, file_id=file)
        await house.files.delete(TENANT, file)
        with pytest.raises(PermissionDenied):
            await house.files.get(TENANT, file)
        assert (await ended(house, job)).counts.succeeded == 1


@virtually
async def test_a_file_adopted_from_this_machine_is_a_copy(
    tmp_path: Path, clock: VirtualClock, engine: ScriptedEngine
) -> None:
    async with running(tmp_path, engine, clock) as house:
        row = await house.files.adopt(TENANT, "jsonl", "mine", iter([b"abc", b"def"]))
        assert await content(house, row) == b"abcdef"
        assert row.sha256 == hashlib.sha256(b"abcdef").hexdigest()
        assert row.id == (await house.files.get(TENANT, row.id)).id
