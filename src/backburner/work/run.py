"""What is in memory about one job that has not ended. Bounded: a window of requests, never the whole job."""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from backburner.core.job import Counts, Job, OnInvalid
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
    """`window` holds what may go now, `waiting` a heap of (due, ordinal, request) what may go later, both together
    `held_bytes`; `in_flight` the calls under way. `cursor` is the first ordinal that no window has held. `reason`
    says in words why nothing goes on, when nothing does. `retired` is set when the results are published."""

    job: Job
    ledger: Ledger
    dialect: Dialect
    warnings: tuple[str, ...] = ()
    cursor: int = 0
    window: deque[Ready] = field(default_factory=deque[Ready])
    waiting: list[tuple[float, int, Ready]] = field(default_factory=list[tuple[float, int, Ready]])
    held_bytes: int = 0
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
    def condemned(self) -> bool:
        """Wrong lines were found and the job does not skip them: it will fail."""
        return self.job.on_invalid is OnInvalid.FAIL and self.ledger.progress.invalid_count > 0

    @property
    def complete(self) -> bool:
        """Every line was seen, there were some, and every request has its outcome."""
        return not self.scanning and self.counts.pending == 0

    @property
    def scanning(self) -> bool:
        """Lines are left to be looked at, or what was found in them will yet end the job."""
        return not self.ledger.progress.done or self.condemned or not self.counts.total

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

    @property
    def held_count(self) -> int:
        return len(self.window) + len(self.waiting)

    def hold(self, requests: Iterable[Ready], cursor: int) -> None:
        """The next requests of the job, up to `cursor`, have been read."""
        for request in requests:
            self.window.append(request)
            self.held_bytes += len(request.line)
        self.cursor = cursor

    def take(self) -> Ready:
        request = self.window.popleft()
        self.held_bytes -= len(request.line)
        return request

    def wait(self, request: Ready, due: float) -> None:
        heapq.heappush(self.waiting, (due, request.ordinal, request))
        self.held_bytes += len(request.line)

    def wake(self, now: float) -> None:
        """Moves what has waited long enough to the front of the window, the first of the input first."""
        woken: list[Ready] = []
        while self.waiting and self.waiting[0][0] <= now:
            woken.append(heapq.heappop(self.waiting)[2])
        woken.sort(key=lambda request: request.ordinal)
        self.window.extendleft(reversed(woken))

    def halt(self) -> None:
        """No call of this job goes on, none begins."""
        self.window.clear()
        self.waiting.clear()
        self.held_bytes = 0
        for task in self.in_flight.values():
            task.cancel()
