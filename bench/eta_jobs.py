"""Simulated jobs of mixed shapes, for the calibration of the estimated end."""

import heapq
import math
import random
from collections.abc import Iterator

import msgspec

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


def _order(rng: random.Random, shape: Shape, sizes: list[float]) -> list[int]:
    n = shape.count
    plan = list(range(n))
    if shape.order == "short-first":
        plan.sort(key=lambda i: sizes[i])
    elif shape.order == "blocks":
        blocks = [plan[i * n // 8 : (i + 1) * n // 8] for i in range(8)]
        plan.sort(key=lambda i: sizes[i])
        blocks = [plan[i * n // 8 : (i + 1) * n // 8] for i in range(8)]
        rng.shuffle(blocks)
        plan = [i for block in blocks for i in rng.sample(block, len(block))]
    size = min(n, max(4, math.ceil(n * 0.01)))
    canary = [round(i * (n - 1) / max(1, size - 1)) for i in range(size)]
    drawn = set(canary)
    return canary + [i for i in plan if i not in drawn]


def simulate(rng: random.Random) -> Simulated:
    s = shape(rng)
    prompts = [rng.lognormvariate(7.0, s.prompt_spread) for _ in range(s.count)]
    work: list[float] = []
    for prompt in prompts:
        tokens = min(s.cap, (prompt / 1096.6) ** s.follows * rng.lognormvariate(0, s.answer_spread)) * 200
        work.append(0.1 + prompt / 4 * 0.0005 + tokens * 0.02)
    order = _order(rng, s, prompts)
    segment_s = sum(work) / s.slots / SEGMENTS
    drift, level = [], 0.0
    for _ in range(600):
        level = 0.7 * level + rng.gauss(0, s.drift)
        drift.append(math.exp(level))
    whole_s = SEGMENTS * segment_s
    busy_from = rng.uniform(0, 1.2) * whole_s if s.rival else math.inf
    busy_until = busy_from + rng.uniform(0.1, 0.5) * whole_s
    free = [(0.0, slot) for slot in range(min(s.slots, s.count))]
    begins, ends = [], []
    for i in order:
        begin, slot = heapq.heappop(free)
        while busy_from <= begin < busy_until and slot % 2:  # the rival has this slot now
            heapq.heappush(free, (busy_until, slot))
            begin, slot = heapq.heappop(free)
        took = work[i] * drift[min(599, int(begin / segment_s))]
        begins.append(begin)
        ends.append(begin + took)
        heapq.heappush(free, (begin + took, slot))
    return Simulated(s, [prompts[i] for i in order], begins, ends)


def jobs(seed: int, count: int) -> Iterator[Simulated]:
    for number in range(count):
        yield simulate(random.Random(f"{seed}/{number}"))
