"""What a seed draws: who asks for what and when, what goes wrong, and when the service is killed."""

import random
from dataclasses import dataclass, field

import msgspec

from tests.sim.faults import CALM, Rates

CHAOS_S = 90.0  # after this nothing goes wrong any more but what is in a request itself
WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar".split()
TENANTS = ("ants", "bees", "cats")
SHARED = " ".join(["rules"] * 120)  # a prefix long enough to make a group of those that begin with it


class Line(msgspec.Struct, frozen=True):
    """One request of a job. `most` is its output limit in words, 0 for none; `wrong` lines are no request at all;
    `still` ones have temperature 0, so that equal ones may share an answer."""

    key: str
    text: str
    most: int = 0
    wrong: bool = False
    still: bool = False

    @property
    def expected(self) -> str:
        """What the engine's echo says to it."""
        words = self.text.split()
        return " ".join(words[-self.most :]) if self.most and len(words) > self.most else self.text


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """Instants are seconds of the run, delays seconds after the step before. None: does not happen."""

    name: str
    tenant: str
    door: str  # gemini, openai
    model: str
    from_file: bool
    at_s: float
    lines: tuple[Line, ...]
    skip_invalid: bool = False
    hold: bool = False
    approve_after_s: float = 0.0
    cancel_after_s: float | None = None
    delete_after_s: float | None = None  # while it runs
    delete_at_end: bool = False
    poll_s: float = 1.0
    hang_ups: tuple[int, ...] = ()  # hangs up on creates after so many turns of the loop, and asks again
    repeats_create: bool = False  # asks for the same job again, with the same key, when it has it


@dataclass(frozen=True)
class CallPlan:
    """A call that a person waits for."""

    tenant: str
    door: str
    model: str
    at_s: float
    text: str
    flex: bool


@dataclass(frozen=True)
class Kill:
    """At `at_s`, and then `moments` turns, statements or syncs later. `gap_s` until the next life."""

    at_s: float
    moments: int
    gap_s: float
    orderly: bool = False
    relapse: int | None = None  # it dies again so many moments into its next start


@dataclass
class Scenario:
    seed: int
    jobs: list[JobPlan] = field(default_factory=list)
    calls: list[CallPlan] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)  # at, skew of the wall clock in seconds
    rates: Rates = CALM
    latency_ms: float = 200.0
    engines: tuple[str, ...] = ("one",)
    slots: int = 16
    disk_s: float = 0.0  # how long a step of the writer may take
    window_requests: int = 1024
    scan_chunk_bytes: int = 4 << 20

    @property
    def requests(self) -> int:
        return sum(len(job.lines) for job in self.jobs)


def draw(seed: int) -> Scenario:
    chance = random.Random(f"scenario {seed}")
    made = Scenario(seed)
    made.engines = ("one",) if chance.random() < 0.6 else ("one", "two")
    made.disk_s = chance.choice((0.0, 0.02))
    made.slots = chance.choice((1, 4, 16))
    made.latency_ms = chance.choice((0.0, 50.0, 200.0, 1000.0))
    made.window_requests = chance.choice((8, 40, 1024))  # rare branches made common
    made.scan_chunk_bytes = chance.choice((300, 2000, 4 << 20))
    made.rates = _rates(chance)
    made.kills = _kills(chance)
    if chance.random() < 0.5:
        made.jumps = [(chance.uniform(0, CHAOS_S), chance.choice((-3600.0, 3600.0))) for _ in range(2)]
    tenants = TENANTS[: chance.choice((1, 2, 3))]
    models = [f"{engine}-{n}" for engine in made.engines for n in range(chance.choice((1, 2)))]
    sizes = [chance.choice((1, 2, 5, 13)) for _ in range(chance.randint(3, 8))]
    sizes += [chance.choice((30, 90, 150)) for _ in range(chance.randint(1, 5))]
    chance.shuffle(sizes)
    made.jobs = [_job(chance, n, size, tenants, models) for n, size in enumerate(sizes)]
    made.calls = [_call(chance, n, tenants, models) for n in range(chance.randint(0, 12))]
    return made


