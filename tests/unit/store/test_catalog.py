"""What the rows of the catalog promise: nothing of a tenant's is seen by another, pages are complete and in order,
and what a job needs stays as long as it needs it."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backburner.core.errors import Unavailable
from backburner.core.job import Job, JobKind, JobState
from backburner.store.audit import Audit, AuditLine
from backburner.store.caches import CacheRow
from backburner.store.files import FileRow, UploadRow
from backburner.store.jobs import IdempotencyRow, Pin
from backburner.store.keys import KeyRow
from backburner.store.sqlite import connect
from backburner.store.stores import Stores


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    found = Stores(tmp_path / "data")
    yield found
    found.close()


def job(id_: str, *, tenant: str = "t", created_at: float = 1.0, state: JobState = JobState.PENDING) -> Job:
    return Job(
        id=id_,
        tenant=tenant,
        dialect="plain",
        kind=JobKind.GENERATE,
        model="m",
        state=state,
        created_at=created_at,
        updated_at=created_at,
        expire_at=100.0,
        window_s=50.0,
        input_blob="b",
        input_bytes=1,
    )


def file(
    id_: str, *, tenant: str = "t", created_at: float = 1.0, expire_at: float = 9.0, blob: str | None = None
) -> FileRow:
    return FileRow(
        id=id_,
        tenant=tenant,
        blob=blob,
        size_bytes=1,
        mime_type="jsonl",
        created_at=created_at,
        updated_at=created_at,
        expire_at=expire_at,
    )


def cache(id_: str, *, tenant: str = "t", created_at: float = 1.0, expire_at: float = 9.0) -> CacheRow:
    return CacheRow(
        id=id_,
        tenant=tenant,
        model="m",
        created_at=created_at,
        updated_at=created_at,
        expire_at=expire_at,
        body={"text": "x"},
    )


def blob(stores: Stores, content: bytes = b"x") -> str:
    writer = stores.blobs.writer()
    writer.write(content)
    return writer.commit()


Page = Callable[[int, tuple[float, str] | None], list[Any]]


def walked(page: Page, count: int) -> list[str]:
    """Ids over all pages."""
    found: list[str] = []
    before: tuple[float, str] | None = None
    while items := page(count, before):
        found += [item.id for item in items]
        before = (items[-1].created_at, items[-1].id)
    return found


KINDS: dict[str, tuple[Callable[[Stores, str, str, float], object], Callable[[Stores, str], Page]]] = {
    "job": (
        lambda s, id_, tenant, at: s.jobs.insert(job(id_, tenant=tenant, created_at=at), ()),
        lambda s, tenant: lambda limit, before: s.jobs.page(tenant, limit, before),
    ),
    "file": (
        lambda s, id_, tenant, at: s.files.insert(file(id_, tenant=tenant, created_at=at)),
        lambda s, tenant: lambda limit, before: s.files.page(tenant, limit, before, 2.0),
    ),
    "cache": (
        lambda s, id_, tenant, at: s.caches.put(cache(id_, tenant=tenant, created_at=at)),
        lambda s, tenant: lambda limit, before: s.caches.page(tenant, limit, before, 2.0),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_pages_are_newest_first_complete_and_of_one_tenant(stores: Stores, kind: str, count: int) -> None:
    put, page = KINDS[kind]
    for at, letter in itertools.product((1.0, 2.0, 3.0), "bca"):  # several of one instant
        put(stores, f"{letter}{at:.0f}", "t", at)
        put(stores, f"x{letter}{at:.0f}", "other", at)
    expected = ["a3", "b3", "c3", "a2", "b2", "c2", "a1", "b1", "c1"]
    assert walked(page(stores, "t"), count) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_not_upset_by_what_is_made_meanwhile(stores: Stores, kind: str) -> None:
    put, page = KINDS[kind]
    for number in range(4):
        put(stores, f"j{number}", "t", float(number))
    first = page(stores, "t")(2, None)
    put(stores, "new", "t", 9.0)
    rest = page(stores, "t")(9, (first[-1].created_at, first[-1].id))
    assert [x.id for x in (*first, *rest)] == ["j3", "j2", "j1", "j0"]


def test_a_tenant_cannot_reach_anothers(stores: Stores) -> None:
    stores.jobs.insert(job("j", tenant="a"), (), ("key", b"d"))
    stores.files.insert(file("f", tenant="a"))
    stores.caches.put(cache("c", tenant="a"))
    for get in (stores.jobs.get, stores.files.get, stores.caches.get):
        assert get("b", {stores.jobs.get: "j", stores.files.get: "f"}.get(get, "c")) is None
    assert stores.jobs.get("a", "j") is not None
    assert stores.files.get("a", "f") is not None
    assert stores.caches.get("a", "c") is not None
    assert stores.files.delete("b", "f") is None
    assert stores.files.get("a", "f") is not None
    assert stores.jobs.idempotent("b", "key") is None


def test_two_tenants_may_choose_the_same_file_name(stores: Stores) -> None:
    assert stores.files.insert(file("f", tenant="a"))
    assert stores.files.insert(file("f", tenant="b"))
    assert not stores.files.insert(file("f", tenant="a")), "one tenant may not"


def test_a_value_comes_back_as_it_went(stores: Stores) -> None:
    first = msgspec.structs.replace(job("j"), warnings=("w",), extras={"a": [1, {"b": None}]})
    stores.jobs.insert(first, ())
    assert stores.jobs.get("t", "j") == first
    second = msgspec.structs.replace(first, state=JobState.RUNNING, started_at=5.5)
    stores.jobs.update(second)
    assert stores.jobs.get("t", "j") == second


# Pins


def test_a_pinned_blob_outlives_its_file(stores: Stores) -> None:
    name = blob(stores)
    stores.files.insert(file("f", blob=name))
    stores.jobs.insert(job("j"), [Pin("input", "files/f", name)])
    stores.delete_blob_unless_used(stores.files.delete("t", "f"))
    assert stores.blobs.exists(name)
    stores.release_pins("j")
    assert not stores.blobs.exists(name), "and goes with the last pin"


def test_a_blob_two_jobs_need_goes_with_the_second(stores: Stores) -> None:
    name = blob(stores)
    for id_ in ("j", "k"):
        stores.jobs.insert(job(id_), [Pin("file", "f", name)])
    stores.release_pins("j")
    assert stores.blobs.exists(name)
    assert stores.jobs.pinned_blob("k", "f") == name
    assert stores.jobs.pinned_blob("j", "f") is None
    stores.delete_job("k")
    assert not stores.blobs.exists(name)


def test_an_ended_job_does_not_take_a_file_with_it(stores: Stores) -> None:
    name = blob(stores)
    stores.files.insert(file("f", blob=name))
    stores.jobs.insert(job("j"), [Pin("input", "files/f", name)])
    stores.release_pins("j")
    assert stores.blobs.exists(name)


def test_an_input_that_is_gone_cannot_be_pinned(stores: Stores) -> None:
    name = blob(stores)
    assert stores.pin_input("j", "inline", name, "")
    stores.delete_blob_unless_used(name)
    assert stores.blobs.exists(name), "and one that is pinned is not gone"
    assert not stores.pin_input("k", "inline", "0" * 32, "")
    assert not stores.files.blob_in_use("0" * 32)


def test_inline_input_stays_as_long_as_its_job_for_whoever_wants_to_try_again(stores: Stores) -> None:
    name = blob(stores)
    stores.jobs.insert(job("j"), ())
    assert stores.pin_input("j", "inline", name, "")
    ended = msgspec.structs.replace(job("j", state=JobState.FAILED), results_blob="r")
    stores.jobs.update(ended)
    stores.release_pins("j")
    stores.jobs.unpin_stale()
    assert stores.blobs.exists(name)
    assert stores.files.blob_in_use(name)
    stores.delete_job("j")
    assert not stores.blobs.exists(name)


def test_pins_of_jobs_that_need_nothing_are_dropped_after_a_crash(stores: Stores) -> None:
    states = {"pending": JobState.PENDING, "done": JobState.SUCCEEDED, "cut": JobState.CANCELLED}
    for id_, state in states.items():
        stores.jobs.insert(job(id_, state=state), [Pin("input", "files/f", f"blob-{id_}")])
    published = msgspec.structs.replace(job("out", state=JobState.FAILED), results_blob="r")
    stores.jobs.insert(published, [Pin("input", "files/f", "blob-out")])
    stores.jobs.pin("never-accepted", [Pin("input", "inline", "blob-never")])
    stores.jobs.unpin_stale()
    kept = {id_ for id_ in (*states, "out", "never") if stores.files.blob_in_use(f"blob-{id_}")}
    assert kept == {"pending", "cut"}, "one has work left, one is not published yet"


def test_an_expired_cache_stays_while_a_job_pins_it(stores: Stores) -> None:
    stores.caches.put(cache("old", expire_at=5.0))
    stores.caches.put(cache("pinned", expire_at=5.0))
    stores.caches.put(cache("new", expire_at=50.0))
    stores.jobs.insert(job("j"), [Pin("cache", "pinned")])
    assert stores.caches.purge(5.0) == 1
    assert stores.caches.get("t", "old") is None
    assert stores.caches.get("t", "pinned") is not None
    assert [x.id for x in stores.caches.page("t", 10, None, 6.0)] == ["new"], "but it is not listed"
    stores.jobs.unpin("j")
    assert stores.caches.purge(5.0) == 1


# Jobs after a restart


def test_what_has_work_left_is_found_oldest_first(stores: Stores) -> None:
    for at, state in enumerate(JobState):
        stores.jobs.insert(job(state.lower(), created_at=10.0 - at, state=state), ())
    assert [x.id for x in stores.jobs.unended()] == ["finalizing", "running", "pending"]
    assert {x.id for x in stores.jobs.unpublished()} == {"failed", "cancelled", "expired"}
    failed = stores.jobs.get("t", "failed")
    assert failed is not None
    stores.jobs.update(msgspec.structs.replace(failed, results_blob="b"))
    assert {x.id for x in stores.jobs.unpublished()} == {"cancelled", "expired"}


def test_a_job_and_its_idempotency_key_are_one_transaction(stores: Stores) -> None:
    stores.jobs.insert(job("j"), (), ("key", b"digest"))
    with pytest.raises(Exception, match="UNIQUE"):
        stores.jobs.insert(job("k"), [Pin("input", "inline", "b")], ("key", b"digest"))
    assert stores.jobs.ids() == {"j"}
    assert not stores.files.blob_in_use("b")
    assert stores.jobs.idempotent("t", "key") == IdempotencyRow("j", b"digest")
    stores.jobs.delete("j")
    assert stores.jobs.idempotent("t", "key") is None


def test_idempotency_keys_are_forgotten_after_their_time(stores: Stores) -> None:
    stores.jobs.insert(job("j", created_at=5.0), (), ("old", b"d"))
    stores.jobs.insert(job("k", created_at=7.0), (), ("new", b"d"))
    stores.jobs.forget_idempotency(7.0)
    assert stores.jobs.idempotent("t", "old") is None
    assert stores.jobs.idempotent("t", "new") is not None


# Files and uploads


def test_an_upload_that_became_a_file_remembers_it_in_the_same_transaction(stores: Stores) -> None:
    upload = UploadRow(
        id="u",
        tenant="t",
        file_id="f",
        mime_type="jsonl",
        display_name="",
        size_bytes=None,
        created_at=1.0,
    )
    stores.files.insert_upload(upload)
    assert stores.files.get_upload("u") == upload
    assert stores.files.insert(file("f"), upload)
    assert stores.files.get_upload("u") == msgspec.structs.replace(upload, finished_bytes=1)
    assert [x.id for x in stores.files.uploads()] == ["u"]
    assert stores.files.uploads(older_than_at=1.0) == []
    stores.files.delete_upload("u")
    assert stores.files.get_upload("u") is None


def test_expired_files_are_found_and_not_listed(stores: Stores) -> None:
    stores.files.insert(file("old", expire_at=5.0))
    stores.files.insert(file("new", expire_at=6.0))
    assert [x.id for x in stores.files.expired(5.0)] == ["old"]
    assert [x.id for x in stores.files.page("t", 10, None, 5.0)] == ["new"]


# Keys


def audit_line(action: str) -> AuditLine:
    return AuditLine(at=1.0, tenant="t", door="cli", action=action, object="keys/k")


def test_only_the_hash_of_a_key_is_kept(stores: Stores, tmp_path: Path) -> None:
    row = KeyRow(id="k", tenant="t", name="laptop", hint="bb-abcd", created_at=1.0)
    assert not stores.keys.any()
    stores.keys.insert(row, hashlib.sha256(b"bb-abcdSECRET").digest(), audit_line("key.create"))
    assert stores.keys.by_digest(hashlib.sha256(b"bb-abcdSECRET").digest()) == row
    assert stores.keys.by_digest(b"else") is None
    revoked = msgspec.structs.replace(row, revoked_at=2.0)
    stores.keys.update(revoked, audit_line("key.revoke"))
    assert [x.action for x in Audit(stores.catalog).page(9, None)] == ["key.revoke", "key.create"]
    assert stores.keys.all() == [revoked]
    assert stores.keys.any(), "a revoked key still counts: the door does not open again"
    for path in (tmp_path / "data").iterdir():
        assert path.is_dir() or b"SECRET" not in path.read_bytes()


# The catalog itself


def test_readers_of_several_threads_see_what_is_committed(stores: Stores) -> None:
    seen: list[set[str]] = []

    def read() -> None:
        seen.append(stores.jobs.ids())

    with stores.catalog.write() as db:
        db.execute("DELETE FROM job")
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    stores.jobs.insert(job("j"), ())
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen == [set(), {"j"}]


def test_a_catalog_of_a_newer_version_is_refused_and_the_folder_is_free_again(tmp_path: Path) -> None:
    Stores(tmp_path / "data").close()
    db = connect(tmp_path / "data" / "catalog.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    refusals: list[pytest.ExceptionInfo[Unavailable]] = []  # kept: their tracebacks hold what broke
    for _ in range(2):
        with pytest.raises(Unavailable, match="the catalog was written by a newer Backburner") as refused:
            Stores(tmp_path / "data")
        refusals.append(refused)
