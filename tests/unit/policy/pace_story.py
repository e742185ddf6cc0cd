"""A tiny world for paces: calls of heavy-tailed length on an engine whose slots nobody tells us.

Time per token rises with the calls under way. An engine of kind `refusing` says no to what is too much, one of kind
`queueing` keeps it waiting, first come first served. Ten or twenty virtual minutes in a fraction of a second.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backburner.policy.pace import Pace

TOKENS = 200.0  # of an answer, on the average
TOKEN_S = 0.02  # alone; twice as much with 96 under way
NO_S = 0.05  # how long a refusal takes


@dataclass
class Story:
    """`slots` is the engine's limit at an instant."""

    pace: Pace
    slots: Callable[[float], int]
    queueing: bool
    chance: random.Random
    now: float = 0.0
    tokens: float = 0.0
    refusals: int = 0
    calls: int = 0
    running: int = 0
    waiting: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])
    ends: list[tuple[float, int, bool, float, float]] = field(
        default_factory=list[tuple[float, int, bool, float, float]]
    )

    def run(self, until: float) -> float:
        """Tokens a second since the last time it was called."""
        began, tokens = self.now, self.tokens
        while self.now < until:
            while self.pace.room(self.now) > 0:
                self._call()
            self.now, _, answered, size, began_at = heapq.heappop(self.ends)
            if answered:
                self.running -= 1
                self.tokens += size
                self.pace.answered(self.now - began_at, size)
                if self.waiting and self.running < self.slots(self.now):
                    self._serve(*self.waiting.popleft())
            else:
                self.refusals += 1
                self.pace.refused(self.now)
        return (self.tokens - tokens) / (self.now - began)

    def _call(self) -> None:
        self.pace.start()
        self.calls += 1
        size = TOKENS * math.exp(self.chance.gauss(-0.32, 0.8))
        if self.running < self.slots(self.now):
            self._serve(size, self.now)
        elif self.queueing:
            self.waiting.append((size, self.now))
        else:
            heapq.heappush(self.ends, (self.now + NO_S, self.calls, False, 0.0, self.now))

    def _serve(self, size: float, began_at: float) -> None:
        self.running += 1
        took_s = 0.2 + size * TOKEN_S * (1 + self.running / 96)
        heapq.heappush(self.ends, (self.now + took_s, self.calls, True, size, began_at))


def fixed(limit: int) -> Pace:
    return Pace(limit=float(limit), cap=limit)
