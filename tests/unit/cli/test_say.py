import pytest

from backburner.cli.say import counted, duration, placed, rate, show_table, size
from backburner.core.errors import Violation


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (92_871_040, "92.9 MB"),
        (274_000_000, "274 MB"),
        (2 << 30, "2.1 GB"),
    ],
)
def test_sizes(amount: int, words: str) -> None:
    assert size(amount) == words


def test_counts_and_rates() -> None:
    assert [counted(n, "line") for n in (0, 1, 2000)] == ["0 lines", "1 line", "2,000 lines"]
    assert [rate(r) for r in (0.25, 9.96, 1234.5)] == ["0.2/s", "10.0/s", "1,234/s"]


def test_a_violation_says_where_it_stands() -> None:
    assert (
        placed(Violation("a.b", "expected c", "Write c", line=7, key="k"))
        == 'line 7 (key "k"): a.b: expected c. Write c'
    )
    assert placed(Violation("", "empty", line=7)) == "line 7: empty"
    assert placed(Violation("a", "wrong")) == "a: wrong"


def test_tables_are_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    show_table(("NAME", "B"), [("a", long), ("long name", "[c]")])
    assert capsys.readouterr().out == f"NAME       B\na          {long}\nlong name  [c]\n"
