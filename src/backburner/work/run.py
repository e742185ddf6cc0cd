"""What is in memory about one job that has not ended. Bounded: a window of requests, never the whole job."""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from backburner.core.job import Counts, Job
from backburner.dialects.protocol import Dialect
from backburner.policy.retry import Tries
from backburner.store.ledger import Ledger

MOST_WARNINGS = 20


class Ready(msgspec.Struct, frozen=True):
    """A request that may go: its line as the caller wrote it, and what it has been through."""

    ordinal: int
    line: bytes
    key: str | None
    tries: Tries = Tries()


@dataclass(eq=False)
class JobRun:
    """`window` holds what may go now, `waiting` a heap of (due, ordinal, request) what may go later, `in_flight`
    the calls under way. `cursor` is the first ordinal that no window has held. `reason` says in words why
    nothing goes on, when nothing does. `retired` is set when the results are published."""

    job: Job
    ledger: Ledger
    dialect: Dialect
    warnings: tuple[str, ...] = ()
    cursor: int = 0
    window: deque[Ready] = field(default_factory=deque[Ready])
    waiting: list[tuple[float, int, Ready]] = field(default_factory=list[tuple[float, int, Ready]])
    in_flight: dict[int, "asyncio.Task[None]"] = field(default_factory=dict[int, "asyncio.Task[None]"])
    fetching: bool = False
    publishing: bool = False
    reason: str = ""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    retired: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def counts(self) -> Counts:
        return self.ledger.counts

    @property
    def complete(self) -> bool:
        """Every line was seen and every request has its outcome."""
        return self.ledger.progress.done and self.counts.pending == 0

    @property
    def exhausted(self) -> bool:
        """Every request known so far has been in a window."""
        return self.cursor >= self.ledger.progress.next_ordinal

    def snapshot(self) -> Job:
        """The job as it stands now: with its live counts."""
        return self.live(self.job)

    def live(self, job: Job) -> Job:
        return msgspec.structs.replace(
            job, counts=self.counts, scanned=self.ledger.progress.done, warnings=self.warnings
        )

    def warn(self, warnings: Iterable[str]) -> None:
        """What was accepted but will not have its full effect: each kind once, however many lines say it."""
        self.warnings = tuple(dict.fromkeys((*self.warnings, *warnings)))[:MOST_WARNINGS]

    def wait(self, request: Ready, due: float) -> None:
        heapq.heappush(self.waiting, (due, request.ordinal, request))

    def wake(self, now: float) -> None:
        """Moves what has waited long enough to the front of the window."""
        while self.waiting and self.waiting[0][0] <= now:
            self.window.appendleft(heapq.heappop(self.waiting)[2])

    def halt(self) -> None:
        """No call of this job goes on, none begins."""
        self.window.clear()
        self.waiting.clear()
        for task in self.in_flight.values():
            task.cancel()
