"""One seed, from the first request to the last checker."""

import asyncio
import hashlib
import logging
from collections import defaultdict
from typing import cast

import msgspec

from tests.doubles.small_house import memory_folder
from tests.doubles.virtual_time import Deadlock, HotLoop, VirtualClock
from tests.sim import checkers, clients, insight
from tests.sim.clients import Client, Story
from tests.sim.faults import CALM, FaultyEngine, Made
from tests.sim.lives import LivesLoop, run, undisturbed
from tests.sim.scenario import CHAOS_S, Kill, Scenario
from tests.sim.service import Service, small_world

LOOK_EVERY = 400  # turns
SLACK_S = 0.5  # how long a choice may take to become a call, on a slow disk
BOUND_S = 1500.0  # when everything must be over: a call may hang for ten minutes, and be tried again


class Violation(msgspec.Struct, frozen=True):
    checker: str
    what: str
    at_s: float


class Report(msgspec.Struct, frozen=True):
    """What became of a seed. `digest` names the run: equal seeds have equal ones."""

    seed: int
    violations: tuple[Violation, ...]
    digest: str
    requests: int
    calls: int
    lives: int
    turns: int
    virtual_s: float


class Stop(Exception):
    """A promise is broken: nothing that follows is worth looking at."""


class World:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.clock = VirtualClock()
        self.engines = {
            name: FaultyEngine(name, scenario.seed, self._now, scenario.rates, scenario.slots)
            for name in scenario.engines
        }
        self.keys: dict[str, str] = {}
        self.stories = [Story(plan) for plan in scenario.jobs]
        self.by_id: dict[str, Story] = {}
        self.violations: list[Violation] = []
        self.paces: dict[tuple[str, str], tuple[float, int]] = {}  # the highest of late
        self.closed: dict[tuple[str, str, int], tuple[float, float]] = {}  # when it was said, and until when
        self.seen: defaultdict[str, dict[int, insight.Row]] = defaultdict(dict)
        self.runs: dict[str, insight.RunView] = {}
        self.states: dict[str, object] = {}
        self.listed: dict[str, list[dict[str, object]]] = {}
        self.slack_s = SLACK_S if scenario.disk_s else 0.0
        self._trace = hashlib.sha256()
        self.virtual_s = 0.0
        self._turn = 0
        self._instant = -1.0
        self._paces: dict[tuple[str, str], tuple[float, int]] = {}
        for engine in self.engines.values():
            engine.on_call.append(self._call_begins)
            engine.on_end.append(self._call_ended)

    service: Service

    @staticmethod
    def _now() -> float:
        return asyncio.get_event_loop().time()

    @property
    def now(self) -> float:
        return self._now()

    def trace(self, *what: object) -> None:
        self._trace.update(repr((round(self.now, 6), *what)).encode())

    def complain(self, checker: str, what: str) -> None:
        self.violations.append(Violation(checker, what, round(self.now, 3)))

    # -- watching

    def step(self) -> None:
        """Before each turn of the loop."""
        self.service.moment()
        now = cast(LivesLoop, asyncio.get_event_loop()).time()
        house = self.service.house
        paces = {(x.engine, x.model): (x.limit, x.cap) for x in insight.lanes(house)} if house else {}
        if now > self._instant + self.slack_s:  # those of the turn before hold for what was chosen then
            self._instant, self.paces = now, self._paces
        for lane, (limit, cap) in paces.items():
            self.paces[lane] = (max(limit, self.paces.get(lane, (limit, cap))[0]), cap)
        self._paces = paces
        self._turn += 1
        if self._turn % LOOK_EVERY == 0:
            self.look()
        if self.violations:
            raise Stop

    def look(self) -> None:
        house = self.service.house
        if house is None:
            return
        self.runs = {run.job: run for run in insight.runs(house)}
        for job in self.runs:
            self.read(job)
        for checker in checkers.AT_LOOKS:
            for what in checker(self):
                self.complain(checker.__name__, what)

    def read(self, job: str) -> None:
        """Reads the ledger of a job and compares it with what was there before."""
        read = insight.outcomes(self.service.folder, job)
        if not read and job not in self.runs:
            return  # deleted
        for what in checkers.outcomes_stay(self.seen[job], read):
            self.complain("outcomes_stay", f"{job}: {what}")
        self.seen[job] = {row.ordinal: row for row in read}

    def _call_begins(self, made: Made) -> None:
        self.trace("call", made.engine, made.job, made.ordinal, made.life)
        for checker in checkers.AT_CALLS:
            for what in checker(self, made):
                self.complain(checker.__name__, what)

    def _call_ended(self, made: Made) -> None:
        self.trace("end", made.engine, made.job, made.ordinal, made.ended)
        if made.retry_after_s is not None and made.job:
            lane = (made.engine, made.model, made.life)
            _, until = self.closed.get(lane, (0.0, 0.0))
            self.closed[lane] = (self.now, max(until, self.now + made.retry_after_s))

    def acknowledged(self, story: Story) -> None:
        self.by_id[story.id] = story

    def finished(self, story: Story) -> None:
        for checker in checkers.AT_RESULTS:
            for what in checker(self, story):
                self.complain(checker.__name__, what)
        self.trace("results", story.id, story.items)

    def calls_of(self, job: str, ordinal: int) -> list[Made]:
        return [x for e in self.engines.values() for x in e.calls if (x.job, x.ordinal) == (job, ordinal)]

    def calls_to(self, text: str) -> list[Made]:
        return [x for engine in self.engines.values() for x in engine.by_text[text]]

    # -- the run

    async def main(self) -> None:
        await self.service.start()
        house = self.service.house
        assert house is not None
        for tenant in sorted({plan.tenant for plan in (*self.scenario.jobs, *self.scenario.calls)}):
            _, self.keys[tenant] = await house.keys.create(tenant, tenant)
        scripts = [clients.job(self, story) for story in self.stories]
        scripts += [clients.call(self, plan) for plan in self.scenario.calls]
        tasks = [asyncio.ensure_future(script) for script in scripts]
        tasks += [asyncio.ensure_future(self._nemesis()), asyncio.ensure_future(self._clock_jumps())]
        done, pending = await asyncio.wait(tasks, timeout=BOUND_S)
        for task in done:
            task.result()
        if not pending:
            await self._rest()
        for checker in checkers.AT_END if not pending else (checkers.everyone_is_served,):
            for what in checker(self):
                self.complain(checker.__name__, what)

    async def _nemesis(self) -> None:
        for kill in self.scenario.kills:
            await asyncio.sleep(max(0.0, kill.at_s - self.now))
            await self._kill(kill)
        await asyncio.sleep(max(0.0, CHAOS_S - self.now))
        for engine in self.engines.values():
            engine.rates = CALM

    async def _kill(self, kill: Kill) -> None:
        if kill.orderly:
            await self.service.stop()
        else:
            await self.service.kill(kill.moments)
        self._compare()
        self.trace("down", self.service.life)
        await asyncio.sleep(kill.gap_s)
        if not await self.service.start(kill.relapse):
            self._compare()
            await self.service.start()

    def _compare(self) -> None:
        """After a death: everything that was seen is still there."""
        for job in list(self.seen):
            story = self.by_id.get(job)
            if story is None or not story.delete_asked:
                self.read(job)

    async def _clock_jumps(self) -> None:
        for at_s, skew_s in self.scenario.jumps:
            await asyncio.sleep(max(0.0, at_s - self.now))
            self.clock.skew_s += skew_s

    async def _rest(self) -> None:
        """Everything has ended: one orderly restart, whose sweep must find nothing, and a last look around."""
        self.look()
        await self.service.stop()
        await self.service.start()
        for tenant in self.keys:
            reply = await Client(self, tenant).send("GET", "/api/v1/jobs?page_size=1000")
            self.listed[tenant] = reply.json()["jobs"]
        self._compare()

    def report(self) -> Report:
        calls = [made for engine in self.engines.values() for made in engine.calls]
        return Report(
            self.scenario.seed,
            tuple(self.violations),
            self._trace.hexdigest()[:16],
            self.scenario.requests,
            len(calls),
            self.service.life,
            self._turn,
            round(self.virtual_s, 3),
        )


def simulate(scenario: Scenario) -> Report:
    """The life of one seed. What breaks, breaks into the report."""
    with undisturbed():
        return _simulate(scenario)


def _simulate(scenario: Scenario) -> Report:
    logging.disable(logging.CRITICAL)
    world = World(scenario)
    try:
        with memory_folder() as folder:
            world.service = Service(folder, scenario, world.clock, list(world.engines.values()))
            with small_world(scenario, world.service):
                _live(world)
            world.service.close()
    finally:
        logging.disable(logging.NOTSET)
    return world.report()


def _live(world: World) -> None:
    async def main() -> None:
        try:
            await world.main()
        except Exception as error:  # noqa: BLE001 (whatever a script meets is a finding)
            world.complain("runs_through", f"{type(error).__name__}: {error}")
        finally:
            world.virtual_s = world.now

    try:
        run(main, world.scenario.seed, 10 * BOUND_S, world.step)
    except Stop:
        pass
    except (Deadlock, HotLoop) as error:
        world.violations.append(Violation("runs_through", f"{type(error).__name__}", 0.0))
