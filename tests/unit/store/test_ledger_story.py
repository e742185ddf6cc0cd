"""The ledger against a dict, over every story that hypothesis can think of: scans, attempts, commits with
duplicates, rests, restarts, and crashes in the middle of a transaction."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backburner.core.job import Counts
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.store.ledger import Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.store.ledger_values import AttemptEnd, Progress
from tests.unit.store.ledger_rows import LINE_BYTES, answer, error, line

FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # many small syncs, none of them the point
outcome_lists = st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=6)


class LedgerStory(RuleBasedStateMachine):
    """`outcomes` is what must be there, in order of commit; `open_attempts` those without end."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        self.ledger = Ledger(self.folder / "ledger.db")
        self.total = 0
        self.wrong = 0
        self.outcomes: dict[int, Outcome] = {}
        self.attempts: dict[int, int] = {}  # id -> ordinal
        self.interrupted: dict[int, int] = {}

    def teardown(self) -> None:
        self.ledger.rest()
        shutil.rmtree(self.folder)

    @rule(kinds=st.lists(st.booleans(), max_size=8))
    def scan(self, kinds: list[bool]) -> None:
        lines, refused, after = self._piece(kinds)
        self.ledger.record_scan(lines, refused, after)
        self._scanned(refused, after)

    def _piece(self, kinds: list[bool]) -> tuple[list[CheckedLine], list[Outcome], Progress]:
        lines = [line(self.total + n, wrong=int(wrong)) for n, wrong in enumerate(kinds)]
        refused = [error(x.ordinal) for x in lines if x.violations]
        return lines, refused, self._progress(len(kinds), len(refused))

    def _scanned(self, refused: list[Outcome], after: Progress) -> None:
        self.total, self.wrong = after.next_ordinal, after.invalid_count
        self.outcomes.update({x.ordinal: x for x in refused})

    def _progress(self, count: int, wrong: int) -> Progress:
        end = self.total + count
        return Progress(end * (LINE_BYTES + 1), end + 1, end, self.wrong + wrong)

    @precondition(lambda self: self.total)
    @rule(ordinals=st.lists(st.integers(0, 30), max_size=5))
    def start(self, ordinals: list[int]) -> None:
        real = [n for n in ordinals if n < self.total]
        ids = self.ledger.start_attempts([(n, "e") for n in real], 1.0)
        assert not set(ids).intersection(self.attempts), "an id is never used twice"
        self.attempts.update(zip(ids, real, strict=True))

    def _wanted(self, chosen: list[tuple[int, bool]]) -> list[Outcome]:
        return [answer(n) if good else error(n) for n, good in chosen if n < self.total]

    @rule(chosen=outcome_lists, ended=st.integers(0, 5))
    def commit(self, chosen: list[tuple[int, bool]], ended: int) -> None:
        ends = list(self.attempts)[:ended]
        fresh = self.ledger.commit(self._wanted(chosen), [AttemptEnd(id_, 2.0) for id_ in ends])
        expected: dict[int, Outcome] = {}
        for outcome in self._wanted(chosen):
            if outcome.ordinal not in self.outcomes:
                expected.setdefault(outcome.ordinal, outcome)
        assert fresh == list(expected.values())
        self.outcomes.update(expected)
        for id_ in ends:
            del self.attempts[id_]

    @rule()
    def rest(self) -> None:
        self.ledger.rest()

    @rule()
    def reopen(self) -> None:
        self.ledger.rest()
        self._restarted()

    def _restarted(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.db")
        self.interrupted = {}
        for ordinal in self.attempts.values():
            self.interrupted[ordinal] = self.interrupted.get(ordinal, 0) + 1

    @rule(chosen=outcome_lists, statement=st.integers(0, 6))
    def crash_in_a_commit(self, chosen: list[tuple[int, bool]], statement: int) -> None:
        """A transaction is all there or not at all, and the ledger agrees with itself either way."""
        if self._survives(statement, lambda: self.ledger.commit(self._wanted(chosen), [])):
            for outcome in self._wanted(chosen):
                self.outcomes.setdefault(outcome.ordinal, outcome)
        self._restarted()

    @rule(kinds=st.lists(st.booleans(), min_size=1, max_size=4), statement=st.integers(0, 8))
    def crash_in_a_scan(self, kinds: list[bool], statement: int) -> None:
        lines, refused, after = self._piece(kinds)
        if self._survives(statement, lambda: self.ledger.record_scan(lines, refused, after)):
            self._scanned(refused, after)
        self._restarted()

    def _survives(self, statement: int, write: Callable[[], object]) -> bool:
        """Whether the write ended before the crash: the files as they are when a statement begins are all that
        is left then."""
        left = self.folder.with_name(self.folder.name + "-left")
        seen = 0

        def copy_at(_: str) -> None:
            nonlocal seen
            if seen == statement:
                shutil.copytree(self.folder, left)
            seen += 1

        db: sqlite3.Connection = self.ledger._open()
        db.set_trace_callback(copy_at)
        write()
        db.set_trace_callback(None)
        self.ledger.rest()
        if not left.exists():
            return True
        shutil.rmtree(self.folder)
        left.rename(self.folder)
        return False

    @invariant()
    def counts_are_true(self) -> None:
        good = sum(x.kind is OutcomeKind.ANSWER for x in self.outcomes.values())
        assert self.ledger.counts == Counts(self.total, good, len(self.outcomes) - good)
        assert self.ledger.progress == self._progress(0, 0)

    @invariant()
    def readers_see_every_outcome_once_in_order_of_commit(self) -> None:
        reader = LedgerReader(self.folder / "ledger.db")
        rows = reader.results_after(0, 1000, 1 << 30)
        seqs = reader.seqs(self.total).tolist()
        reader.close()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert [(row[1], row[3]) for row in rows] == [(x.ordinal, x.body) for x in self.outcomes.values()]
        expected = {ordinal: seq for seq, ordinal in enumerate(self.outcomes, 1)}
        assert seqs == [expected.get(n, 0) for n in range(self.total)]

    @invariant()
    def pending_is_the_rest(self) -> None:
        found, at = self.ledger.pending(0, 1000, 1 << 30)
        assert [x.ordinal for x in found] == [n for n in range(self.total) if n not in self.outcomes]
        assert at == self.total
        assert {x.ordinal: x.interrupted for x in found if x.interrupted} == {
            n: count for n, count in self.interrupted.items() if n not in self.outcomes
        }


TestLedgerStory = LedgerStory.TestCase
TestLedgerStory.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
