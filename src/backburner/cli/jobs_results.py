"""`backburner jobs results`: result lines to standard output or into a file, now or as they come in."""

import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from backburner.api.native.bodies import JobBody, NumberedLine
from backburner.cli.client import Api
from backburner.cli.say import counted, errors
from backburner.cli.watch import Patience
from backburner.core.clock import Clock
from backburner.core.errors import Unavailable

_line = msgspec.json.Decoder(NumberedLine)


async def fetch(api: Api, job: JobBody, out: Path | None, order: str) -> None:
    """What there is now. A file gets its name when all of it is there."""
    path = f"/jobs/{job.id}/results"
    async with api.open("GET", path, {"order": order}) as opened:
        with opened_aside(out) as file:
            async for chunk in api.chunks(opened):
                file.write(chunk)
    if opened.headers.get("x-incomplete") == "true":
        what = (
            "the results up to the first request that is not done; --order commit gives all so far"
            if order == "input"
            else "the results so far, in the order in which they came in"
        )
        errors.print(f"The job is {job.state}: these are {what}.")


async def follow(api: Api, job: JobBody, out: Path | None, clock: Clock) -> None:
    """Every line once, as it comes in, until the job has ended; through lost connections too."""
    with opened_growing(out) as file:
        async for line in _followed(api, job.id, clock):
            file.write(line + b"\n")
            file.flush()
    ended = await api.call("GET", f"/jobs/{job.id}", JobBody)
    if ended.counts.pending:
        errors.print(
            f"The job ended as {ended.state}; {counted(ended.counts.pending, 'request')} had no answer by then. "
            f"Without --follow each has a line that says so."
        )


async def _followed(api: Api, job: str, clock: Clock) -> AsyncIterator[bytes]:
    patience = Patience(clock)
    cursor, begun = "", False
    while True:
        query = {"follow": "true", "envelope": "true", "cursor": cursor}
        try:
            async for data in api.lines(f"/jobs/{job}/results", query):
                found = _line.decode(data)
                cursor, begun = found.cursor, True
                patience.answered()
                yield bytes(found.line)
            return
        except Unavailable as error:
            if not begun:
                raise
            await patience.lost(error)


@contextmanager
def opened_aside(out: Path | None) -> Generator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def opened_growing(out: Path | None) -> Generator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        return
    with out.open("wb") as file:
        yield file
