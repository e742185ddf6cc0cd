"""What is inside a job: results in both orders, followed, with their places; progress live; requests; violations."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backburner.core.errors import NotFound
from backburner.core.exchange import TroubleKind
from backburner.core.job import OnInvalid
from backburner.service.progress import Progress, ProgressService
from backburner.service.results import Numbered
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running, upload
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import Reply, ask, get


def backwards(text: str, nth: int) -> Play:
    """The later in the input, the sooner done."""
    return Play(10.0 - int(text.removeprefix("text ")) / 10)


def test_results_go_on_behind_a_cursor_and_by_input_up_to_the_first_gap(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, backwards, slots=10), clock) as house:
            job = await create(house, numbered(10))
            await clock.sleep(9.55)
            first = await get(house, f"/jobs/{job.id}/results")
            assert [line["key"] for line in first.lines] == ["k9", "k8", "k7", "k6", "k5"]
            assert first.headers["x-incomplete"] == "true"
            assert (await get(house, f"/jobs/{job.id}/results?order=input")).lines == [], (
                "the first is not done"
            )

            await ended(house, job)
            rest = await get(house, f"/jobs/{job.id}/results?cursor={first.headers['x-next-cursor']}")
            assert [line["key"] for line in rest.lines] == ["k4", "k3", "k2", "k1", "k0"]
            assert rest.headers["x-incomplete"] == "false"
            end = await get(house, f"/jobs/{job.id}/results?cursor={rest.headers['x-next-cursor']}")
            assert (end.lines, end.headers["x-next-cursor"]) == ([], rest.headers["x-next-cursor"])
            whole = await get(house, f"/jobs/{job.id}/results?order=input")
            assert [line["key"] for line in whole.lines] == [f"k{n}" for n in range(10)]

    run(main)


def test_an_envelope_has_the_places_of_its_line_and_goes_on_behind_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, backwards, slots=10), clock) as house:
            job = await ended(house, await create(house, numbered(4)))
            plain = await get(house, f"/jobs/{job.id}/results")
            numbered_ = await get(house, f"/jobs/{job.id}/results?envelope=1")
            assert [x["line"] for x in numbered_.lines] == plain.lines
            places = [(x["seq"], x["ordinal"], x["key"]) for x in numbered_.lines]
            assert places == [(1, 3, "k3"), (2, 2, "k2"), (3, 1, "k1"), (4, 0, "k0")]
            cursor = numbered_.lines[1]["cursor"]
            assert (await get(house, f"/jobs/{job.id}/results?cursor={cursor}")).lines == plain.lines[2:]
            assert numbered_.headers["x-next-cursor"] == plain.headers["x-next-cursor"]

    run(main)


@pytest.mark.parametrize("envelope", ["", "&envelope=1"])
def test_following_gives_each_outcome_once_as_it_comes_until_the_end(
    tmp_path: Path, clock: VirtualClock, envelope: str
) -> None:
    came: list[tuple[float, int]] = []

    def seen(reply: Reply) -> None:
        came.append((clock.monotonic(), len(reply.lines)))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, backwards, slots=3), clock) as house:
            job = await create(house, numbered(9))
            began = clock.monotonic()
            reply = await get(house, f"/jobs/{job.id}/results?follow=true{envelope}", seen=seen)
            assert len(reply.lines) == 9
            assert len({str(line) for line in reply.lines}) == 9
            assert "x-next-cursor" not in reply.headers
            first = next(at for at, count in came if count)
            assert first - began < 11, "long before the job has ended"
            assert clock.monotonic() - began > 25
            assert (await house.jobs.get("default", job.id)).ended

            again = await get(house, f"/jobs/{job.id}/results?follow=true{envelope}")
            assert again.body == reply.body, "after the end, bodies out of the ledger"

    run(main)


def test_streams_of_a_job_that_is_deleted_come_to_their_end(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, backwards, slots=3), clock) as house:
            job = await create(house, numbered(9))
            following = asyncio.ensure_future(get(house, f"/jobs/{job.id}/results?follow=1"))
            watching = asyncio.ensure_future(get(house, f"/jobs/{job.id}/events"))
            await clock.sleep(15)
            await ask(house, "DELETE", f"/api/v1/jobs/{job.id}")
            assert 0 < len((await following).lines) < 9
            assert (await watching).events[-1][0] in ("end", "gone")

    run(main)


def test_a_job_that_goes_away_in_the_middle_leaves_no_stream_that_looks_whole(
    tmp_path: Path, clock: VirtualClock
) -> None:
    class Gone:
        async def numbered(self, *_: object) -> AsyncIterator[list[Numbered]]:
            yield [Numbered(1, 0, "k0", b'{"key":"k0"}')]
            raise NotFound("gone", reason="JOB_NOT_FOUND")

    class Away(ProgressService):
        async def watch(self, tenant: str, job: str) -> AsyncIterator[Progress]:
            yield await self.snapshot(tenant, job)
            raise NotFound("gone", reason="JOB_NOT_FOUND")

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60)), clock) as house:
            job = await create(house, numbered(1))
            house.follow = Gone()  # type: ignore[assignment]
            house.progress.__class__ = Away
            reply = await get(house, f"/jobs/{job.id}/results?follow=1")
            assert (len(reply.lines), reply.finished) == (1, False)
            reply = await get(house, f"/jobs/{job.id}/events")
            assert [name for name, _ in reply.events] == ["progress", "gone"]
            assert reply.events[-1][1]["error"]["reason"] == "JOB_NOT_FOUND"

    run(main)


def test_events_tell_every_change_and_end_with_the_end(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(2.0), slots=2)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(6))
            began = clock.monotonic()
            reply = await get(house, f"/jobs/{job.id}/events")
            assert reply.headers["content-type"].startswith("text/event-stream")
            assert [name for name, _ in reply.events[-2:]] == ["progress", "end"]
            done = [data["counts"]["succeeded"] for _, data in reply.events]
            assert done == sorted(done)
            assert set(done) == {0, 2, 4, 6}
            assert len(done) <= 4 * (clock.monotonic() - began) + 2, "a few a second at most"
            last = reply.events[-1][1]
            assert (last["state"], last["ended"], last["job"]) == ("SUCCEEDED", True, job.id)
            assert [name for name, _ in (await get(house, f"/jobs/{job.id}/events")).events] == ["end"]
            watched = await ask(house, "GET", f"/v1beta/batches/{job.id}:watch")
            assert [name for name, _ in watched.events] == ["end"], "the same under Gemini's path"

    run(main)


def test_orders_that_do_not_go_together_are_refused(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            job = await ended(house, await create(house, numbered(1)))
            for query in (
                "order=random",
                "order=input&follow=1",
                "order=input&envelope=1",
                "follow=maybe",
                "cursor=xyz",
                "cursor=c2VxOi0x&follow=1",
            ):
                reply = await get(house, f"/jobs/{job.id}/results?{query}")
                assert reply.status == 400, query
                assert reply.json["error"]["code"] == "INVALID_ARGUMENT"

    run(main)


def test_requests_stand_beside_their_outcomes_with_every_try(tmp_path: Path, clock: VirtualClock) -> None:
    busy, no = trouble(TroubleKind.TRANSIENT, "cut"), trouble(TroubleKind.REQUEST, "not this one")

    def play(text: str, nth: int) -> Play:
        kinds = {"text 1": busy if nth == 1 else None, "text 2": no, "text 7": no}
        return Play(60.0 if text == "text 4" else 0.5, kinds.get(text))

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, play, slots=8), clock) as house:
            job = await create(house, numbered(8))
            await clock.sleep(30)
            first = (await get(house, f"/jobs/{job.id}/requests?page_size=5")).json
            rows = first["requests"]
            assert [(row["ordinal"], row["line"], row["key"]) for row in rows] == [
                (n, n + 1, f"k{n}") for n in range(5)
            ]
            assert rows[0]["request"] == "k0|text 0", "a line that is no JSON, as a string"
            assert rows[0]["result"] == {"key": "k0", "response": "text 0"}
            assert rows[0]["outcome"]["kind"] == "answer"
            assert rows[0]["outcome"]["usage"]["prompt_tokens"] == 2
            assert [x["trouble"] for x in rows[1]["attempts"]] == ["transient", ""]
            assert rows[1]["attempts"][0]["message"] == "cut"
            assert rows[2]["outcome"]["kind"] == "error"
            assert "not this one" in rows[2]["result"]["error"]["message"]
            assert (rows[4]["outcome"], rows[4]["result"]) == (None, None), "still under way"
            assert rows[4]["attempts"][0]["ended_at"] is None
            rest = (await get(house, f"/jobs/{job.id}/requests?cursor={first['next_cursor']}")).json
            assert [row["ordinal"] for row in rest["requests"]] == [5, 6, 7]
            assert rest["next_cursor"] == ""

            failed = (await get(house, f"/jobs/{job.id}/requests?failed=1&page_size=1")).json
            more = (await get(house, f"/jobs/{job.id}/requests?failed=1&cursor={failed['next_cursor']}")).json
            found = failed["requests"] + more["requests"]
            assert sorted(row["ordinal"] for row in found) == [2, 7]
            assert more["next_cursor"] == ""
            crossed = await get(house, f"/jobs/{job.id}/requests?cursor={failed['next_cursor']}")
            assert crossed.status == 400, "a cursor of the other kind"

            await house.jobs.cancel("default", job.id)
            await ended(house, job)
            after = (await get(house, f"/jobs/{job.id}/requests")).json["requests"]
            assert after[0]["result"] == rows[0]["result"], "from the result file now"
            assert (after[4]["outcome"], after[4]["result"]["error"]["code"]) == (None, 1)

    run(main)


def test_violations_name_line_and_key(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            file = await upload(house, b"a|fine\nb|!!\nc|fine\nd|!\n")
            job = await create(house, file_id=file, on_invalid=OnInvalid.SKIP)
            await ended(house, job)
            found = (await get(house, f"/jobs/{job.id}/violations")).json["violations"]
            assert [(x["line"], x["key"], x["path"]) for x in found] == [
                (2, "b", "wrong[0]"),
                (2, "b", "wrong[1]"),
                (4, "d", "wrong[0]"),
            ]
            assert found[0]["instead"] == "Mend it"
            assert len((await get(house, f"/jobs/{job.id}/violations?limit=2")).json["violations"]) == 2

    run(main)
