"""A copy of a data folder that its server goes on writing: what was acknowledged is in it, and it is sound."""

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from backburner.core.errors import Conflict, InvalidArgument, NotFound, Unavailable
from backburner.core.job import Job, JobState
from backburner.house import House
from backburner.store import backup as backup_module
from backburner.store.backup import back_up, restore
from backburner.store.blobs import blob_path
from backburner.store.catalog import Catalog
from backburner.store.stores import Stores
from backburner.store.verify import verify
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, memory_folder, numbered, results, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually
from tests.unit.store.test_catalog import file as a_file

LINES = 40


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def copy(folder: Path, target: Path) -> "backup_module.Made":
    return back_up(folder, target, "1", "2026-11-27T00:00:00Z")


def slow(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock, lambda text, nth: Play(1.0))


def tree(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, except for what names the moment."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "backup.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@virtually
async def test_a_copy_of_a_running_server_goes_on_where_the_server_was(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path / "data", slow(clock), clock) as house:
        file = await upload(house, b"\n".join(numbered(LINES)))
        done = await ended(house, await create(house, numbered(3)))
        job = await create(house, file_id=file)
        await clock.sleep(4.5)
        seen = (await house.jobs.get("default", job.id)).counts.succeeded
        assert 0 < seen < LINES
        started = await house.files.start(
            "default", name=None, display_name="", mime_type="jsonl", size_bytes=None
        )
        copy(tmp_path / "data", tmp_path / "copy")
        await house.files.delete("default", file)
        await house.jobs.delete("default", job.id)
        await house.jobs.delete("default", done.id)
    restore(tmp_path / "copy", tmp_path / "back")
    assert verify(tmp_path / "back").damages == []
    engine = slow(clock)
    async with running(tmp_path / "back", engine, clock) as house:
        assert (await house.jobs.get("default", job.id)).counts.succeeded >= seen
        assert len(await results(house, await house.jobs.get("default", done.id))) == 3
        job = await ended(house, job)
        assert [line["key"] for line in await results(house, job)] == [f"k{n}" for n in range(LINES)]
        assert job.state is JobState.SUCCEEDED
        assert len(engine.calls) <= LINES - seen
        assert (await house.files.get("default", file)).size_bytes
        assert (await house.files.upload(started.id)).received_bytes == 0


class Steps:
    """Runs a copy in a thread that stops before every database and every pass over the blobs, until told to go on."""

    def __init__(self, folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._work = lambda: copy(folder, target)
        self._stopped, self._go = threading.Semaphore(0), threading.Semaphore(0)
        for where, name in ((backup_module, "copy_database"), (backup_module._Copy, "_blobs")):
            monkeypatch.setattr(where, name, self._stopping(getattr(where, name)))

    def _stopping(self, inner: Callable[..., object]) -> Callable[..., object]:
        def stop(*given: object) -> object:
            self._stopped.release()
            self._go.acquire()
            return inner(*given)

        return stop

    def __iter__(self) -> Iterator[None]:
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(self._work)
            made.add_done_callback(lambda _: self._stopped.release())
            while True:
                self._stopped.acquire()
                if made.done():
                    break
                yield
                self._go.release()
            assert made.result().damages == []


@pytest.mark.parametrize("seed", range(25))
@virtually
async def test_whatever_happens_while_it_is_copied(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """At every step of the copy the server goes on for a while, with jobs that end and are made and deleted."""
    chance, gone = random.Random(seed), set[str]()
    async with running(tmp_path / "data", slow(clock), clock) as house:
        jobs: list[Job] = []
        for n in range(6):
            lines = numbered(chance.randrange(1, 30), 100 * n)
            if n % 2:
                jobs.append(await create(house, lines))
                continue
            file = await upload(house, b"\n".join(lines))
            jobs.append(await create(house, file_id=file))
            await house.files.delete("default", file)  # only its job holds the bytes now
        await clock.sleep(chance.random() * 12)
        known = {job.id: (await house.jobs.get("default", job.id)).counts.succeeded for job in jobs}
        for _ in Steps(tmp_path / "data", tmp_path / "copy", monkeypatch):
            for _ in range(chance.randrange(3)):
                await _go_on(house, chance, gone)
    monkeypatch.undo()
    restore(tmp_path / "copy", tmp_path / "back")
    assert verify(tmp_path / "back").damages == []
    async with running(tmp_path / "back", slow(clock), clock) as house:
        there = house.stores.jobs.ids()
        assert set(known) - gone <= there, "what was acknowledged before the copy began is in it"
        for job in there:
            assert (await house.jobs.get("default", job)).counts.succeeded >= known.get(job, 0)
            found = await ended(house, job)
            assert all("response" in line for line in await results(house, found))


async def _go_on(house: House, chance: random.Random, gone: set[str]) -> None:
    what = chance.random()
    if what < 0.2:
        await create(house, numbered(chance.randrange(1, 4), 1000))
    elif what < 0.4:
        gone.add(id_ := chance.choice(sorted(house.stores.jobs.ids())))
        await house.jobs.delete("default", id_)
    else:
        await house.clock.sleep(chance.random() * 4)


@virtually
async def test_a_second_copy_takes_what_is_new_and_forgets_what_is_deleted(
    tmp_path: Path, clock: VirtualClock
) -> None:
    data, target = tmp_path / "data", tmp_path / "copy"
    async with running(data, slow(clock), clock) as house:
        first = await ended(house, await create(house, numbered(3)))
        kept = await ended(house, await create(house, numbered(3)))
        copy(data, target)
        before = (target / "jobs" / kept.id / "ledger.db").stat().st_ino
        await house.jobs.delete("default", first.id)
        made = copy(data, target)
    assert (target / "jobs" / kept.id / "ledger.db").stat().st_ino == before
    assert (made.jobs, made.blobs) == (1, 2)
    assert not any(first.id in name or str(first.results_blob) in name for name in tree(target))
    assert verify(target).damages == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data"]


@virtually
async def test_a_copy_that_fails_leaves_the_earlier_one(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, target = tmp_path / "data", tmp_path / "copy"
    async with running(data, slow(clock), clock) as house:
        await ended(house, await create(house, numbered(3)))
        copy(data, target)
        before = tree(target)
        monkeypatch.setattr(backup_module._Copy, "_take_out", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            copy(data, target)
        assert tree(target) == before
        monkeypatch.undo()
        target.rename(target.with_name("copy.before"))  # as if it had ended between the two renames
        copy(data, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data"]


def test_a_blob_that_is_missing_or_wrong_is_named_and_the_rest_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    stores = Stores(tmp_path / "data")
    names = []
    for n in range(3):
        writer = stores.blobs.writer()
        writer.write(b"text %d" % n)
        blob = writer.commit()
        names.append(blob)
        digest = hashlib.sha256(b"text %d" % n).hexdigest()
        row = a_file(f"f{n}", blob=blob)
        stores.files.insert(msgspec.structs.replace(row, size_bytes=6, sha256=digest))
    stores.close()
    blob_path(tmp_path / "data" / "blobs", names[0]).unlink()
    blob_path(tmp_path / "data" / "blobs", names[1]).write_bytes(b"rotten")
    made = copy(tmp_path / "data", tmp_path / "copy")
    found = {damage.names: damage.words for damage in made.damages}
    assert "not there" in found["files/f0",]
    assert "SHA-256" in found["files/f1",]
    assert len(found) == 2
    assert blob_path(tmp_path / "copy" / "blobs", names[2]).read_bytes() == b"text 2"


def test_where_a_copy_may_not_go(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        copy(tmp_path / "data", tmp_path / "copy")
    Stores(tmp_path / "data").close()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").touch()
    for target in (tmp_path / "full", tmp_path / "data" / "copy", tmp_path, tmp_path / "no" / "copy"):
        with pytest.raises(InvalidArgument):
            copy(tmp_path / "data", target)
    for beside in ("copy.partial", "copy.before"):
        (tmp_path / beside).mkdir()
        (tmp_path / beside / "thing").touch()
        with pytest.raises(InvalidArgument, match="in the way"):
            copy(tmp_path / "data", tmp_path / "copy")
        (tmp_path / beside / "thing").rename(tmp_path / "thing")
    assert (tmp_path / "full" / "thing").exists()


def test_where_a_copy_may_not_be_brought_back(tmp_path: Path) -> None:
    stores = Stores(tmp_path / "data")
    copy(tmp_path / "data", tmp_path / "copy")
    with pytest.raises(Unavailable, match="in use"):
        restore(tmp_path / "copy", tmp_path / "data")
    stores.close()
    with pytest.raises(Conflict, match="not empty"):
        restore(tmp_path / "copy", tmp_path / "data")
    with pytest.raises(NotFound, match="no backup"):
        restore(tmp_path / "data", tmp_path / "back")
    catalog = Catalog(tmp_path / "copy" / "catalog.db")
    with catalog.write() as db:
        db.execute("PRAGMA user_version = 999")
    catalog.close()
    with pytest.raises(Unavailable, match="newer"):
        restore(tmp_path / "copy", tmp_path / "back")
    assert not (tmp_path / "back").exists()
