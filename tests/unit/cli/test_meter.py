import pytest

from backburner.cli.meter import Lines, Speed, status
from backburner.cli.say import left
from backburner.core.clock import SystemClock
from backburner.core.job import Counts


class Watch(SystemClock):
    at = 1000.0

    def monotonic(self) -> float:
        return self.at


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    watch = Watch()
    speed = Speed(watch)
    assert speed.per_second == 0
    speed.note(5_000)  # what an earlier run did
    for second in range(1, 61):
        watch.at = 1000.0 + second
        speed.note(5_000 + (10 * second if second <= 30 else 300 + 2 * (second - 30)))
    assert speed.per_second == pytest.approx(2)


def test_the_words() -> None:
    watch = Watch()
    speed = Speed(watch)
    speed.note(0)
    watch.at += 10
    speed.note(1_200)
    assert status(Counts(3_600, 1_100, 100), True, speed, left(20, 18, 31), "held") == [
        "1,200 of 3,600",
        "100 failed",
        "120/s",
        "about 20 s left (18 s to 31 s)",
        "held",
    ]
    assert status(Counts(3_600, 1_200, 0), False, speed) == ["1,200 of 3,600 so far", "120/s"]


def test_without_a_terminal_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    with Lines(watch) as lines:
        for second in range(41):
            watch.at = 1000.0 + second
            lines.show(Counts(100, second, 0), True, "engine down" if second == 15 else "")
    said = capsys.readouterr().err.splitlines()
    assert 4 <= len(said) <= 8
    assert any("engine down" in line for line in said), "why nothing goes on is said at once"
