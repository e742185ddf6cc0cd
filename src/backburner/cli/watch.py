"""`backburner jobs watch`: follows a job to its end; a bar in a terminal, a line now and then elsewhere.

A connection that is lost is made again: a server may be restarted while somebody watches.
"""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from backburner.api.native.bodies import ErrorBody, ProgressBody
from backburner.cli.client import Api
from backburner.cli.jobs_view import words
from backburner.cli.say import errors, results
from backburner.core.clock import Clock
from backburner.core.errors import NotFound, Unavailable

LINE_EVERY_S = 10.0
TRIES = 6  # with growing pauses: about half a minute
FIRST_PAUSE_S = 0.5


class Patience:
    """How long a server that has gone away is waited for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tried = 0

    def answered(self) -> None:
        self._tried = 0

    async def lost(self, error: Unavailable) -> None:
        """Waits for a while. Raises the error when that was done often enough."""
        if self._tried >= TRIES:
            raise error
        if not self._tried:
            errors.print(f"{error.message}. Trying again.")
        await self._clock.sleep(FIRST_PAUSE_S * 2**self._tried)
        self._tried += 1


async def progress_of(api: Api, job: str, clock: Clock) -> AsyncIterator[tuple[ProgressBody, bytes]]:
    """Every piece of progress, and as it came; the last one says that the job has ended. Raises Refused."""
    patience = Patience(clock)
    begun = False
    while True:
        try:
            async for data in api.events(f"/jobs/{job}/events"):
                found = _decoded(data)
                begun = True
                patience.answered()
                yield found, data
                if found.ended:
                    return
            raise Unavailable("the server ended the stream before the job ended")
        except Unavailable as error:
            if not begun:
                raise
            await patience.lost(error)


def _decoded(data: bytes) -> ProgressBody:
    try:
        return msgspec.json.decode(data, type=ProgressBody)
    except msgspec.ValidationError:
        error = msgspec.json.decode(data, type=ErrorBody).error
        raise NotFound(error.message, reason=error.reason) from None


class Display(Protocol):
    def show(self, found: ProgressBody, data: bytes) -> None: ...
    def close(self) -> None: ...


def display(clock: Clock, as_json: bool) -> Display:
    if as_json:
        return _Json()
    return _Bar() if errors.is_terminal else _Lines(clock)


class _Json:
    def show(self, found: ProgressBody, data: bytes) -> None:
        results.print(data.decode())

    def close(self) -> None:
        pass


class _Bar:
    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=errors, transient=True
        )
        self._task = self._progress.add_task("", total=None)
        self._progress.start()

    def show(self, found: ProgressBody, data: bytes) -> None:
        done = found.counts.succeeded + found.counts.failed
        self._progress.update(
            self._task,
            total=found.counts.total or None,
            completed=done,
            description=" · ".join(words(found)),
        )

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    """A line when the state or the reason changes, and otherwise every LINE_EVERY_S."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_at = clock.monotonic()
        self._said = ("", "", False)

    def show(self, found: ProgressBody, data: bytes) -> None:
        now = self._clock.monotonic()
        what = (found.state, found.waiting_reason, bool(found.window_warning))
        if not found.ended and (now >= self._next_at or what != self._said):
            self._next_at, self._said = now + LINE_EVERY_S, what
            errors.print(", ".join([found.state, *words(found)]))

    def close(self) -> None:
        pass
