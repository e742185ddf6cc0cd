"""The only place that reads time.

Instants (`_at`) are seconds since the Unix epoch in UTC, as floats; durations end in `_s`. Windows and
expiries are wall time because they are promises to people; waits and back-offs are monotonic because a
wall clock may jump. Tests and the simulator pass a clock of their own.
"""

import asyncio
import datetime
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Wall time, seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""
        ...

    async def sleep(self, duration_s: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


def rfc3339(instant_at: float) -> str:
    """An instant as RFC 3339 in UTC with microseconds: `2026-11-21T02:16:00.123456Z`."""
    moment = datetime.datetime.fromtimestamp(instant_at, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> float:
    """The instant that an RFC 3339 timestamp names. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"timestamp {text!r} has no time zone; write it as 2026-11-21T00:00:00Z")
    return moment.timestamp()
