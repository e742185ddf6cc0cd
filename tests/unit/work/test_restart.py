"""Killed at any moment and started again: every acknowledged job completes, each request has one outcome, and only
what was in flight is made again."""

import random
from pathlib import Path

import pytest

from backburner.core.job import Counts, Job, JobState, OnInvalid
from backburner.core.limits import ATTEMPTS
from backburner.house import House
from backburner.policy.retry import FREE_DEATHS
from backburner.work import feed, intake
from tests.doubles.crash import Crash
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import create, ended, numbered, results, running, upload
from tests.doubles.survival import open_attempts, survived
from tests.doubles.virtual_time import VirtualClock, run

SLOTS = 4
COUNT = 60


class Story:
    """Jobs on a folder, over any number of crashes. What the doubles remember is what the world has seen: the
    engine its calls, `acknowledged` the jobs a client was told of."""

    def __init__(self, tmp_path: Path, seed: int) -> None:
        self.folder = tmp_path / "data0"
        self._tmp_path = tmp_path
        self._seed = seed
        self._lives = 0
        tmp_path.mkdir(exist_ok=True)
        chance = random.Random(seed)
        self.engine = ScriptedEngine(
            VirtualClock(), lambda text, nth: Play(chance.choice((0.0, 0.1, 1.0))), slots=SLOTS
        )
        self.acknowledged: list[str] = []
        self.made_again = 0

    def live(self, at: int | None) -> int:
        """One life of the service, which ends at a moment or, at None, with all jobs done. Its length in moments."""
        crash = Crash(self.folder, self._tmp_path / f"data{self._lives + 1}", at, self.engine.unplug)

        def acknowledge(job: Job) -> None:
            if not crash.happened:
                self.acknowledged.append(job.id)

        async def main(house: House) -> None:
            if not self._lives:
                acknowledge(await create(house, numbered(COUNT)))
                file = await upload(house, b"\n".join(numbered(COUNT, start=COUNT)))
                acknowledge(await create(house, None, file_id=file, on_invalid=OnInvalid.SKIP))
            for job in self.acknowledged:
                await ended(house, job)

        if not survived(crash, self.folder, self.engine, main, self._seed):
            self.folder = crash.left
            self.made_again += open_attempts(self.folder)
        self._lives += 1
        return crash.moments

    def check(self) -> None:
        """In a last life in peace: every promise about what a client was told of."""

        async def main() -> None:
            async with running(self.folder, self.engine) as house:
                known = {job.id for job in (await house.jobs.list("default", None, None)).items}
                assert known.issuperset(self.acknowledged), "nothing acknowledged is lost"
                for id_ in known:
                    job = await ended(house, id_)
                    start = 0 if job.input_name is None else COUNT
                    assert (job.state, job.counts) == (JobState.SUCCEEDED, Counts(COUNT, COUNT, 0))
                    assert await results(house, job) == [
                        {"key": f"k{n}", "response": f"text {n}"} for n in range(start, start + COUNT)
                    ]
                blobs = {job.results_blob for job in (await house.jobs.list("default", None, None)).items}
                inputs = {job.input_blob for job in (await house.jobs.list("default", None, None)).items}
                kept = set(house.stores.blobs.all())
                assert blobs <= kept
                extra = kept - blobs - inputs
                assert len(extra) <= 1, "at most an upload that no job came to use"
                assert set(house.stores.ledgers.all()) == known

        run(main)
        assert self.engine.repeats <= self.made_again, "only what was in flight is made again"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SCAN_CHUNK_BYTES", 100)
    monkeypatch.setattr(feed, "WINDOW_REQUESTS", 20)


@pytest.mark.parametrize("seed", range(40))
def test_killed_at_any_moment_every_job_completes(tmp_path: Path, seed: int) -> None:
    length = Story(tmp_path / "measured", 0).live(None)
    story = Story(tmp_path / "killed", seed)
    story.live(random.Random(seed).randrange(10, length))
    story.check()


@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_every_job_completes(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    story = Story(tmp_path, seed)
    story.live(1500 + chance.randrange(500))
    for _ in range(8):
        story.live(200 + chance.randrange(1200))
    story.check()


def test_a_request_that_takes_the_whole_service_down_is_given_up_in_the_end(tmp_path: Path) -> None:
    folder, lives, jobs = tmp_path / "data0", 0, []

    def play(text: str, nth: int) -> Play:
        if text == "text 7":
            crash.strike()
        return Play(0.1)

    engine = ScriptedEngine(VirtualClock(), play, slots=SLOTS)
    crash = Crash(folder, tmp_path / "data1", None, engine.unplug)

    async def main(house: House) -> None:
        if not jobs:
            jobs.append((await create(house, numbered(20))).id)
        job = await ended(house, jobs[0])
        assert job.counts == Counts(20, 19, 1)
        found = await results(house, job)
        assert "went down 7 times while this request was running" in str(found[7]["error"])
        assert all(found[n]["response"] == f"text {n}" for n in range(20) if n != 7)

    while not survived(crash, folder, engine, main):
        lives += 1
        folder = crash.left
        crash = Crash(folder, tmp_path / f"data{lives + 1}", None, engine.unplug)
    assert lives == engine.tries["text 7"] == FREE_DEATHS + ATTEMPTS
    assert max(count for text, count in engine.tries.items() if text != "text 7") <= FREE_DEATHS + 1
