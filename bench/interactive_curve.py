"""Interactive p99 against batch throughput, over reserved slots: acceptance 6 of issue 3.

    python -m bench.interactive_curve [SEED]

The whole house in virtual time on an engine of SLOTS slots. A call takes TOKEN_S for each of its tokens alone, and
LOAD times that more with all slots taken, by who else is there while it runs. People arrive as a Poisson process at
ARRIVALS of what the engine can do; a job has more to do than there is time. `alone` is the same people without the
job, `0` the job with no slot reserved.
"""

import asyncio
import math
import random
import sys
import time
from collections.abc import AsyncIterator

from tests.doubles.scripted_engine import answer
from tests.doubles.small_house import create, memory_folder, numbered, running
from tests.doubles.virtual_time import VirtualClock, run

from backburner.config import EngineSettings, Settings
from backburner.core.exchange import Answer, Call, CallKind, Capabilities, Delta, Feature, Json, Trouble
from backburner.engines.protocol import EngineStatus, Health, ModelInfo
from backburner.house import House
from backburner.policy.pace import RESERVED
from backburner.service.keys import Asker

SLOTS = 64
TOKENS = 100.0  # of an answer on the average; spread like a lognormal with sigma 0.5
TOKEN_S = 0.02
ARRIVALS = 0.1  # of capacity
TIME_S = 300.0
WARM_S = 60.0
STEPS = 8  # in which a call looks at the load anew
CURVE = (0, 4, 8, 16, 24, 32, 40, 48)


class LoadedEngine:
    """`load`: how much longer a token takes with all slots taken, as a fraction."""

    name = "loaded"

    def __init__(self, clock: VirtualClock, load: float, seed: int) -> None:
        self._clock = clock
        self._load = load
        self._chance = random.Random(seed)
        self.in_flight = 0
        self.job_answers = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus:
        return EngineStatus(Health.UP)

    def models(self) -> list[ModelInfo]:
        return []

    def capabilities(self, model: str) -> Capabilities | None:
        return Capabilities(frozenset({Feature.CHAT}), slots=SLOTS)

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        text: str = call.body["messages"][-1]["content"]
        person = text.startswith("person")
        chance = random.Random(text) if person else self._chance  # the same people in every run
        tokens = TOKENS * math.exp(chance.gauss(-0.125, 0.5))
        self.in_flight += 1
        try:
            for _ in range(STEPS):
                slower = 1 + self._load * self.in_flight / SLOTS
                await self._clock.sleep(tokens * TOKEN_S / STEPS * slower)
        finally:
            self.in_flight -= 1
        self.job_answers += not person
        return answer(text, call.model)

    def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        raise NotImplementedError

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        raise NotImplementedError


async def people(house: House, seed: int, load: float) -> list[float]:
    """How long each call took that began after WARM_S, in order."""
    per_s = ARRIVALS * SLOTS / (TOKENS * TOKEN_S * (1 + load))
    chance, took = random.Random(seed), []
    route = house.routes.find("m")
    assert route is not None

    async def one(number: int) -> None:
        began = house.clock.monotonic()
        body = {"messages": [{"role": "user", "content": f"person {seed} {number}"}]}
        await house.interactive.call(Asker("default"), route, Call(kind=CallKind.CHAT, model="m", body=body))
        if began > WARM_S:
            took.append(house.clock.monotonic() - began)

    calls: list[asyncio.Task[None]] = []
    while house.clock.monotonic() < TIME_S:
        await house.clock.sleep(chance.expovariate(per_s))
        calls.append(asyncio.create_task(one(len(calls))))
    await asyncio.gather(*calls)
    return sorted(took)


def point(reserved: int | None, load: float, seed: int, *, called: bool = True) -> tuple[float, float]:
    """p99 of people's calls in seconds, 0 without them; answers of the job per second. `reserved` None: no job."""

    async def main() -> tuple[float, float]:
        clock = VirtualClock()
        engine = LoadedEngine(clock, load, seed)
        rules: dict[str, str | list[str]] = {"m": "loaded/m"}
        with memory_folder() as folder:
            engines = {"loaded": EngineSettings(kind="simulated", reserved_slots=reserved or 0)}
            settings = Settings(data=str(folder), engines=engines, models=rules)
            async with running(folder, engine, clock, settings=settings) as house:
                if reserved is not None:
                    await create(house, numbered(int(SLOTS * TIME_S / TOKENS / TOKEN_S)))
                took: list[float] = []
                if called:
                    took = await people(house, seed, load)
                else:
                    await clock.sleep(TIME_S)
                answers = engine.job_answers
                for run_ in list(house.board.runs.values()):
                    await house.jobs.cancel("default", run_.job.id)
                return took[int(0.99 * len(took))] if took else 0.0, answers / clock.monotonic()

    return run(main, limit_s=2 * TIME_S)


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    default, kept = int(RESERVED * SLOTS), True
    for load in (0.0, 1.0):
        began = time.perf_counter()
        alone_s, _ = point(None, load, seed)
        _, most = point(0, load, seed, called=False)
        print(
            f"a token takes {1 + load:g} times as long with all {SLOTS} slots taken; alone: p99 {alone_s:.2f} s"
        )
        for reserved in sorted({*CURVE, default}):
            p99_s, per_s = point(reserved, load, seed)
            ratio = p99_s / alone_s
            mark = "  <- default" if reserved == default else ""
            print(
                f"  reserved {reserved:2}: p99 {ratio:4.2f} x alone, the job {per_s / most:4.0%} of all{mark}"
            )
            kept = kept and (reserved != default or ratio <= 1.5)
        print(f"  ({time.perf_counter() - began:.0f} s)")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
