"""Reading ahead, in the order of the plan: nothing is read twice, nothing is left out, groups stay together."""

import itertools
import random
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, Job
from backburner.house import House
from backburner.work import feed, intake
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, numbered, results, running
from tests.doubles.virtual_time import VirtualClock, virtually

SEEDS = pytest.mark.parametrize("seed", range(4))


def grouped(count: int, groups: int) -> list[bytes]:
    """Requests of several prefixes, in no order."""
    return [b"k%d|~p%d text %d" % (n, (n * 7) % groups, n) for n in range(count)]


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "WINDOW_REQUESTS", 40)


@SEEDS
@pytest.mark.parametrize(
    "lines", [numbered(400), grouped(400, 5), grouped(400, 100)], ids=["plain", "5", "100"]
)
@virtually
async def test_every_request_is_read_and_called_exactly_once(
    tmp_path: Path, clock: VirtualClock, lines: list[bytes], seed: int
) -> None:
    chance = random.Random(seed)
    engine = ScriptedEngine(clock, lambda text, nth: Play(chance.choice((0.0, 0.01, 1.0))), slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job = await ended(house, await create(house, lines))
        assert [line["key"] for line in await results(house, job)] == [f"k{n}" for n in range(400)]
    assert (job.counts, engine.repeats) == (Counts(400, 400, 0), 0)


@SEEDS
@virtually
async def test_the_order_changes_in_the_middle_when_the_scan_ends_late(
    tmp_path: Path, clock: VirtualClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SCAN_CHUNK_BYTES", 300)
    chance = random.Random(seed)
    engine = ScriptedEngine(clock, lambda text, nth: Play(chance.choice((0.0, 0.0, 0.01))), slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job = await ended(house, await create(house, grouped(400, 5), check_first=False))
    assert (job.counts, engine.repeats) == (Counts(400, 400, 0), 0)


@SEEDS
@virtually
async def test_nor_is_one_read_twice_that_waits_to_be_tried_again(
    tmp_path: Path, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    fails = trouble(TroubleKind.TRANSIENT)

    def play(text: str, nth: int) -> Play:
        return Play(chance.random(), fails if nth == 1 and chance.random() < 0.5 else None)

    engine = ScriptedEngine(clock, play, slots=8)
    async with running(tmp_path, engine, clock, seed=seed) as house:
        job = await ended(house, await create(house, grouped(200, 4)))
    assert job.counts == Counts(200, 200, 0)
    answers = [made.text for made in engine.calls if made.ended == "answer"]
    assert len(answers) == len(set(answers)) == 200


@virtually
async def test_requests_of_one_prefix_run_side_by_side_and_results_stay_in_input_order(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(1.0), slots=4)
    async with running(tmp_path, engine, clock) as house:
        job = await ended(house, await create(house, grouped(200, 10)))
        assert [line["key"] for line in await results(house, job)] == [f"k{n}" for n in range(200)]
    prefixes = [made.text.split()[0] for made in engine.calls]
    changes = sum(one != other for one, other in itertools.pairwise(prefixes))
    assert changes < 60, f"{changes} changes of prefix; the order of the input has 199"


# Memory


async def most_held(house: House, jobs: list[Job]) -> tuple[int, int]:
    """The most that one window held, and all of them, until all jobs have ended."""
    one = everything = 0
    for job in jobs:
        while not (await house.jobs.get("default", job.id)).ended:
            held = [run.window.held_bytes for run in house.board.runs.values()]
            assert house.board.windows.held_bytes == sum(held)
            one, everything = max([one, *held]), max(everything, sum(held))
            await house.clock.sleep(0.05)
    assert house.board.windows.held_bytes == 0
    return one, everything


@virtually
async def test_a_canary_is_bounded_in_bytes_like_everything_that_is_read(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "WINDOW_BYTES", 10_000)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=50)
    async with running(tmp_path, engine, clock) as house:
        job = await create(house, [b"k%d|%d %s" % (n, n, b"x" * 1000) for n in range(3000)])
        one, _ = await most_held(house, [job])
        assert (await house.jobs.get("default", job.id)).counts == Counts(3000, 3000, 0)
    assert 5_000 < one <= 10_000
    canaries = [int(made.text.split()[0]) for made in engine.calls[:30]]
    assert canaries == sorted(canaries), "thirty spread over the input went first"
    assert (canaries[0], canaries[-1]) == (0, 2999)
    assert engine.repeats == 0


@virtually
async def test_the_windows_of_many_jobs_together_are_bounded_and_all_jobs_go_on(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "WINDOW_BYTES", 20_000)
    monkeypatch.setattr(feed, "WINDOWS_BYTES", 50_000)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.5), slots=20)
    async with running(tmp_path, engine, clock) as house:
        jobs = [
            await create(house, [b"k%d|%d.%d %s" % (n, job, n, b"x" * 1000) for n in range(30)])
            for job in range(30)
        ]
        one, everything = await most_held(house, jobs)
        for job in jobs:
            assert (await house.jobs.get("default", job.id)).counts == Counts(30, 30, 0)
    assert 5_000 < one <= 20_000
    assert everything <= 50_000 + 20_000 + 30 * 1_100, (
        "the bound, one window more, and a request for each job"
    )
    assert engine.repeats == 0
