"""Jobs that follow others: start when all have succeeded, fail with the reason when one cannot, over restarts too."""

from pathlib import Path
from typing import Any

import pytest

from backburner.core.errors import InvalidArgument
from backburner.core.job import Job, JobState
from backburner.core.limits import JOB_EXPIRY_S
from backburner.house import House
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, running
from tests.doubles.virtual_time import VirtualClock, run
from tests.unit.api.native.asked import ask, get, post


async def waiting(house: House, job: Job) -> str:
    return (await get(house, f"/jobs/{job.id}")).json["waiting_reason"]


def slow(clock: VirtualClock) -> ScriptedEngine:
    return ScriptedEngine(clock, lambda text, nth: Play(10.0), slots=4)


def test_a_job_starts_when_the_others_have_succeeded(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, slow(clock), clock) as house:
            first = await create(house, numbered(1))
            second = await create(house, numbered(8))
            third = await create(house, numbered(1), after=(f"batches/{first.id}", f"batch_{second.id}"))
            await clock.sleep(1)
            assert await waiting(house, third) == f"waits for batches/{first.id} and 1 more to succeed"
            await ended(house, first)
            await house.jobs.delete("default", first.id)  # what has succeeded may go
            await clock.sleep(0.1)
            assert await waiting(house, third) == f"waits for batches/{second.id} to succeed"
            before = await ended(house, second)
            after = await ended(house, third)
            assert (after.state, after.after) == (JobState.SUCCEEDED, (first.id, second.id))
            assert after.started_at is not None and before.ended_at is not None
            assert 0 <= after.started_at - before.ended_at < 1

    run(main)


def test_one_that_fails_fails_the_whole_chain_behind_it(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, slow(clock), clock) as house:
            first = await create(house, numbered(8))
            second = await create(house, numbered(1), after=(first.id,))
            third = await create(house, numbered(1), after=(second.id,))
            await clock.sleep(1)
            await house.jobs.cancel("default", first.id)
            for job, cause, state in ((second, first, "CANCELLED"), (third, second, "FAILED")):
                found = await ended(house, job)
                assert found.state is JobState.FAILED and found.error is not None
                assert found.error.message.startswith(
                    f"batches/{cause.id}, which this job was to follow, ended as {state}: "
                )
                assert found.counts.total == 1 and found.results_blob is not None, (
                    "it is published like any other"
                )

    run(main)


def test_it_waits_over_a_restart_and_sees_what_ended_meanwhile(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        engine = slow(clock)
        async with running(tmp_path, engine, clock) as house:
            first = await create(house, numbered(4))
            second = await create(house, numbered(1), after=(first.id,))
            await clock.sleep(1)
        async with running(tmp_path, engine, clock) as house:
            assert (await ended(house, second)).state is JobState.SUCCEEDED
            third = await create(house, numbered(1), after=(second.id,))
            assert third.waits_for == ()
            fourth = await create(house, numbered(4))
            fifth = await create(house, numbered(1), after=(fourth.id,))
            house.board.listeners.clear()  # as if the service were killed between the two moves
            await house.jobs.cancel("default", fourth.id)
            await clock.sleep(1)
        async with running(tmp_path, engine, clock) as house:
            assert (await ended(house, fifth)).state is JobState.FAILED

    run(main)


def test_its_own_time_begins_when_it_may_start(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        engine = ScriptedEngine(clock, lambda text, nth: Play(10.0 if nth else 0.0), slots=4)
        async with running(tmp_path, engine, clock) as house:
            first = await create(house, numbered(200), window_s=30 * 86400.0)
            await house.jobs.hold("default", first.id)
            second = await create(house, numbered(1), after=(first.id,))
            clock.skew_s = 1.5 * JOB_EXPIRY_S
            await clock.sleep(60)
            assert not (await house.jobs.get("default", second.id)).ended
            await house.jobs.approve("default", first.id)
            found = await ended(house, second)
            assert found.state is JobState.SUCCEEDED
            assert found.expire_at - second.expire_at >= 1.5 * JOB_EXPIRY_S

    run(main)


def test_only_jobs_that_exist_and_can_succeed_can_be_followed(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, slow(clock), clock) as house:
            foreign = await create(house, numbered(4), tenant="other")
            dead = await create(house, numbered(4))
            await house.jobs.cancel("default", dead.id)
            with pytest.raises(InvalidArgument) as refused:
                await create(house, numbered(1), after=(foreign.id, "batches/nothing", dead.id))
            assert [(x.path, x.reason.split(",")[0]) for x in refused.value.violations] == [
                ("after[0]", f"there is no job {foreign.id!r}"),
                ("after[1]", "there is no job 'batches/nothing'"),
                ("after[2]", f"batches/{dead.id}"),
            ]

    run(main)


def test_every_door_takes_jobs_to_follow(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, slow(clock), clock) as house:
            first = await create(house, numbered(4))
            line = {"key": "a", "request": {"contents": [{"parts": [{"text": "hi"}]}]}}
            asked = {"model": "m", "requests": [line], "after": [first.id], "display_name": "mine"}
            made = await post(house, "/jobs", asked)
            assert (made.status, made.json["waits_for"], made.json["display_name"]) == (
                200,
                [first.id],
                "mine",
            )
            again = await post(
                house, "/jobs", {**asked, "after": ["x"], "webhook": {"uris": ["http://10.0.0.1/"]}}
            )
            assert [x["path"] for x in again.json["error"]["violations"]] == ["webhook.uris[0]", "after[0]"]

            body: dict[str, Any] = {"inputConfig": {"requests": {"requests": [{"request": line["request"]}]}}}
            path = "/v1beta/models/m:batchGenerateContent"
            header = {"x-backburner-after": f"batches/{first.id}, {made.json['id']}"}
            gemini = await ask(house, "POST", path, {"batch": body}, header)
            assert gemini.json["metadata"]["after"] == [f"batches/{first.id}", f"batches/{made.json['id']}"]
            gemini = await ask(house, "POST", path, {"batch": {**body, "after": [first.id]}})
            assert gemini.json["metadata"]["waitingReason"] == f"waits for batches/{first.id} to succeed"

            params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
            batch = {"requests": [{"custom_id": "a", "params": params}]}
            header = {"x-backburner-after": first.id, "anthropic-version": "2023-06-01"}
            made = await ask(house, "POST", "/anthropic/v1/messages/batches", batch, header)
            id_ = made.json["id"].removeprefix("msgbatch_")
            assert (await get(house, f"/jobs/{id_}")).json["waits_for"] == [first.id]

    run(main)


def test_a_job_made_here_in_openais_dialect_is_a_batch_of_its_api(
    tmp_path: Path, clock: VirtualClock
) -> None:
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    request = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat}
    asked: dict[str, Any] = {"model": "m", "dialect": "openai", "requests": [request]}

    async def main() -> None:
        async with running(tmp_path, slow(clock), clock) as house:
            made = await post(house, "/jobs", asked)
            assert made.status == 200
            shown = await ask(house, "GET", f"/openai/v1/batches/batch_{made.json['id']}")
            told = [shown.json[name] for name in ("endpoint", "completion_window", "input_file_id")]
            file = made.json["input_file"].removeprefix("files/")
            assert told == ["/v1/chat/completions", "86400s", f"file-{file}"]
            assert (await ended(house, made.json["id"])).counts.succeeded == 1
            count = len((await get(house, "/files")).json["files"])
            assert (await post(house, "/jobs", {**asked, "requests": [{"custom_id": "a"}]})).status == 400
            assert len((await get(house, "/files")).json["files"]) == count, "its input went with it"

    run(main)
