"""Jobs over the native API: found, told whole, changed, steered; refusals say what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from backburner.core.exchange import TroubleKind
from backburner.house import House
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask, get, post


def names(reply: Any) -> list[str]:
    return [job["display_name"] for job in reply.json["jobs"]]


def test_the_list_is_newest_first_in_pages_and_filtered(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0)), clock) as house:
            for n in range(5):
                await clock.sleep(1)
                await create(
                    house, numbered(2), display_name=f"100%_Job {n}", model="m" if n % 2 else "other"
                )
            await house.jobs.cancel("default", (await get(house, "/jobs?q=job 3")).json["jobs"][0]["id"])

            first = await get(house, "/jobs?page_size=2")
            assert names(first) == ["100%_Job 4", "100%_Job 3"]
            token = first.json["next_page_token"]
            second = await get(house, f"/jobs?page_size=2&page_token={token}")
            assert names(second) == ["100%_Job 2", "100%_Job 1"]
            last = await get(house, f"/jobs?page_size=2&page_token={second.json['next_page_token']}")
            assert (names(last), last.json["next_page_token"]) == (["100%_Job 0"], "")

            assert names(await get(house, "/jobs?state=cancelled")) == ["100%_Job 3"]
            assert len(names(await get(house, "/jobs?state=running,JOB_STATE_CANCELLED"))) == 4
            assert names(await get(house, "/jobs?model=models/m")) == ["100%_Job 3", "100%_Job 1"]
            assert names(await get(house, "/jobs?q=JOB%202")) == ["100%_Job 2"]
            assert names(await get(house, "/jobs?q=0%25_j")) == names(await get(house, "/jobs")), (
                "not wildcards"
            )
            assert names(await get(house, "/jobs?q=0%25%25j")) == []
            id_ = (await get(house, "/jobs")).json["jobs"][2]["id"]
            assert names(await get(house, f"/jobs?q={id_[:8]}")) == ["100%_Job 2"]
            assert names(await get(house, "/jobs?state=PENDING&q=Job")) == ["100%_Job 4"], "no slot left"

    run(main)


def test_a_job_tells_all_of_itself_while_it_runs_and_after(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(40), display_name="forty", priority=3, warnings=("mind this",))
            await clock.sleep(5.5)
            now = (await get(house, f"/jobs/{job.id}")).json
            assert (now["state"], now["ended"], now["display_name"]) == ("RUNNING", False, "forty")
            assert now["counts"] == {"total": 40, "succeeded": 20, "failed": 0, "pending": 20}
            assert now["progress"] == 0.5
            assert now["rate_per_s"] == pytest.approx(4, rel=0.2)
            assert now["usage"] == {
                "prompt_tokens": 40,
                "cached_tokens": 0,
                "output_tokens": 20,
                "cached_share": 0.0,
            }
            foretold = now["estimated_completion"]
            assert foretold["earliest_at"] < foretold["likely_at"] < foretold["latest_at"]
            assert foretold["confidence"] == 0.9
            assert (now["priority"], now["warnings"], now["results_file"]) == (3, ["mind this"], None)

            await ended(house, job)
            then = (await get(house, f"/jobs/{job.id}")).json
            assert foretold["earliest_at"] < then["ended_at"] < foretold["latest_at"]
            assert (then["state"], then["ended"], then["progress"]) == ("SUCCEEDED", True, 1.0)
            assert (then["estimated_completion"], then["rate_per_s"]) == (None, 0.0)
            assert then["usage"]["prompt_tokens"] == 80
            assert then["results_file"] == f"files/batch-{job.id}"
            assert then["results_bytes"] > 0

    run(main)


def test_priority_and_name_change_and_nothing_else(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0)), clock) as house:
            job = await create(house, numbered(1), display_name="before")
            path = f"/api/v1/jobs/{job.id}"
            reply = await ask(house, "PATCH", path, {"priority": 7})
            assert (reply.json["priority"], reply.json["display_name"]) == (7, "before")
            reply = await ask(house, "PATCH", path, {"display_name": "after"})
            assert (reply.json["priority"], reply.json["display_name"]) == (7, "after")
            for wrong, place in (
                ({}, "body"),
                ({"priority": "7"}, "priority"),
                ({"priority": 2**70}, "priority"),
                ({"state": "DONE"}, "state"),
                (b"{", ""),
            ):
                reply = await ask(house, "PATCH", path, wrong)
                assert reply.status == 400, wrong
                assert place in reply.json["error"]["message"]
            await house.jobs.cancel("default", job.id)
            reply = await ask(house, "PATCH", path, {"priority": 1})
            assert (reply.status, reply.json["error"]["reason"]) == (409, "CONFLICT")

    run(main)


def test_cancel_delete_and_a_job_that_is_not_there(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0)), clock) as house:
            job = await create(house, numbered(3))
            cancelled = await post(house, f"/jobs/{job.id}:cancel")
            assert cancelled.json["state"] == "CANCELLED"
            assert cancelled.json["error"]["code"] == "CANCELLED"
            assert (await post(house, f"/jobs/{job.id}:cancel")).json["state"] == "CANCELLED", "harmless"
            assert (await ask(house, "DELETE", f"/api/v1/jobs/{job.id}")).json == {}
            for path in ("", "/results", "/results?follow=1", "/events", "/requests", "/violations"):
                gone = await get(house, f"/jobs/{job.id}{path}")
                assert gone.status == 404, path
                assert gone.json["error"]["reason"] == "JOB_NOT_FOUND"
                assert job.id in gone.json["error"]["message"]

    run(main)


def test_hold_stops_after_the_canary_and_approve_goes_on(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=2)

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(100))
            await clock.sleep(10.5)
            held = await post(house, f"/jobs/{job.id}:hold")
            assert held.json["held"]
            await clock.sleep(30)
            now = (await get(house, f"/jobs/{job.id}")).json
            done = now["counts"]["succeeded"]
            assert 20 <= done <= 23, "those under way came to their end"
            assert (now["state"], now["estimated_completion"]) == ("RUNNING", None)
            assert "approve" in now["waiting_reason"]
            await clock.sleep(30)
            assert (await get(house, f"/jobs/{job.id}")).json["counts"]["succeeded"] == done

            assert not (await post(house, f"/jobs/{job.id}:approve")).json["held"]
            await clock.sleep(10)
            now = (await get(house, f"/jobs/{job.id}")).json
            assert now["waiting_reason"] == ""
            assert now["rate_per_s"] == pytest.approx(2, rel=0.2), "the pause does not count"
            assert (await post(house, f"/jobs/{job.id}:approve")).status == 409
            await ended(house, job)
            assert (await post(house, f"/jobs/{job.id}:hold")).status == 409

    run(main)


def test_retry_makes_a_job_of_what_failed(tmp_path: Path, clock: VirtualClock) -> None:
    no = trouble(TroubleKind.REQUEST, "not this one")
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, no if text == "text 1" and nth == 1 else None))

    async def main() -> None:
        async with running(tmp_path, engine, clock) as house:
            job = await create(house, numbered(6))
            early = await post(house, f"/jobs/{job.id}:retry")
            assert (early.status, early.json["error"]["code"]) == (409, "FAILED_PRECONDITION")
            await ended(house, job)
            made = (await post(house, f"/jobs/{job.id}:retry")).json
            assert made["retry_of"] == job.id
            assert made["id"] != job.id
            again = await ended(house, made["id"])
            assert (again.counts.total, again.counts.succeeded) == (1, 1)

    run(main)


async def refusal(house: House, method: str, path: str) -> tuple[int, str]:
    reply = await ask(house, method, path)
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"code", "message", "reason", "violations"}
    return reply.status, reply.json["error"]["reason"]


def test_what_is_asked_wrongly_is_refused_in_words(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            for path in (
                "/api/v1/jobs?state=DONE",
                "/api/v1/jobs?sate=RUNNING",
                "/api/v1/jobs?page_size=0",
                "/api/v1/jobs?page_size=many",
                "/api/v1/jobs?page_token=%00",
                "/api/v1/engines?x=1",
            ):
                assert await refusal(house, "GET", path) == (400, "INVALID_ARGUMENT"), path
            assert await refusal(house, "GET", "/api/v1/nothing") == (404, "NO_SUCH_METHOD")
            assert await refusal(house, "GET", "/api/v1/") == (404, "NO_SUCH_METHOD")
            assert await refusal(house, "PUT", "/api/v1/jobs") == (405, "NO_SUCH_METHOD")
            reply = await ask(house, "PUT", "/api/v1/jobs/x")
            assert reply.headers["allow"] == "GET, PATCH, DELETE"
            assert (await ask(house, "GET", "/api/v1/jobs/")).status == 200

    run(main)


def test_keys_and_tenants(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock, lambda text, nth: Play(60.0)), clock) as house:
            assert (await get(house, "/jobs", headers={"origin": "http://evil.example"})).status == 403
            _, anna = await house.keys.create("anna", "")
            _, bert = await house.keys.create("bert", "his key")
            job = await create(house, numbered(1), tenant="anna")
            assert (await get(house, "/jobs")).status == 401
            assert (await get(house, "/jobs", headers={"authorization": "Bearer nonsense"})).status == 401
            mine, his = {"authorization": f"Bearer {anna}"}, {"x-goog-api-key": bert}
            assert len((await get(house, "/jobs", headers=mine)).json["jobs"]) == 1
            assert (await get(house, "/jobs", headers=his)).json["jobs"] == []
            for path in ("", "/results", "/events", "/requests", "/violations"):
                foreign = await get(house, f"/jobs/{job.id}{path}", headers=his)
                assert foreign.status == 404, path
                missing = await get(house, f"/jobs/{'0' * 36}{path}", headers=his)
                assert foreign.body.replace(job.id.encode(), b"0" * 36) == missing.body
            for verb in ("cancel", "hold", "approve", "retry"):
                assert (await post(house, f"/jobs/{job.id}:{verb}", headers=his)).status == 404, verb
            assert (await ask(house, "DELETE", f"/api/v1/jobs/{job.id}", headers=his)).status == 404
            keys = (await get(house, "/keys", headers=his)).json
            assert (keys["tenant"], keys["required"]) == ("bert", True)
            assert [key["name"] for key in keys["keys"]] == ["his key"]
            assert bert not in str(keys)

    run(main)
