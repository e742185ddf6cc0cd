"""Bytes that rot, are cut or go missing are found, by name, with the jobs that they concern; sound ones are not."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.core.errors import NotFound, Unavailable
from backburner.core.job import Job
from backburner.store.blobs import blob_path
from backburner.store.catalog import Catalog
from backburner.store.verify import Damage, verify
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, memory_folder, numbered, running, upload
from tests.doubles.virtual_time import VirtualClock, run


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as found:
        yield found


class Left:
    """What a server left: a job that ended, inline; one from a file that is half done."""

    done: Job
    half: Job
    file: str
    upload_blob: str


@pytest.fixture
def left(folder: Path) -> Left:
    async def live() -> None:
        clock = VirtualClock()
        async with running(folder, ScriptedEngine(clock, lambda text, nth: Play(1.0)), clock) as house:
            found.done = await ended(house, await create(house, numbered(9)))
            found.file = await upload(house, b"\n".join(numbered(90)))
            found.half = await create(house, file_id=found.file)
            await clock.sleep(5.0)
            assert verify(folder).damages == [], "beside the server that runs"

    found = Left()
    run(live)
    return found


def ledger(folder: Path, job: Job) -> sqlite3.Connection:
    return sqlite3.connect(folder / "jobs" / job.id / "ledger.db", isolation_level=None)


def only(folder: Path) -> Damage:
    (damage,) = verify(folder).damages
    return damage


def test_a_sound_folder_is_called_sound(folder: Path, left: Left) -> None:
    found = verify(folder)
    assert (found.damages, found.ledgers, found.blobs, found.unhashed) == ([], 2, 3, 0)


def test_one_bit_in_any_blob_is_found(folder: Path, left: Left) -> None:
    """All bytes of all blobs: the inline input, the result file, the upload."""
    blobs = [path for path in (folder / "blobs").glob("??/*") if path.is_file()]
    assert len(blobs) == 3
    jobs: set[tuple[str, ...]] = set()
    for path in blobs:
        content = path.read_bytes()
        for at in range(0, len(content), 97):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            damage = only(folder)
            assert damage.file == path.relative_to(folder).as_posix()
            assert "SHA-256" in damage.words
        path.write_bytes(content)
        jobs.add(damage.jobs)
    assert jobs == {(left.done.id,), (left.half.id,)}
    assert verify(folder).damages == []


def test_a_cut_blob_and_a_missing_one_are_found(folder: Path, left: Left) -> None:
    path = blob_path(folder / "blobs", left.half.input_blob)
    path.write_bytes(path.read_bytes()[:-1])
    damage = only(folder)
    assert "bytes instead of" in damage.words
    assert f"files/{left.file}" in damage.names
    path.unlink()
    assert "not there" in only(folder).words


def test_a_ledger_whose_pages_are_broken_or_that_is_gone_is_found(folder: Path, left: Left) -> None:
    path = folder / "jobs" / left.done.id / "ledger.db"
    content = path.read_bytes()
    for broken in (b"no database" * 1000, content[: len(content) // 2]):
        path.write_bytes(broken)
        damage = only(folder)
        assert (damage.file, damage.jobs) == (f"jobs/{left.done.id}/ledger.db", (left.done.id,))
    path.unlink()
    assert "not there" in only(folder).words


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE outcome SET ordinal = (SELECT ordinal FROM outcome WHERE seq = 1) WHERE seq IN (2, 3)",
         "2 requests have more than one outcome"),
        ("UPDATE outcome SET ordinal = 5000 WHERE seq = 1", "1 outcomes belong to no request"),
        ("DELETE FROM request WHERE ordinal = 3", "9 requests were read from the input, and it has 8"),
        ("DELETE FROM outcome WHERE seq = 1", "8 answers and 0 errors, and the job ended with 9"),
    ],
)  # fmt: skip
def test_rows_that_do_not_agree_are_found(folder: Path, left: Left, sql: str, words: str) -> None:
    db = ledger(folder, left.done)
    db.execute(sql)
    db.close()
    assert words in only(folder).words


def test_answers_that_are_gone_before_they_were_published_are_found(folder: Path, left: Left) -> None:
    db = ledger(folder, left.half)
    db.execute("UPDATE outcome SET body = NULL")
    db.close()
    assert verify(folder).damages == [], "a job that runs is not looked into: it changes"
    catalog = sqlite3.connect(folder / "catalog.db", isolation_level=None)
    catalog.execute(
        "UPDATE job SET doc = json_set(doc, '$.state', 'CANCELLED', '$.counts.succeeded',"
        " (SELECT count(*) FROM (SELECT 1))) WHERE id = ?",
        (left.half.id,),
    )
    catalog.close()
    assert "lost their text" in only(folder).words


def test_a_broken_catalog_is_found(folder: Path, left: Left) -> None:
    path = folder / "catalog.db"
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)
    assert verify(folder).damages[0].file == "catalog.db"


def test_what_is_no_data_folder_or_a_newer_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify(tmp_path)
    catalog = Catalog(tmp_path / "catalog.db")
    with catalog.write() as db:
        db.execute("PRAGMA user_version = 999")
    catalog.close()
    with pytest.raises(Unavailable, match="newer"):
        verify(tmp_path)
