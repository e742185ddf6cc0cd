"""What happens to requests on their way to an engine: whole jobs, in virtual time."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, JobState
from backburner.core.limits import ATTEMPTS, WINDOW_BYTES, WINDOW_REQUESTS
from backburner.policy.retry import OPERATOR_WAIT_S
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, virtually

SEEDS = pytest.mark.parametrize("seed", range(4))


@SEEDS
@virtually
async def test_results_come_in_input_order_each_exactly_once(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    engine = ScriptedEngine(clock, lambda text, nth: Play(chance.random() * 5), slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job, found = await run_to_end(house, numbered(200))
    assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(200, 200, 0))
    assert found == [{"key": f"k{n}", "response": f"text {n}"} for n in range(200)]
    finished = [made.text for made in engine.calls]
    assert sorted(finished) == sorted(f"text {n}" for n in range(200)), "and each was called once"


@virtually
async def test_calls_stay_within_the_engines_slots_and_use_them_all(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=8)
    async with running(tmp_path, engine, clock) as house:
        await run_to_end(house, numbered(80))
    assert engine.most_in_flight == 8
    assert clock.monotonic() < 11.5, "80 calls of 1 s on 8 slots take 10 s"


@virtually
async def test_of_keys_that_repeat_each_request_has_its_own_result(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        _, found = await run_to_end(house, [b"same|one", b"same|two", b"same|one"])
    assert found == [{"key": "same", "response": text} for text in ("one", "two", "one")]


@virtually
async def test_a_job_ends_as_soon_as_its_last_answer_is_there(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5))
    async with running(tmp_path, engine, clock) as house:
        await run_to_end(house, numbered(4))
    assert clock.monotonic() < 0.6


# Retries


@SEEDS
@virtually
async def test_transient_trouble_is_tried_again_after_a_growing_wait(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    fails = trouble(TroubleKind.TRANSIENT)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, fails if nth < ATTEMPTS else None))
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job, found = await run_to_end(house, numbered(10))
    assert job.counts == Counts(10, 10, 0)
    assert found == [{"key": f"k{n}", "response": f"text {n}"} for n in range(10)]
    assert set(engine.tries.values()) == {ATTEMPTS}
    starts = [made.started_at for made in engine.calls if made.text == "text 0"]
    assert starts[-1] - starts[0] <= sum(0.5 * 2**n for n in range(ATTEMPTS)) + 10
    assert len(set(starts)) == ATTEMPTS


@virtually
async def test_a_request_that_fails_every_time_is_given_up_with_the_reason(
    tmp_path: Path, clock: VirtualClock
) -> None:
    broken = trouble(TroubleKind.TRANSIENT, "the upstream is on fire")
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, broken if text == "text 3" else None))
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, numbered(6))
    assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(6, 5, 1))
    assert found[3] == {
        "key": "k3",
        "error": {"code": 14, "message": f"the upstream is on fire (gave up after {ATTEMPTS} tries)"},
    }
    assert engine.tries["text 3"] == ATTEMPTS
    assert sum(engine.tries.values()) == ATTEMPTS + 5


@virtually
async def test_a_request_that_the_engine_refuses_is_not_repeated(tmp_path: Path, clock: VirtualClock) -> None:
    refusal = trouble(TroubleKind.REQUEST, "no such field")
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, refusal))
    async with running(tmp_path, engine, clock) as house:
        job, found = await run_to_end(house, numbered(3))
    assert job.counts == Counts(3, 0, 3)
    assert len(engine.calls) == 3
    assert "no such field" in str(found[0]["error"])


@virtually
async def test_a_busy_engine_costs_no_attempt_however_long_it_is_busy(
    tmp_path: Path, clock: VirtualClock
) -> None:
    busy = trouble(TroubleKind.BUSY, "slow down", status=429)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, busy if nth <= 3 * ATTEMPTS else None))
    async with running(tmp_path, engine, clock) as house:
        job, _ = await run_to_end(house, numbered(4))
    assert job.counts == Counts(4, 4, 0)


@virtually
async def test_retry_after_closes_the_door_of_the_engine_for_everyone(
    tmp_path: Path, clock: VirtualClock
) -> None:
    busy = trouble(TroubleKind.BUSY, "come back", retry_after_s=30.0)
    engine = ScriptedEngine(
        clock, lambda text, nth: Play(0.1, busy if clock.monotonic() < 1.0 else None), slots=4
    )
    async with running(tmp_path, engine, clock) as house:
        await run_to_end(house, numbered(50))
    starts = [made.started_at for made in engine.calls]
    closed_at = max(at for at in starts if at < 1.0)
    assert not [at for at in starts if closed_at + 0.2 < at < 30.0], "nobody calls while the door is closed"
    assert max(engine.tries.values()) == 2


@virtually
async def test_what_the_operator_must_mend_keeps_the_job_running_with_the_reason_shown(
    tmp_path: Path, clock: VirtualClock
) -> None:
    key = trouble(TroubleKind.OPERATOR, "the upstream does not know our key")
    mended_at = 20 * OPERATOR_WAIT_S
    engine = ScriptedEngine(
        clock, lambda text, nth: Play(0.1, key if clock.monotonic() < mended_at else None)
    )
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(5))
        for _ in range(20):
            await clock.sleep(OPERATOR_WAIT_S / 3)
            assert (await house.jobs.get("default", job.id)).state is JobState.RUNNING
            assert house.jobs.reason(job) == "the upstream does not know our key"
        job = await ended(house, job)
    assert job.counts == Counts(5, 5, 0)


@virtually
async def test_a_model_that_nothing_serves_any_more_waits_and_says_so(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        engine.serves = True
        job = await create(house, numbered(2000))
        engine.serves = False
        await clock.sleep(100)
        assert house.jobs.reason(job) == "no engine serves the model m"
        engine.serves = True
        assert (await ended(house, job)).counts == Counts(2000, 2000, 0)
        assert house.jobs.reason(job) == ""


# What is held in memory


@virtually
async def test_the_window_is_bounded_in_requests(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, slots=16)
    held: list[int] = []
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(10_000))
        run = house.board.runs[job.id]
        while not run.job.ended:
            held.append(run.window.held_count)
            await clock.sleep(0)
    assert 0 < max(held) <= WINDOW_REQUESTS


@virtually
async def test_a_dead_engine_does_not_have_the_job_read_into_memory(
    tmp_path: Path, clock: VirtualClock
) -> None:
    down = trouble(TroubleKind.OPERATOR, "down")
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.001, down), slots=64)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, numbered(20_000))
        run = house.board.runs[job.id]
        for _ in range(100):
            await clock.sleep(1.0)
            assert run.window.held_count + len(run.in_flight) <= WINDOW_REQUESTS + 64
        assert len(engine.tries) > WINDOW_REQUESTS // 4
        await house.jobs.cancel("default", job.id)


@virtually
async def test_the_window_is_bounded_in_bytes(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=2)
    long = b"x" * (WINDOW_BYTES // 8)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, [b"k%d|%s" % (n, long) for n in range(24)])
        window, most = house.board.runs[job.id].window, 0
        while not (await house.jobs.get("default", job.id)).ended:
            assert abs(window.held_bytes - window.held_count * len(long)) < 5 * 24
            most = max(most, window.held_bytes)
            await clock.sleep(0.25)
    assert WINDOW_BYTES // 4 < most <= WINDOW_BYTES


# Many jobs


@virtually
async def test_a_short_job_does_not_wait_behind_a_long_one(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        long = await create(house, numbered(400))
        await clock.sleep(5)
        began = clock.monotonic()
        await ended(house, await create(house, numbered(8, start=1000)))
        assert clock.monotonic() - began < 4
        assert not (await house.jobs.get("default", long.id)).ended


@virtually
async def test_a_tenant_with_a_large_job_does_not_starve_another(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(200), tenant="large")
        job = await create(house, numbered(200, start=1000), tenant="other")
        await clock.sleep(20)
        shares = Counter(int(made.text.split()[1]) >= 1000 for made in engine.calls)
        assert abs(shares[True] - shares[False]) <= 8
        assert not (await house.jobs.get("other", job.id)).ended


@virtually
async def test_a_thousand_small_jobs_at_once_all_complete(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=64)
    async with running(tmp_path, engine, clock) as house:
        jobs = [await create(house, numbered(2, start=2 * n)) for n in range(1000)]
        assert clock.monotonic() < 1.0, "no job has ended yet"
        for job in jobs:
            assert (await ended(house, job)).counts == Counts(2, 2, 0)
        assert house.board.runs == {}, "nothing of them stays in memory"
    assert (len(engine.calls), engine.repeats) == (2000, 0)


# Turns of calls that are not in any job (flex)


@virtually
async def test_a_flex_call_waits_for_a_slot_at_batch_priority(tmp_path: Path, clock: VirtualClock) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=2)
    async with running(tmp_path, engine, clock) as house:
        await create(house, numbered(100))
        await clock.sleep(3.5)
        route = house.routes.find("m")
        assert route is not None
        before = clock.monotonic()
        seat = await house.slots.enter(route, flex=True)
        assert 0 < clock.monotonic() - before <= 1.0
        await clock.sleep(2.5)  # between the ends of calls
        assert len(engine.in_flight) == 1, "its slot is taken"
        seat.leave(None, whole=True)
        await clock.sleep(2.2)  # likewise
        assert len(engine.in_flight) == 2


@SEEDS
@virtually
async def test_a_caller_who_hangs_up_while_waiting_for_a_turn_leaves_no_slot_taken(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    engine = ScriptedEngine(clock, slots=2)
    async with running(tmp_path, engine, clock) as house:
        await run_to_end(house, numbered(1))
        route = house.routes.find("m")
        assert route is not None
        for steps in range(12):  # hang up at every moment of it, the one of being given the slot included
            waiter = asyncio.ensure_future(house.slots.enter(route, flex=True))
            for _ in range(steps):
                await asyncio.sleep(0)
            waiter.cancel()
            if (await asyncio.gather(waiter, return_exceptions=True))[
                0
            ].__class__ is not asyncio.CancelledError:
                waiter.result().leave(None, whole=False)
        assert house.slots.paces[route.lane].in_flight == 0


# Bugs


@virtually
async def test_a_bug_of_ours_costs_one_request_and_is_said_aloud(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        plain = house.dialects["plain"]
        answered = plain.answered

        def broken(line: bytes, *rest: object) -> object:
            if line.startswith(b"k1|"):
                raise KeyError("oops")
            return answered(line, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(plain, "answered", broken)
        job, found = await run_to_end(house, numbered(3))
    assert job.counts == Counts(3, 2, 1)
    assert "a bug of its own" in str(found[1]["error"])
    assert "event=request_broken" in caplog.text
    assert "text 1" not in caplog.text, "prompts stay out of the log"


@virtually
async def test_a_bug_in_the_dispatcher_breaks_the_house_instead_of_hanging_a_job(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1, trouble(TroubleKind.TRANSIENT)))
    with pytest.raises(KeyError, match="oops"):
        async with running(tmp_path, engine, clock) as house:

            def broken(*_: object) -> object:
                raise KeyError("oops")

            monkeypatch.setattr(house.dialects["plain"], "trouble_code", broken)
            await run_to_end(house, numbered(1))
