"""How far a job is: a bar in a terminal, a line now and then elsewhere. Always on stderr.

The rate is that of the last half minute, so that it says what is going on now, and a continued run does not
count what an earlier one did.
"""

from collections import deque
from types import TracebackType
from typing import Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from backburner.cli.say import counted, errors, rate
from backburner.core.clock import Clock
from backburner.core.job import Counts

WINDOW_S = 30.0
LINE_EVERY_S = 10.0
QUIET_S = 2.0  # a short job says nothing on the way


class Speed:
    """Requests per second over a sliding window."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        now = self._clock.monotonic()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        (since, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - since) if now > since else 0.0


class Meter(Protocol):
    def show(self, counts: Counts, whole: bool, note: str = "", left: str = "") -> None:
        """`whole` says that the total is final; `note` why nothing goes on, or what is going on instead; `left` how
        long it still takes."""
        ...

    def __enter__(self) -> "Meter": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def meter(clock: Clock) -> Meter:
    return Bar(clock) if errors.is_terminal else Lines(clock)


def status(counts: Counts, whole: bool, speed: Speed, left: str = "", note: str = "") -> list[str]:
    """`1,204 of 2,000`, `12 failed`, `96/s`, `about 8 s left (7 s to 10 s)`, and why nothing goes on."""
    done = counts.succeeded + counts.failed
    words = [f"{done:,} of {counts.total:,}{'' if whole else ' so far'}"]
    if counts.failed:
        words.append(f"{counts.failed:,} failed")
    if speed.per_second:
        words.append(rate(speed.per_second))
    return [*words, *(said for said in (left, note) if said)]


class Bar:
    def __init__(self, clock: Clock) -> None:
        self._speed = Speed(clock)
        self._progress = Progress(
            SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=errors, transient=True
        )
        self._task = self._progress.add_task("starting", total=None)

    def show(self, counts: Counts, whole: bool, note: str = "", left: str = "") -> None:
        done = counts.succeeded + counts.failed
        self._speed.note(done)
        words = " · ".join(status(counts, whole, self._speed, left, note))
        self._progress.update(self._task, total=counts.total or None, completed=done, description=words)

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class Lines:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._speed = Speed(clock)
        self._quiet_until = self._next_at = clock.monotonic() + QUIET_S
        self._note = ""

    def show(self, counts: Counts, whole: bool, note: str = "", left: str = "") -> None:
        self._speed.note(counts.succeeded + counts.failed)
        now = self._clock.monotonic()
        if now < self._next_at and (note == self._note or now < self._quiet_until):
            return
        self._next_at, self._note = now + LINE_EVERY_S, note
        errors.print(", ".join(status(counts, whole, self._speed, left, note)))

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Looking:
    """Bytes of a file that is being read through, shown only where it takes long enough to wonder."""

    def __init__(self, clock: Clock, size_bytes: int) -> None:
        self._clock = clock
        self._size_bytes = size_bytes
        self._next_at = clock.monotonic() + QUIET_S

    def seen(self, at_bytes: int) -> None:
        now = self._clock.monotonic()
        if now >= self._next_at and at_bytes < self._size_bytes:
            self._next_at = now + 5.0
            errors.print(f"checking the lines: {100 * at_bytes // self._size_bytes} %")


def lines_wrong(wrong: int, total: int) -> str:
    return f"{wrong:,} of {counted(total, 'line')} {'is' if wrong == 1 else 'are'} wrong"
