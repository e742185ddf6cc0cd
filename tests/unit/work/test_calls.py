"""From a line to an outcome: what needs no engine is decided without one, and files and caches get their bytes."""

from pathlib import Path

import pytest

from backburner.core.errors import Code, NotFound, TooLarge
from backburner.core.exchange import Call, CallKind, MediaRef
from backburner.core.job import Counts, OnInvalid
from backburner.core.lanes import Lanes
from backburner.store.stores import Stores
from backburner.work import media
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import create, ended, results, run_to_end, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually


@virtually
async def test_a_line_that_cannot_become_a_call_gets_its_reason_without_an_engine(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, [b"a|?", b"b|fine"])
    assert job.counts == Counts(2, 1, 1)
    assert found[0]["error"] == {"code": int(Code.UNIMPLEMENTED), "message": "this cannot be translated"}
    assert [made.text for made in engine.calls] == ["fine"]


@virtually
async def test_a_call_is_tagged_with_job_and_ordinal_and_sent_to_the_engines_model(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(clock)
    tags: list[str] = []
    call = engine.call

    async def watched(one: Call, deadline_s: float) -> object:
        tags.append(one.tag)
        return await call(one, deadline_s)

    monkeypatch.setattr(engine, "call", watched)
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, [b"a|x", b"b|y"])
    assert sorted(tags) == [f"{job.id}/0", f"{job.id}/1"]
    assert {made.model for made in engine.calls} == {"m"}


@virtually
async def test_a_cache_serves_its_job_though_it_expires_or_is_deleted_meanwhile(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        cache = await house.caches.create("default", model="m", body={"text": "long story."}, ttl_s=5)
        engine.serves = True
        job = await create(house, [b"a|why? @cache:%s" % cache.id.encode()])
        await house.caches.delete("default", cache.id)
        job = await ended(house, job)
        assert (await results(house, job))[0]["response"] == f"long story. why? @cache:{cache.id}"


@virtually
async def test_a_line_that_names_a_missing_file_or_cache_is_wrong(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        file = (await upload(house, b"x", tenant="other")).encode()
        job, found = await run_to_end(
            house,
            [b"a|see @file:%s" % file, b"b|see @cache:nowhere", b"c|fine"],
            on_invalid=OnInvalid.SKIP,
        )
    assert job.counts == Counts(3, 1, 2)
    assert "which does not exist or has expired" in str(found[0]["error"])
    assert "cachedContents/nowhere" in str(found[1]["error"])


# Media


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


def call() -> Call:
    body = {
        "messages": [
            {"role": "system", "content": "placeholder-1 in words is no placeholder"},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "placeholder-1"}},
                    {"type": "input_audio", "input_audio": {"data": "placeholder-2", "format": "wav"}},
                ],
            },
        ]
    }
    refs = (MediaRef("img", "image/png", "placeholder-1"), MediaRef("snd", "audio/wav", "placeholder-2"))
    return Call(kind=CallKind.CHAT, model="m", body=body, media=refs)


def blob(stores: Stores, content: bytes) -> str:
    writer = stores.blobs.writer()
    writer.write(content)
    return writer.commit()


@virtually
async def test_the_bytes_of_files_are_put_where_their_placeholders_stand(stores: Stores) -> None:
    blobs = {"img": blob(stores, b"\x89PNG"), "snd": blob(stores, b"RIFF")}
    before = call()
    filled = await media.fill(before, blobs.get, stores, Lanes.inline())
    system, user = filled.body["messages"]
    assert system["content"] == "placeholder-1 in words is no placeholder"
    assert user["content"][0]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert user["content"][1]["input_audio"] == {"data": "UklGRg==", "format": "wav"}
    assert filled.media == ()
    assert before.body["messages"][1]["content"][0]["image_url"]["url"] == "placeholder-1", (
        "a copy was filled"
    )


@virtually
async def test_a_file_that_is_gone_is_named(stores: Stores) -> None:
    with pytest.raises(NotFound, match="files/img does not exist or has expired"):
        await media.fill(call(), lambda _: None, stores, Lanes.inline())


@virtually
async def test_files_too_large_to_hold_in_memory_are_refused_before_they_are_read(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MEDIA_BYTES", 9)
    blobs = {"img": blob(stores, b"12345"), "snd": blob(stores, b"1234")}
    await media.fill(call(), blobs.get, stores, Lanes.inline())
    blobs["snd"] = blob(stores, b"12345")
    with pytest.raises(TooLarge, match="with files/snd these have more"):
        await media.fill(call(), blobs.get, stores, Lanes.inline())
