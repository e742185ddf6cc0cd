"""Identical requests whose answer is determined run once, and each has its own outcome."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from backburner.core.exchange import TroubleKind
from backburner.core.job import Counts, Job, JobState
from backburner.core.request import Saved, Usage
from backburner.house import House
from backburner.store import followers
from backburner.work import duplicates as work
from backburner.work import feed, intake
from tests.doubles.crash import Crash
from tests.doubles.scripted_engine import Play, ScriptedEngine, trouble
from tests.doubles.small_house import create, ended, results, run_to_end, running
from tests.doubles.survival import open_attempts, survived
from tests.doubles.virtual_time import VirtualClock, run

LINES = [b"a|=red", b"b|=blue", b"c|=red", b"d|red", b"e|red", b"f|=red"]


def engine_that(play: Callable[[str, int], Play], slots: int = 4) -> ScriptedEngine:
    return ScriptedEngine(VirtualClock(), play, slots)


def story(
    tmp_path: Path, engine: ScriptedEngine, lines: list[bytes], **draft: object
) -> tuple[Job, list[object]]:
    """A job run to its end, and what each of its requests was answered or why it was not."""
    found: list[tuple[Job, list[dict[str, object]]]] = []

    async def main() -> None:
        async with running(tmp_path / "data", engine) as house:
            found.append(await run_to_end(house, lines, **draft))

    run(main)
    [(job, made)] = found
    assert [x["key"] for x in made] == [line.partition(b"|")[0].decode() for line in lines]
    return job, [x.get("response") or x["error"] for x in made]


def reused(tmp_path: Path) -> dict[int, int]:
    """Ordinal -> the one whose answer it has."""
    [path] = (tmp_path / "data").glob("jobs/*/ledger.db")
    db = sqlite3.connect(path)
    rows = db.execute("SELECT ordinal, reused_from FROM outcome WHERE reused_from IS NOT NULL").fetchall()
    db.close()
    return dict(rows)


def test_they_run_once_and_each_has_its_own_outcome_at_no_cost(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(1.0))
    job, answers = story(tmp_path, engine, LINES)
    assert sorted(made.text for made in engine.calls) == ["=blue", "=red", "red", "red"]
    assert answers == ["=red for a", "=blue for b", "=red for c", "red", "red", "=red for f"]
    assert (job.counts, job.usage) == (Counts(6, 6, 0), Usage(8, 0, 4)), "spent by four calls"
    assert job.saved == Saved(2, Usage(4, 0, 2))
    assert reused(tmp_path) == {2: 0, 5: 0}


def test_a_job_may_want_each_of_them_asked(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(0.1))
    job, answers = story(tmp_path, engine, LINES, reuse_duplicates=False)
    assert (len(engine.calls), job.saved) == (6, Saved())
    assert answers[5] == "=red for f"


def test_jobs_share_nothing(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(0.1))

    async def main() -> None:
        async with running(tmp_path, engine) as house:
            for tenant, model in (("default", "m"), ("default", "n"), ("other", "m")):
                job = await create(house, [b"a|=red", b"b|=red"], tenant=tenant, model=model)
                await ended(house, job, tenant)

    run(main)
    assert [made.text for made in engine.calls] == ["=red"] * 3


REFUSED = trouble(TroubleKind.REQUEST)
SAME = [b"k%d|=red" % n for n in range(10)]


def test_a_leader_that_fails_is_followed_by_the_next(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(0.1, REFUSED if nth == 1 else None))
    job, answers = story(tmp_path, engine, SAME)
    assert (len(engine.calls), job.counts) == (2, Counts(10, 9, 1))
    assert "no" in str(answers[0])
    assert answers[1:] == [f"=red for k{n}" for n in range(1, 10)]


def test_after_a_second_failure_everyone_runs_for_itself(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(1.0, REFUSED if nth <= 2 else None))
    job, _ = story(tmp_path, engine, SAME)
    assert (len(engine.calls), job.counts, job.saved) == (10, Counts(10, 8, 2), Saved())
    assert engine.most_in_flight == 4, "and nobody waits any more"


@pytest.mark.parametrize("finish", ["length", "content_filter", ""])
def test_an_answer_that_is_not_complete_is_nobody_elses(tmp_path: Path, finish: str) -> None:
    engine = engine_that(lambda text, nth: Play(0.1, finish=finish))
    job, _ = story(tmp_path, engine, SAME)
    assert (len(engine.calls), job.counts) == (10, Counts(10, 10, 0))


def test_a_leader_that_is_tried_again_still_leads(tmp_path: Path) -> None:
    busy = trouble(TroubleKind.BUSY)
    engine = engine_that(lambda text, nth: Play(0.1, busy if nth <= 3 else None))
    job, _ = story(tmp_path, engine, SAME)
    assert (len(engine.calls), job.saved.calls) == (4, 9)


def test_more_followers_than_a_commit_takes_still_cost_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "FOLLOWERS_MOST", 7)
    monkeypatch.setattr(followers, "RELEASED_MOST", 10)
    monkeypatch.setattr(work, "PAGE_ROWS", 13)
    engine = engine_that(lambda text, nth: Play(0.1))
    job, answers = story(tmp_path, engine, [b"k%d|=t%d" % (n, n % 3) for n in range(100)])
    assert (len(engine.calls), job.counts) == (3, Counts(100, 100, 0))
    assert answers == [f"=t{n % 3} for k{n}" for n in range(100)]
    assert set(reused(tmp_path).values()) == {0, 1, 2}, "all from the one that was asked"


def test_cancelled_while_they_wait_followers_are_cancelled(tmp_path: Path) -> None:
    engine = engine_that(lambda text, nth: Play(100.0))

    async def main() -> None:
        async with running(tmp_path, engine) as house:
            job = await create(house, SAME)
            await house.clock.sleep(1.0)
            await house.jobs.cancel("default", job.id)
            job = await ended(house, job)
            assert (job.state, job.counts) == (JobState.CANCELLED, Counts(10, 0, 0))
            assert len(engine.calls) == 1

    run(main)


# Killed at any moment


@pytest.mark.parametrize("seed", range(30))
def test_killed_at_any_moment_every_follower_has_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Crashes while duplicates are looked for, while a leader is asked, between its answer and those of the rest."""
    monkeypatch.setattr(intake, "SCAN_CHUNK_BYTES", 100)
    monkeypatch.setattr(feed, "WINDOW_REQUESTS", 8)
    monkeypatch.setattr(followers, "FOLLOWERS_MOST", 5)
    monkeypatch.setattr(followers, "RELEASED_MOST", 6)
    monkeypatch.setattr(work, "PAGE_ROWS", 7)
    count, texts = 60, 9
    lines = [b"k%d|=t%d" % (n, n % texts) for n in range(count)]

    chance = random.Random(seed)

    def live(folder: Path, left: Path, at: int | None, engine: ScriptedEngine, jobs: list[str]) -> Crash:
        crash = Crash(folder, left, at, engine.unplug)

        async def main(house: House) -> None:
            if not jobs:
                job = await create(house, lines)
                jobs.extend([] if crash.happened else [job.id])
            for name in jobs:
                done = await ended(house, name)
                assert (done.state, done.counts.total, done.counts.failed <= 1) == (
                    JobState.SUCCEEDED,
                    count,
                    True,
                )
                for n, found in enumerate(await results(house, done)):
                    assert found["key"] == f"k{n}"
                    assert "error" in found or found["response"] == f"=t{n % texts} for k{n}"

        survived(crash, folder, engine, main, seed)
        return crash

    def play(text: str, nth: int) -> Play:
        return Play(chance.choice((0.0, 0.1, 1.0)), REFUSED if text == "=t4" and nth == 1 else None)

    length = live(tmp_path / "measured", tmp_path / "none", None, engine_that(play), []).moments
    engine, jobs = engine_that(play), list[str]()
    crash = live(tmp_path / "data", tmp_path / "left", chance.randrange(10, length), engine, jobs)
    again = open_attempts(crash.left)
    live(crash.left, tmp_path / "none", None, engine, jobs)
    # one more for the text that was refused, and for each group of which a commit before the crash had only a part
    assert len(engine.calls) <= texts + 1 + again + 2
