"""Who waits for whom, in one ledger."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backburner.core.request import CheckedLine, Outcome
from backburner.store import ledger as ledgers
from backburner.store.followers import Asker
from backburner.store.ledger import Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.store.ledger_values import Progress
from tests.unit.store.ledger_rows import answer, error, line


def again(outcome: Outcome, was: Asker, now: Asker) -> Outcome:
    body = b'"again":%d' % now.ordinal
    return msgspec.structs.replace(outcome, ordinal=now.ordinal, body=body, reused_from=was.ordinal)


def whole(ordinal: int) -> Outcome:
    return msgspec.structs.replace(answer(ordinal), reusable=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Six requests, of which 0, 2, 4 and 1, 5 are identical."""
    found = Ledger(tmp_path / "ledger.db")
    prints = [b"a", b"b", b"a", b"", b"a", b"b"]
    lines: list[CheckedLine] = [
        msgspec.structs.replace(line(n), fingerprint=fingerprint) for n, fingerprint in enumerate(prints)
    ]
    found.record_scan(lines, [], Progress(66, 7, 6, 0, done=True))
    yield found
    found.rest()


def decide(ledger: Ledger, tmp_path: Path, taken: frozenset[int] = frozenset()) -> None:
    reader = LedgerReader(tmp_path / "ledger.db")
    for page in reader.repeated(2):
        ledger.record_followers(page, taken)
    reader.close()
    ledger.end_followers()


def waiting(ledger: Ledger) -> set[int]:
    return {ordinal for ordinal in range(6) if ordinal in ledger.followers}


def test_identical_requests_are_found_group_by_group(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.repeatable == 5
    reader = LedgerReader(tmp_path / "ledger.db")
    assert list(reader.repeated(3)) == [[(0, 0), (0, 2), (0, 4)], [(1, 1), (1, 5)]]
    reader.close()
    decide(ledger, tmp_path)
    assert waiting(ledger) == {2, 4, 5}
    assert [x.ordinal for x in ledger.pending(0, 9, 999)[0]] == [0, 1, 3]
    assert [x.ordinal for x in ledger.pending_among(range(6))] == [0, 1, 3]


def test_what_is_on_its_way_neither_leads_nor_follows(ledger: Ledger, tmp_path: Path) -> None:
    ledger.commit([answer(5)], [], again)
    decide(ledger, tmp_path, frozenset({0}))
    assert waiting(ledger) == {4}
    assert ledger.followers.leads(2)
    assert not ledger.followers.leads(0)


def test_a_search_that_a_crash_broke_off_is_begun_anew(ledger: Ledger, tmp_path: Path) -> None:
    ledger.record_followers([(0, 0), (0, 2)], frozenset())
    ledger.rest()
    reopened = Ledger(tmp_path / "ledger.db")
    assert not reopened.followers.decided
    decide(reopened, tmp_path)
    assert waiting(reopened) == {2, 4, 5}
    reopened.rest()


def test_followers_wait_over_a_restart(ledger: Ledger, tmp_path: Path) -> None:
    decide(ledger, tmp_path)
    ledger.commit([error(0)], [], again)
    for found in (ledger, Ledger(tmp_path / "ledger.db")):
        assert found.followers.decided
        assert waiting(found) == {4, 5}, "the second stands in for the first"
        assert [x.ordinal for x in found.pending(0, 9, 999)[0]] == [1, 2, 3]
        assert found.followers.leads(2)
        found.rest()


def test_who_followed_in_vain_is_read_again(ledger: Ledger, tmp_path: Path) -> None:
    decide(ledger, tmp_path)
    assert ledger.commit([error(0)], [], again) == [error(0)]
    assert [x.ordinal for x in ledger.pending_freed(9, 999, frozenset())] == [2]
    ledger.commit([error(2)], [], again)
    assert waiting(ledger) == {5}
    assert [x.ordinal for x in ledger.pending_freed(9, 999, frozenset({4}))] == [], "it was read meanwhile"


def test_a_commit_that_fails_leaves_everything_as_it_was(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(ledger, tmp_path)

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    for outcomes in ([whole(0)], [error(1)]):
        with monkeypatch.context() as patch, pytest.raises(sqlite3.OperationalError):
            patch.setattr(ledgers.Ledger, "_insert_outcomes", full)
            ledger.commit(outcomes, [], again)
        assert waiting(ledger) == {2, 4, 5}
        assert not ledger.followers.freed
    fresh = ledger.commit([whole(0), whole(1)], [], again)
    assert [(x.ordinal, x.reused_from) for x in fresh] == [(0, None), (1, None), (2, 0), (4, 0), (5, 1)]
    assert (ledger.saved.calls, waiting(ledger)) == (3, set())
