"""Requests of one ledger that wait for the answer of an identical one, and how they get it.

Who follows whom is in the table `follower`; in memory there are two bits for each request. Followers are released
here, in `settle` and `settled`, with the very transaction that has the outcome of their leader: with its answer, or to
run themselves where it left none that they can have. So a leader that has its outcome while followers wait is one that
failed, also after a crash. (One exception, that costs a call and is never wrong: where a leader had more than
FOLLOWERS_MOST followers, or many leaders were answered at once, the rest is answered in the commits after; a crash
between them makes one more of them run.)
"""

import sqlite3
from array import array
from collections.abc import Callable, Container, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import msgspec

from backburner.core.request import Outcome
from backburner.policy.duplicates import Grouping, next_to_run
from backburner.store.bitmap import Bitmap

FOLLOWERS_MOST = 256  # of one leader, so that what is committed with its answer is bounded
RELEASED_MOST = 2000  # rows answered in one commit beside its own
RELEASED_BYTES = 4 * 1024 * 1024


class Asker(msgspec.Struct, frozen=True):
    """Whose answer it is: what ids in an answer are made of."""

    ordinal: int
    key: str | None


# The leader's outcome, whose it is, and who gets it too.
Again = Callable[[Outcome, Asker, Asker], Outcome]


class Followers:
    """All of it on the writer lane, but `decided`, `waiting`, `freed` and `leads`, which may be read anywhere.

    `decided`: it is known who follows whom. `waiting` counts those that wait. `freed` are those that waited, in vain,
    and are to be read for the dispatcher now."""

    def __init__(self) -> None:
        self.decided = False
        self.waiting = 0
        self.freed: array[int] = array("q")
        self._grouping = Grouping(FOLLOWERS_MOST)
        self._waits = Bitmap()
        self._leaders = Bitmap()
        self._stand_ins: dict[int, int] = {}  # followers that run in the place of their leader -> it
        self._later: list[Outcome] = []  # leaders whose followers are yet to be answered

    def __contains__(self, ordinal: int) -> bool:
        """Whether it waits."""
        return ordinal in self._waits

    def leads(self, ordinal: int) -> bool:
        """Whether others wait for its answer."""
        return self.waiting > 0 and (ordinal in self._leaders or ordinal in self._stand_ins)

    @property
    def unsettled(self) -> bool:
        """There are leaders left whose followers the next `settle` answers."""
        return bool(self._later)

    # -- who follows whom

    def load(self, db: sqlite3.Connection, done: Container[int]) -> None:
        """Once a ledger is opened."""
        (self.decided,) = map(bool, db.execute("SELECT duplicates FROM progress").fetchone())
        if not self.decided:
            if db.execute("SELECT EXISTS (SELECT 1 FROM follower)").fetchone()[0]:
                db.execute("DELETE FROM follower")
            return
        rows = db.execute("SELECT leader, ordinal FROM follower ORDER BY leader, ordinal")
        for leader, pairs in groupby(rows, itemgetter(0)):
            members = [ordinal for _, ordinal in pairs]
            waiting = [ordinal for ordinal in members if ordinal not in done]
            self._wait(waiting)
            if leader in done and waiting:
                self._run_others(leader, waiting, 1 + len(members) - len(waiting))
            elif waiting:
                self._leaders.add(leader)
        self.freed = array("q")  # reading begins at the first request, and finds them

    def record(
        self, db: sqlite3.Connection, rows: Iterable[tuple[int, int]], taken: Callable[[int], bool]
    ) -> "Found":
        """A page of requests that others are identical to, as Grouping takes them. Those already `taken`, with an
        outcome or on their way to one, neither lead nor follow."""
        grouping = copy(self._grouping)
        pairs = list(grouping.pairs(row for row in rows if not taken(row[1])))
        db.executemany("INSERT INTO follower (leader, ordinal) VALUES (?, ?)", pairs)
        return Found(grouping, pairs)

    def recorded(self, found: "Found") -> None:
        """What `record` wrote is durable."""
        self._grouping = found.grouping
        for leader, _ in found.pairs:
            self._leaders.add(leader)
        self._wait([ordinal for _, ordinal in found.pairs])

    def record_end(self, db: sqlite3.Connection) -> None:
        """All are known. A job without duplicates is not told to the disk: it is soon found out again."""
        if self.waiting:
            db.execute("UPDATE progress SET duplicates = 1")
        self.decided = True

    # -- how they get their answers

    def settle(
        self, db: sqlite3.Connection, outcomes: Sequence[Outcome], done: Container[int], again: Again
    ) -> "Settled":
        """What becomes of the followers of those that have their outcome now, for the same transaction. What is more
        than a commit should carry is left for the next: see `unsettled`."""
        settled = Settled()
        size_bytes = 0
        for outcome in self._later + [outcome for outcome in outcomes if self.leads(outcome.ordinal)]:
            if len(settled.outcomes) >= RELEASED_MOST or size_bytes >= RELEASED_BYTES:
                settled.later.append(outcome)
                continue
            leader = self._stand_ins.get(outcome.ordinal, outcome.ordinal)
            settled.over.append(outcome.ordinal)
            members = db.execute(
                "SELECT ordinal, key FROM follower JOIN request USING (ordinal) WHERE leader = ? ORDER BY ordinal",
                (leader,),
            ).fetchall()
            waiting = [Asker(ordinal, key) for ordinal, key in members if ordinal in self._waits]
            if not outcome.reusable:
                lost = 1 + sum(ordinal in done for ordinal, _ in members) + (outcome.ordinal != leader)
                settled.failed.append((leader, [asker.ordinal for asker in waiting], lost))
                continue
            (key,) = db.execute("SELECT key FROM request WHERE ordinal = ?", (outcome.ordinal,)).fetchone()
            for asker in waiting:
                more = again(outcome, Asker(outcome.ordinal, key), asker)
                size_bytes += len(more.body)
                settled.outcomes.append(more)
                if more.ordinal in self._leaders:
                    settled.later.append(more)
        return settled

    def settled(self, settled: "Settled") -> None:
        """What `settle` found is durable."""
        self._later = settled.later
        for ordinal in settled.over:
            self._stand_ins.pop(ordinal, None)
        for outcome in settled.outcomes:
            self._wait_no_more(outcome.ordinal)
        for leader, waiting, lost in settled.failed:
            self._run_others(leader, waiting, lost)

    def _run_others(self, leader: int, waiting: Sequence[int], lost: int) -> None:
        """The leader, or whoever ran for it, ended without an answer for the others."""
        running = next_to_run(waiting, lost)
        for ordinal in running:
            self._wait_no_more(ordinal)
            self.freed.append(ordinal)
        if running and len(running) < len(waiting):
            self._stand_ins[running[0]] = leader

    def take_freed(self, most: int) -> list[int]:
        """Some of those that wait no more and have no answer."""
        taken = self.freed[:most].tolist()
        del self.freed[:most]
        return taken

    def _wait(self, ordinals: Iterable[int]) -> None:
        for ordinal in ordinals:
            self.waiting += self._waits.add(ordinal)

    def _wait_no_more(self, ordinal: int) -> None:
        self.waiting -= self._waits.discard(ordinal)


@dataclass(frozen=True)
class Found:
    """A page of followers, and where the search stands behind it."""

    grouping: Grouping
    pairs: list[tuple[int, int]]


@dataclass
class Settled:
    """What a commit does with followers: `outcomes` they get; leaders that `failed` them, with those that wait and how
    often that was; leaders that are `over`, and those left for `later`."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    failed: list[tuple[int, list[int], int]] = field(default_factory=list[tuple[int, list[int], int]])
    over: list[int] = field(default_factory=list[int])
    later: list[Outcome] = field(default_factory=list[Outcome])
