import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.core.errors import Unavailable
from backburner.core.job import Counts
from backburner.store import ledgers as ledgers_module
from backburner.store.ledgers import Ledgers
from backburner.store.sqlite import connect
from tests.unit.store.ledger_rows import answer, scan


@pytest.fixture
def ledgers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledgers]:
    monkeypatch.setattr(ledgers_module, "OPEN_LEDGERS", 3)
    found = Ledgers(tmp_path / "jobs")
    yield found
    found.close()


def open_files(folder: Path) -> int:
    """Ledgers that this process has open."""
    targets: set[str] = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            targets.add(str(link.readlink()))
        except OSError:  # the one that lists them
            continue
    return sum(target.startswith(str(folder)) and target.endswith("ledger.db") for target in targets)


def test_a_job_has_one_ledger_however_often_it_is_asked_for(ledgers: Ledgers) -> None:
    assert ledgers.get("a") is ledgers.get("a")
    assert ledgers.get("b") is not ledgers.get("a")


def test_a_thousand_jobs_do_not_mean_a_thousand_open_files(ledgers: Ledgers, tmp_path: Path) -> None:
    found = {f"j{n}": ledgers.get(f"j{n}") for n in range(10)}
    assert open_files(tmp_path) == 3
    for ledger in found.values():
        scan(ledger, 2)
        ledger.commit([answer(0)], [])
        assert open_files(tmp_path) <= 3, "a ledger that opens its file again counts too"
    assert all(ledger.counts == Counts(2, 1, 0) for ledger in found.values())
    for ledger in found.values():
        assert ledger.commit([answer(0), answer(1)], []) == [answer(1)], "resting loses nothing"


def test_the_ledger_used_longest_ago_rests_first(ledgers: Ledgers, tmp_path: Path) -> None:
    found = {job: ledgers.get(job) for job in "abc"}
    scan(found["a"], 1)
    ledgers.get("d")
    assert [job for job, ledger in found.items() if ledger._db is not None] == ["a", "c"]


def test_a_released_ledger_closes_its_file_and_is_read_anew(ledgers: Ledgers, tmp_path: Path) -> None:
    before = ledgers.get("a")
    scan(before, 1)
    ledgers.release("a")
    assert open_files(tmp_path) == 0
    assert ledgers.get("a") is not before
    assert ledgers.get("a").counts == Counts(1, 0, 0)
    ledgers.release("never was")


def test_a_deleted_ledger_is_gone_from_disk_and_can_be_made_again(ledgers: Ledgers, tmp_path: Path) -> None:
    scan(ledgers.get("a"), 1)
    assert ledgers.all() == ["a"]
    ledgers.delete("a")
    assert ledgers.all() == []
    assert ledgers.get("a").counts == Counts()
    ledgers.delete("never was")


def test_a_reader_of_a_deleted_job_is_told(ledgers: Ledgers) -> None:
    ledgers.get("a")
    ledgers.delete("a")
    with pytest.raises(FileNotFoundError, match="no ledger of job a"), ledgers.reader("a"):
        pass
    assert ledgers.all() == [], "looking for it does not make it"


def test_the_place_of_every_line_is_kept(ledgers: Ledgers) -> None:
    ledgers.get("a")
    ledgers.save_line_index("a", array.array("q", [0, 10, -1, 5, 11, 20]))
    assert ledgers.line_spans("a", [2, 0, 1]) == [(11, 20), (0, 10), (-1, 5)]


def test_a_ledger_that_cannot_be_opened_leaves_no_file_open(ledgers: Ledgers, tmp_path: Path) -> None:
    ledgers.get("a")
    ledgers.release("a")
    db = connect(tmp_path / "jobs" / "a" / "ledger.db")
    db.execute("PRAGMA user_version = 9")
    db.close()
    for _ in range(5):
        with pytest.raises(Unavailable):
            ledgers.get("a")
    assert open_files(tmp_path) == 0
    for n in range(5):
        ledgers.get(f"j{n}")