def _rates(chance: random.Random) -> Rates:
    """Some kinds of trouble, some of them often: all at once would leave nothing to be seen."""
    kinds = ("hang", "slow", "busy", "busy_for", "error", "cut", "garbage", "empty", "death")
    most = {"hang": 0.02, "death": 0.02, "busy_for": 0.04}
    drawn = {
        kind: chance.uniform(0, most.get(kind, 0.15)) for kind in chance.sample(kinds, chance.randint(0, 4))
    }
    storms: list[tuple[float, float, str]] = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        begin = chance.uniform(0, CHAOS_S - 20)
        kind = chance.choice(("busy", "busy_for", "error", "operator"))
        storms.append((begin, begin + chance.uniform(1, 20), kind))
    return Rates(**drawn, clinging=chance.choice((0.0, 0.5)), storms=tuple(storms))


def _kills(chance: random.Random) -> list[Kill]:
    count = chance.choice((0, 1, 1, 2, 4))
    return [
        Kill(
            at_s,
            chance.randrange(120),
            chance.choice((0.0, 0.5, 5.0)),
            orderly=chance.random() < 0.25,
            relapse=chance.choice((None, None, chance.randrange(200))),
        )
        for at_s in sorted(chance.uniform(0.0, CHAOS_S * 0.8) for _ in range(count))
    ]


def _job(
    chance: random.Random, number: int, size: int, tenants: tuple[str, ...], models: list[str]
) -> JobPlan:
    name = f"j{number}"
    skip = chance.random() < 0.4
    wrong = 0.1 if skip and size > 4 else 0.0
    lines = _lines(chance, name, size, wrong)
    fate = chance.random()
    hold = chance.random() < 0.15
    return JobPlan(
        name=name,
        tenant=chance.choice(tenants),
        door=chance.choice(("gemini", "gemini", "openai")),
        model=chance.choice(models),
        from_file=chance.random() < 0.5,
        at_s=chance.choice((0.0, chance.uniform(0, CHAOS_S / 2))),
        lines=tuple(lines),
        skip_invalid=skip,
        hold=hold,
        approve_after_s=chance.uniform(0, 40),
        cancel_after_s=chance.choice((0.0, chance.uniform(0, 2), chance.uniform(0, 15)))
        if fate < 0.25
        else None,
        delete_after_s=chance.uniform(0, 10) if 0.25 <= fate < 0.31 else None,
        delete_at_end=0.31 <= fate < 0.4,
        poll_s=chance.choice((0.3, 1.0, 4.0)),
        hang_ups=tuple(chance.randrange(60) for _ in range(chance.choice((0, 0, 1, 2)))),
        repeats_create=chance.random() < 0.3,
    )


def _lines(chance: random.Random, name: str, size: int, wrong: float) -> list[Line]:
    lines: list[Line] = []
    mark = chance.random()
    for n in range(size):
        key = f"{name}k{n}"
        words = " ".join(chance.choice(WORDS) for _ in range(chance.choice((1, 3, 8, 30))))
        start = f"{SHARED} " if mark < 0.3 and chance.random() < 0.7 else ""
        line = Line(key, f"{start}{name} r{n} {words}", most=chance.choice((0, 0, 0, 4)))
        draw = chance.random()
        if draw < wrong:
            line = Line(key, "", wrong=True)
        elif draw < 0.01 + wrong:
            line = msgspec.structs.replace(line, text=f"{line.text} poison")
        elif draw < 0.03 + wrong:
            line = msgspec.structs.replace(line, text=f"{line.text} refused")
        elif lines and draw > 0.85 and mark > 0.5:
            twin = chance.choice(lines)
            line = Line(key, twin.text, twin.most, twin.wrong, still=not twin.wrong)
        elif mark > 0.5:
            line = msgspec.structs.replace(line, still=True)
        lines.append(line)
    return lines


def _call(chance: random.Random, number: int, tenants: tuple[str, ...], models: list[str]) -> CallPlan:
    return CallPlan(
        chance.choice(tenants),
        chance.choice(("gemini", "openai")),
        chance.choice(models),
        chance.uniform(0, CHAOS_S),
        f"call {number} {chance.choice(WORDS)}",
        chance.random() < 0.4,
    )
