import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backburner.core.errors import Unavailable
from backburner.core.job import Counts
from backburner.core.request import OutcomeKind, Usage
from backburner.store.bitmap import Bitmap
from backburner.store.ledger import Ledger
from backburner.store.ledger_reader import LedgerReader
from backburner.store.ledger_values import AttemptEnd, Progress
from backburner.store.sqlite import connect
from tests.unit.store.ledger_rows import answer, error, line, scan


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    found = Ledger(path)
    yield found
    found.rest()


@pytest.fixture
def reader(ledger: Ledger, path: Path) -> Iterator[LedgerReader]:
    found = LedgerReader(path)
    yield found
    found.close()


def bodies(path: Path) -> dict[int, list[bytes | None]]:
    """Every outcome row there is, by ordinal."""
    found: dict[int, list[bytes | None]] = {}
    reader = LedgerReader(path)
    for _, ordinal, _, body in reader.results_after(0, 1_000_000, 1 << 40):
        found.setdefault(ordinal, []).append(body)
    reader.close()
    return found


# Each ordinal once


def test_an_ordinal_has_one_outcome_the_first(ledger: Ledger, path: Path) -> None:
    scan(ledger, 3)
    assert ledger.commit([answer(1)], []) == [answer(1)]
    assert ledger.commit([error(1), answer(0)], []) == [answer(0)]
    assert bodies(path) == {0: [b'"response":0'], 1: [b'"response":1']}
    assert ledger.counts == Counts(3, 2, 0)


def test_a_duplicate_inside_one_commit_is_dropped_too(ledger: Ledger, path: Path) -> None:
    scan(ledger, 1)
    assert ledger.commit([answer(0), error(0), answer(0)], []) == [answer(0)]
    assert len(bodies(path)[0]) == 1


def test_a_line_refused_at_intake_keeps_that_outcome(ledger: Ledger, path: Path) -> None:
    scan(ledger, 2, wrong=(1,))
    assert ledger.commit([answer(1)], []) == []
    assert ledger.counts == Counts(2, 0, 1)


def test_each_ordinal_once_holds_after_a_reopen(ledger: Ledger, path: Path) -> None:
    scan(ledger, 2)
    ledger.commit([answer(0)], [])
    ledger.rest()
    again = Ledger(path)
    assert again.commit([error(0), error(1)], []) == [error(1)]
    assert again.counts == Counts(2, 1, 1)
    again.rest()


# Counts


def test_counts_are_right_at_once_after_a_reopen(ledger: Ledger, path: Path) -> None:
    scan(ledger, 5, wrong=(4,))
    ledger.commit([answer(0), answer(3), error(1)], [])
    before = (ledger.counts, ledger.progress, ledger.last_seq)
    assert before == (Counts(5, 2, 2), Progress(55, 6, 5, 1), 4)
    again = Ledger(path)
    assert (again.counts, again.progress, again.last_seq) == before
    again.rest()


def test_a_rest_keeps_everything(ledger: Ledger) -> None:
    scan(ledger, 3)
    ledger.commit([answer(2)], [])
    ledger.rest()
    assert ledger.counts == Counts(3, 1, 0)
    assert ledger.commit([answer(2), answer(1)], []) == [answer(1)]
    ledger.rest()
    ledger.rest()  # twice is harmless


# Attempts


def test_an_attempt_without_end_is_an_interruption_after_a_reopen(ledger: Ledger, path: Path) -> None:
    scan(ledger, 3)
    first = ledger.start_attempts([(0, "e"), (1, "e"), (2, "e")], 1.0)
    assert list(first) == [1, 2, 3]
    ledger.commit([answer(0)], [AttemptEnd(1, 2.0), AttemptEnd(2, 2.0, "transient", "no")])
    assert [x.interrupted for x in ledger.pending(0, 9, 999)[0]] == [0, 0], "this service did not go down"
    again = Ledger(path)
    assert {x.ordinal: x.interrupted for x in again.pending(0, 9, 999)[0]} == {1: 0, 2: 1}
    assert list(again.start_attempts([(2, "e")], 3.0)) == [4]
    again.rest()
    third = Ledger(path)
    assert {x.ordinal: x.interrupted for x in third.pending(0, 9, 999)[0]} == {1: 0, 2: 2}
    third.rest()


# The scan


def test_a_scan_and_its_progress_are_one_transaction(ledger: Ledger, path: Path) -> None:
    scan(ledger, 2)
    twice = [line(2), line(2)]  # breaks in the middle
    with pytest.raises(Exception, match="UNIQUE"):
        ledger.record_scan(twice, [error(2)], Progress(99, 9, 4, 1, done=True))
    assert ledger.progress == Progress(22, 3, 2)
    assert ledger.counts == Counts(2, 0, 0)
    again = Ledger(path)
    assert (again.progress, again.counts) == (ledger.progress, ledger.counts)
    again.rest()
    scan(ledger, 1, done=True)
    assert ledger.progress == Progress(33, 4, 3, 0, done=True)


