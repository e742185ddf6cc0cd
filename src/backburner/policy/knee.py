"""Where an engine that queues instead of refusing has enough to do.

Such an engine takes any number of calls and answers each of them later. What it gets done is measured: calls in
flight times tokens per second of a call (Little's law), which a long answer does not disturb as it would a count of
answers. A quarter more in flight must buy 6 % more, else it is queueing; a fifth less must cost something, else it
was. Between two such trials it stays where it is, because a rule without rest walks down to one slot
(anchors/scheduling.md 3.4).
"""

import dataclasses

UP = 1.25
UP_GAIN = 1.06
DOWN = 0.8
DOWN_LOSS = 0.98
LEAP = 2.0  # at the start, until one does not pay
LEAP_GAIN = 1.3
LEAST_CALLS = 32  # that a measurement needs
REST = 6  # measurements at the same limit between two trials


@dataclasses.dataclass
class Knee:
    """`limit` is where it stands or tries to stand; `base` what was good so far and got `goodput` tokens a second."""

    limit: float
    cap: int
    leaping: bool = True
    base: float = 0.0
    goodput: float = 0.0
    _rest: int = 0
    _down_next: bool = False
    _skip: int = 0
    _calls: int = 0
    _tokens: float = 0.0
    _call_s: float = 0.0

    def __post_init__(self) -> None:
        self.base = self.limit

    def note(self, call_s: float, tokens: float) -> None:
        """An answer while there was more to send than the limit lets through."""
        if self._skip > 0:  # begun under another limit
            self._skip -= 1
            return
        self._calls += 1
        self._tokens += tokens
        self._call_s += call_s
        if self._calls >= max(LEAST_CALLS, self.limit):
            goodput = self.limit * self._tokens / max(self._call_s, 1e-9)
            self._measured(goodput)

    def refused(self, limit: float) -> None:
        """The engine does refuse: on from a lower limit."""
        self.leaping = False
        self._settle(limit, 0.0)

    def _measured(self, goodput: float) -> None:
        if self.limit > self.base:
            wanted = LEAP_GAIN if self.leaping else UP_GAIN
            better = goodput >= wanted * self.goodput
        elif self.limit < self.base:
            better = goodput >= DOWN_LOSS * self.goodput
        else:
            self.goodput = goodput if not self.goodput else (self.goodput + goodput) / 2
            self._rest -= 1
            if self._rest <= 0:
                self._try()
            else:
                self._measure_at(self.limit)
            return
        if better:
            self._settle(self.limit, goodput)
            self._try()
            return
        self.leaping = False
        self._rest = REST
        self._settle(self.base, 0.0)

    def _try(self) -> None:
        """The next trial. Downwards only after a rest, and in turns with upwards."""
        factor = LEAP if self.leaping else UP
        if self._down_next and not self.leaping and self.base > 1:
            self._down_next = False
            self._measure_at(max(1.0, self.base * DOWN))
        elif self.base < self.cap:
            self._down_next = True
            self._measure_at(min(float(self.cap), max(self.base + 1, self.base * factor)))
        else:
            self._down_next = True
            self._rest = REST
            self._measure_at(self.base)

    def _settle(self, base: float, goodput: float) -> None:
        self.base, self.goodput = base, goodput
        self._measure_at(base)

    def _measure_at(self, limit: float) -> None:
        if limit != self.limit:
            self._skip = int(max(limit, self.limit))
        self.limit = limit
        self._calls, self._tokens, self._call_s = 0, 0.0, 0.0
