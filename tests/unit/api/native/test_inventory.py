"""Engines, files, models and keys over the native API."""

from pathlib import Path

from backburner.core.exchange import TroubleKind
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running, upload
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask, get, post


def test_engines_tell_how_many_calls_they_are_given(tmp_path: Path, clock: VirtualClock) -> None:
    busy = trouble(TroubleKind.BUSY, "slow down", retry_after_s=90)

    def play(text: str, nth: int) -> Play:
        return Play(5.0, busy if text == "text 3" and nth == 1 else None)

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, play, slots=3), clock) as house:
            before = (await get(house, "/engines")).json["engines"]
            assert [(engine["name"], engine["status"]) for engine in before] == [("simulated", "up")]
            job = await create(house, numbered(6))
            await clock.sleep(2)
            model = (await get(house, "/engines")).json["engines"][0]["models"][0]
            assert (model["id"], model["slots"], model["limit"], model["in_flight"]) == ("m", 3, 3, 3)
            assert model["features"] == ["chat"]
            assert model["closed_until_at"] is None
            await clock.sleep(10)
            model = (await get(house, "/engines")).json["engines"][0]["models"][0]
            assert model["limit"] < 3
            assert model["closed_until_at"] > "2027"
            waits = (await get(house, f"/jobs/{job.id}")).json["waiting_reason"]
            assert waits, "the engine's own words, or that it is closed"

    run(main)


def test_how_busy_another_tenant_is_stays_their_own(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(
            tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0), slots=3), clock
        ) as house:
            _, anna = await house.keys.create("anna", "")
            _, bert = await house.keys.create("bert", "")
            await create(house, numbered(6), tenant="anna")
            await clock.sleep(1)
            for key, seen in ((anna, 3), (bert, 0)):
                reply = await get(house, "/engines", headers={"x-goog-api-key": key})
                assert reply.json["engines"][0]["models"][0]["in_flight"] == seen

    run(main)


def test_files_and_models(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            file = await upload(house, b"a|x\n")
            await clock.sleep(1)
            job = await ended(house, await create(house, file_id=file))
            files = (await get(house, "/files")).json["files"]
            assert [(x["name"], x["source"], x["job"]) for x in files] == [
                (f"files/batch-{job.id}", "GENERATED", job.id),
                (f"files/{file}", "UPLOADED", None),
            ]
            first = (await get(house, "/files?page_size=1")).json
            second = (await get(house, f"/files?page_size=1&page_token={first['next_page_token']}")).json
            assert first["files"] + second["files"] == files
            models = (await get(house, "/models")).json
            assert models["next_page_token"] == ""

    run(main)


def test_a_file_comes_and_goes_whole_or_in_part(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            kind = {"content-type": "text/html"}
            made = await post(house, "/files?display_name=a.html", b"<script>0123</script>", headers=kind)
            path = f"/{made.json['name']}"
            assert (made.json["display_name"], made.json["size_bytes"]) == ("a.html", 21)
            assert (await get(house, path)).json == made.json
            whole = await get(house, f"{path}/content")
            assert whole.body == b"<script>0123</script>"
            assert whole.headers["content-type"] == "application/octet-stream", "no browser may run it"
            part = await get(house, f"{path}/content", headers={"range": "bytes=8-11"})
            assert (part.status, part.body) == (206, b"0123")
            await ask(house, "DELETE", f"/api/v1{path}")
            gone = await get(house, f"{path}/content")
            assert (gone.status, gone.json["error"]["reason"]) == (404, "FILE_NOT_FOUND")

    run(main)