def test_progress_cannot_leave_lines_out(ledger: Ledger) -> None:
    with pytest.raises(AssertionError):
        ledger.record_scan([line(0)], [], Progress(11, 2, 2))


def test_what_is_wrong_is_listed_in_input_order_up_to_a_limit(ledger: Ledger, reader: LedgerReader) -> None:
    lines = [line(0, wrong=2), line(1), line(2, wrong=1)]
    ledger.record_scan(lines, [error(0), error(2)], Progress(33, 4, 3, 2))
    listed = reader.violations(10)
    assert [(x.line, x.key, x.path, x.reason, x.instead) for x in listed] == [
        (1, "k0", "path0", "is wrong", "mend it"),
        (1, "k0", "path1", "is wrong", "mend it"),
        (3, "k2", "path0", "is wrong", "mend it"),
    ]
    assert reader.violations(2) == listed[:2]


# Pending


def test_pending_skips_what_is_done_and_says_where_to_go_on(ledger: Ledger) -> None:
    scan(ledger, 10, wrong=(0, 4))
    ledger.commit([answer(1), answer(9)], [])
    found, at = ledger.pending(0, 3, 1 << 30)
    assert ([x.ordinal for x in found], at) == ([2, 3, 5], 6)
    found, at = ledger.pending(at, 99, 1 << 30)
    assert ([x.ordinal for x in found], at) == ([6, 7, 8], 10)
    assert ledger.pending(at, 99, 1 << 30) == ([], 10)
    assert (found[0].offset, found[0].length, found[0].key) == (66, 10, "k6")


def test_pending_is_bounded_by_bytes_but_never_gets_stuck(ledger: Ledger) -> None:
    scan(ledger, 5)
    assert [x.ordinal for x in ledger.pending(0, 99, 25)[0]] == [0, 1]
    assert [x.ordinal for x in ledger.pending(2, 99, 1)[0]] == [2], "one that is too large goes alone"


def test_pending_asked_for_none_gives_none_and_stays(ledger: Ledger) -> None:
    scan(ledger, 5)
    assert ledger.pending(2, 0, 99) == ([], 2)


# Sealed


def test_a_sealed_ledger_takes_nothing_any_more(ledger: Ledger, path: Path) -> None:
    scan(ledger, 3)
    ledger.commit([answer(0)], [])
    ledger.seal()
    assert ledger.commit([answer(1)], []) == []
    ledger.record_scan([line(3)], [], Progress(44, 5, 4))
    assert (ledger.counts, ledger.progress.next_ordinal) == (Counts(3, 1, 0), 3)
    assert list(bodies(path)) == [0]


# Reading


def test_results_come_in_the_order_of_commit(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 5)
    ledger.commit([answer(3)], [])
    ledger.commit([answer(0), error(4)], [])
    found = reader.results_after(0, 10, 1 << 20)
    assert found == [
        (1, 3, b'"key":"k3"', b'"response":3'),
        (2, 0, b'"key":"k0"', b'"response":0'),
        (3, 4, b'"key":"k4"', b'"error":4'),
    ]
    assert reader.results_after(1, 1, 1 << 20) == found[1:2]
    assert reader.results_after(3, 10, 1 << 20) == []
    assert reader.last_seq() == 3
    ledger.commit([answer(1)], [])
    assert [row[0] for row in reader.results_after(3, 10, 1 << 20)] == [4], "a cursor can follow"


def test_a_page_of_results_is_bounded_by_bytes_but_never_empty(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 3)
    ledger.commit([answer(n, b"x" * 100) for n in range(3)], [])
    assert len(reader.results_after(0, 10, 50)) == 1
    assert len(reader.results_after(0, 10, 150)) == 2


def test_bodies_are_found_by_ordinal_through_their_seqs(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 6)
    ledger.commit([answer(5), answer(2)], [])
    ledger.commit([answer(0), error(3)], [])
    assert reader.seqs(6).tolist() == [3, 0, 2, 4, 0, 1]
    assert reader.bodies([1, 3, 4]) == {
        1: (b'"response":5', OutcomeKind.ANSWER),
        3: (b'"response":0', OutcomeKind.ANSWER),
        4: (b'"error":3', OutcomeKind.ERROR),
    }
    assert reader.bodies([]) == {}
    assert reader.echoes(4, 10) == [(4, "k4", b'"key":"k4"'), (5, "k5", b'"key":"k5"')]
    assert reader.request_count() == 6


def test_a_reader_of_fewer_requests_is_not_upset_by_more(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 6)
    ledger.commit([answer(5), answer(0)], [])
    assert reader.seqs(3).tolist() == [2, 0, 0]


