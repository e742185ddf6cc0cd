"""What is in memory about one job that has not ended. Bounded: a window of requests, never the whole job."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from backburner.core.errors import Code
from backburner.core.job import Counts, Job, OnInvalid
from backburner.core.request import FROM_CACHE, Outcome, OutcomeKind
from backburner.dialects.protocol import Dialect, Stamp
from backburner.store.followers import Asker
from backburner.store.ledger import Ledger
from backburner.store.ledger_values import PLAN_START, Pending
from backburner.work.window import Window

MOST_WARNINGS = 20
LATEST = 0.05  # how much the latest call counts in what is typical


@dataclass
class Canary:
    """How the canary fares: `size` of its requests were to be sent, `done` have their outcome, of which `refused`
    for what they ask; `words` is the last refusal."""

    size: int = 0
    done: int = 0
    refused: int = 0
    words: str = ""

    def count(self, outcome: Outcome) -> None:
        self.done += 1
        if outcome.kind is OutcomeKind.ERROR and outcome.code is Code.INVALID_ARGUMENT:
            self.refused += 1
            self.words = outcome.message or self.words


@dataclass
class Typical:
    """What one request of a job, or one call on a lane, takes: seconds and tokens, means in which the last calls
    count most; 0 before the first."""

    call_s: float = 0.0
    tokens: float = 0.0
    count: int = 0

    def note(self, call_s: float, tokens: float) -> None:
        self.count += 1
        weight = max(LATEST, 1 / self.count)
        self.call_s += weight * (call_s - self.call_s)
        self.tokens += weight * (tokens - self.tokens)


@dataclass(eq=False)
class JobRun:
    """`window` holds the requests read ahead, `in_flight` the calls under way, `lanes` how many on each;
    `open` are the ordinals of all that were read and have no durable outcome yet, wherever between window and commit
    they are.

    `drawn` are the ordinals of the canary, None before it is drawn, `undrawn` those of them that are not read yet.
    `cursor` is the first ordinal not read yet;
    once the input is scanned and its requests share prefixes (`planned`), reading goes by `plan_cursor`, the last
    (plan key, ordinal) read, None when all have been. `reason` says in words why nothing goes on, when nothing
    does, `stuck_at` since when that is no request's fault (monotonic), `quota_waits`
    which quota holds it back, `reading_waits` why no more of the input is read. `retired` is set when the results are
    published."""

    job: Job
    ledger: Ledger
    dialect: Dialect
    warnings: tuple[str, ...] = ()
    window: Window = field(default_factory=Window)
    drawn: frozenset[int] | None = None
    undrawn: deque[Pending] = field(default_factory=deque[Pending])
    canary: Canary = field(default_factory=Canary)
    typical: Typical = field(default_factory=Typical)
    cursor: int = 0
    planned: bool | None = None
    plan_cursor: tuple[bytes, int] | None = PLAN_START
    in_flight: dict[int, "asyncio.Task[float]"] = field(default_factory=dict[int, "asyncio.Task[float]"])
    lanes: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    open: set[int] = field(default_factory=set[int])
    fetching: bool = False
    publishing: bool = False
    reason: str = ""
    stuck_at: float | None = None
    reading_waits: str = ""
    quota_waits: str = ""
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
        if self.undrawn or self.ledger.followers.freed:
            return False
        if self.planned:
            return self.plan_cursor is None
        unplanned = self.planned is None and self.ledger.progress.done and self.drawn is not None
        return self.cursor >= self.ledger.progress.next_ordinal and not unplanned

    @property
    def pending(self) -> float:
        """Requests without an outcome that have to run for it. While the input is read, those that it will have if
        it goes on as so far."""
        seen = self.ledger.progress
        if seen.done or not 0 < seen.next_offset < self.job.input_bytes:
            return self.counts.pending - self.ledger.followers.waiting
        return self.counts.pending + self.counts.total * (self.job.input_bytes / seen.next_offset - 1)

    def snapshot(self) -> Job:
        """The job as it stands now: with its live counts."""
        return self.live(self.job)

    def live(self, job: Job) -> Job:
        return msgspec.structs.replace(
            job,
            counts=self.counts,
            usage=self.ledger.usage,
            saved=self.ledger.saved,
            scanned=self.ledger.progress.done,
            warnings=self.warnings,
        )

    def again(self, outcome: Outcome, was: Asker, now: Asker) -> Outcome:
        """The outcome of one request as that of an identical one: under its own name, with the tokens that the answer
        took, and marked."""
        body = self.dialect.again(
            outcome.body,
            Stamp(self.job.id, was.ordinal, was.key, outcome.at),
            Stamp(self.job.id, now.ordinal, now.key, outcome.at),
        )
        source = was.ordinal if outcome.reused_from in (None, FROM_CACHE) else outcome.reused_from
        return msgspec.structs.replace(outcome, ordinal=now.ordinal, body=body, reused_from=source, kept=None)

    def warn(self, warnings: Iterable[str]) -> None:
        """What was accepted but will not have its full effect: each kind once, however many lines say it."""
        self.warnings = tuple(dict.fromkeys((*self.warnings, *warnings)))[:MOST_WARNINGS]

    def halt(self) -> None:
        """No call of this job goes on, none begins."""
        self.window.clear()
        for task in self.in_flight.values():
            task.cancel()
