"""Simulated jobs of mixed shapes, for the calibration of the estimated end."""

import heapq
import math
import random
from collections.abc import Iterator

import msgspec

from backburner.policy.plan import canary, canary_size

COUNTS = (100, 10_000)
SLOTS = (4, 8, 16, 32, 64)
SEGMENTS = 12  # capacity keeps its level for about a twelfth of a job


class Shape(msgspec.Struct, frozen=True):
    count: int
    slots: int
    prompt_spread: float
    answer_spread: float
    follows: float  # how much the answer grows with the prompt
    cap: float  # of the answer, in medians
    order: str
    drift: float
    rival: bool  # another tenant takes half of the slots for a while

    @property
    def waves(self) -> float:
        return self.count / self.slots


class Simulated(msgspec.Struct):
    shape: Shape
    sizes: list[float]
    begins: list[float]  # by place in the order of execution
    ends: list[float]


def shape(rng: random.Random) -> Shape:
    low, high = COUNTS
    return Shape(
        count=round(math.exp(rng.uniform(math.log(low), math.log(high)))),
        slots=rng.choice(SLOTS),
        prompt_spread=rng.uniform(0.1, 1.2),
        answer_spread=rng.uniform(0.2, 1.1),
        follows=rng.choice((0.0, 0.3, 0.7, 1.0)),
        cap=rng.choice((2.0, 4.0, 8.0, math.inf)),
        order=rng.choice(("submitted", "submitted", "short-first", "blocks")),
        drift=rng.choice((0.05, 0.15, 0.15)),
        rival=rng.random() < 0.15,
    )


class Load(msgspec.Struct, frozen=True):
    """What a job asks, in the order of its input: bytes of the prompts, seconds that the calls take while the capacity
    is 1. `drift` is by how much they take longer, for each `segment_s` that has passed."""

    shape: Shape
    sizes: list[float]
    work: list[float]
    drift: list[float]
    segment_s: float

    def slower(self, at_s: float) -> float:
        return self.drift[min(len(self.drift) - 1, int(at_s / self.segment_s))]


def load(rng: random.Random, shape: Shape) -> Load:
    prompts = [rng.lognormvariate(7.0, shape.prompt_spread) for _ in range(shape.count)]
    if shape.order != "submitted":
        prompts.sort()
    if shape.order == "blocks":
        parts = [prompts[i * shape.count // 8 : (i + 1) * shape.count // 8] for i in range(8)]
        rng.shuffle(parts)
        prompts = [prompt for part in parts for prompt in rng.sample(part, len(part))]
    work: list[float] = []
    for prompt in prompts:
        length = (prompt / 1096.6) ** shape.follows * rng.lognormvariate(0, shape.answer_spread)
        work.append(0.1 + prompt / 4 * 0.0005 + 200 * min(shape.cap, length) * 0.02)
    drift, level = [], 0.0
    for _ in range(50 * SEGMENTS):
        level = 0.7 * level + rng.gauss(0, shape.drift)
        drift.append(math.exp(level))
    return Load(shape, prompts, work, drift, sum(work) / shape.slots / SEGMENTS)


def simulate(rng: random.Random) -> Simulated:
    job = load(rng, shape(rng))
    count, slots = job.shape.count, job.shape.slots
    first = canary(count, canary_size(count))
    order = [*first, *sorted(set(range(count)) - set(first))]
    whole_s = SEGMENTS * job.segment_s
    busy_from = rng.uniform(0, 1.2) * whole_s if job.shape.rival else math.inf
    busy_until = busy_from + rng.uniform(0.1, 0.5) * whole_s
    free = [(0.0, slot) for slot in range(min(slots, count))]
    begins: list[float] = []
    ends: list[float] = []
    for place in order:
        begin, slot = heapq.heappop(free)
        while busy_from <= begin < busy_until and slot % 2:  # the rival has this slot now
            heapq.heappush(free, (busy_until, slot))
            begin, slot = heapq.heappop(free)
        begins.append(begin)
        ends.append(begin + job.work[place] * job.slower(begin))
        heapq.heappush(free, (ends[-1], slot))
    return Simulated(job.shape, [job.sizes[place] for place in order], begins, ends)


def jobs(seed: int, count: int) -> Iterator[Simulated]:
    for number in range(count):
        yield simulate(random.Random(f"{seed}/{number}"))