def test_a_reader_sees_what_is_committed_and_nothing_else(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 2)
    broken = msgspec.structs.replace(answer(1), body="no bytes")
    with pytest.raises(sqlite3.IntegrityError):
        ledger.commit([answer(0), broken], [])
    assert reader.last_seq() == 0
    assert ledger.counts == Counts(2, 0, 0)
    assert ledger.commit([answer(0)], []) == [answer(0)]
    assert reader.last_seq() == 1


def test_a_resting_ledger_can_be_read(ledger: Ledger, path: Path) -> None:
    scan(ledger, 1)
    ledger.commit([answer(0)], [])
    ledger.rest()
    assert bodies(path) == {0: [b'"response":0']}


def test_usage_is_the_sum_over_all_outcomes(ledger: Ledger, reader: LedgerReader) -> None:
    assert reader.usage() == (0, 0, 0)
    scan(ledger, 3)
    ledger.commit([answer(0), answer(1), error(2)], [])
    assert reader.usage() == (6, 2, 4)
    assert ledger.usage == Usage(6, 2, 4)


def test_usage_is_counted_again_when_a_ledger_is_opened(ledger: Ledger, path: Path) -> None:
    scan(ledger, 3)
    ledger.commit([answer(0), error(1)], [])
    ledger.rest()
    again = Ledger(path)
    assert again.usage == ledger.usage != Usage()
    again.commit([answer(1), answer(2)], [])
    assert again.usage == Usage(6, 2, 4), "what has its outcome already counts once"
    again.rest()


def test_bodies_leave_in_steps_and_everything_else_stays(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 5)
    ledger.commit([answer(n) for n in range(5)], [])
    steps: list[int] = []
    seq: int | None = 1
    while seq is not None:
        seq = ledger.drop_bodies(seq, 2, 1 << 20)
        steps.append(sum(row[3] is None for row in reader.results_after(0, 10, 1 << 20)))
    assert steps == [2, 4, 5]
    assert ledger.drop_bodies(1, 99, 1) is None, "what is gone has no size"
    assert ledger.counts == Counts(5, 5, 0)
    assert [row[1] for row in reader.results_after(0, 10, 1 << 20)] == [0, 1, 2, 3, 4]


def test_a_step_is_bounded_by_bytes(ledger: Ledger, reader: LedgerReader) -> None:
    scan(ledger, 5)
    ledger.commit([answer(n, b"x" * 100) for n in range(5)], [])
    assert ledger.drop_bodies(1, 99, 150) == 3


@pytest.mark.parametrize(("count", "size"), [(200, 10_000), (4_000, 300)])
def test_space_of_dropped_bodies_is_given_back(ledger: Ledger, path: Path, count: int, size: int) -> None:
    scan(ledger, count)
    ledger.rest()
    before = path.stat().st_size
    ledger.commit([answer(n, b"x" * size) for n in range(count)], [])
    ledger.rest()
    assert path.stat().st_size > before + count * size
    seq: int | None = 1
    while seq is not None:
        seq = ledger.drop_bodies(seq, 1000, 1 << 20)
    ledger.rest()
    assert path.stat().st_size < before + count * 60


# Keys


def test_a_repeated_key_is_found_with_the_line_of_the_first(ledger: Ledger) -> None:
    keys = ["a", "b", "a", "c", "b", "a"]
    ledger.record_scan([line(n, key=key) for n, key in enumerate(keys)], [], Progress(66, 7, 6))
    assert ledger.repeated_keys() == [(2, 3, "a", 1), (4, 5, "b", 2), (5, 6, "a", 1)]


def test_a_line_that_is_wrong_already_is_not_counted_again_for_its_key(ledger: Ledger) -> None:
    ledger.record_scan([line(0, key="a"), line(1, key="a", wrong=1)], [error(1)], Progress(22, 3, 2, 1))
    assert ledger.repeated_keys() == []


def test_a_line_found_wrong_later_keeps_the_outcome_it_has(ledger: Ledger, path: Path) -> None:
    scan(ledger, 3)
    ledger.commit([answer(1)], [])
    late = [line(1, wrong=1), line(2, wrong=1)]
    ledger.refuse(late, [error(1), error(2)], Progress(33, 4, 3, 2, done=True))
    assert bodies(path) == {1: [b'"response":1'], 2: [b'"error":2']}
    assert (ledger.counts, ledger.progress.done) == (Counts(3, 1, 1), True)


# Versions


def test_a_ledger_of_a_newer_version_is_refused_in_words(ledger: Ledger, path: Path) -> None:
    ledger.rest()
    db = connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Unavailable, match=r"ledger was written by a newer Backburner \(schema 99"):
        Ledger(path)


def test_a_bitmap_holds_what_was_put_in() -> None:
    bitmap, put = Bitmap(), [0, 7, 8, 9, 8191, 8192, 100_000]
    assert all(bitmap.add(n) for n in put)
    assert not any(bitmap.add(n) for n in put)
    assert [n for n in range(100_002) if n in bitmap] == put
