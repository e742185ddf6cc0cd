"""The job of `backburner run`: the same House as a server's, without its door.

Begins the job or takes it up again, follows it to its end or to a signal, and writes the result file out. All
that matters is in the state folder, so it may be killed at any moment.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from backburner.app import House
from backburner.cli.meter import Meter
from backburner.cli.run_failures import Failure, failures
from backburner.cli.say import errors, left
from backburner.config import Settings
from backburner.core.errors import Unavailable
from backburner.core.job import Job, JobKind, JobState, OnInvalid
from backburner.core.limits import STREAM_BYTES
from backburner.core.request import Usage
from backburner.service.drafts import JobDraft
from backburner.service.keys import DEFAULT_TENANT
from backburner.store.ownership import Ownership

LOOK_S = 0.1
WINDOW_S = 10 * 365 * 86400.0  # nobody waits for a deadline here: an interrupted run may be continued any day


class Ask(msgspec.Struct, frozen=True):
    """What `run` is to do. `out` None is standard output."""

    source: Path
    name: str
    out: Path | None
    kind: JobKind
    model: str
    on_invalid: OnInvalid


class Ending(msgspec.Struct, frozen=True):
    """How it went. `stopped_by` is a signal's number, 0 when the job has ended. `made` counts the outcomes of
    this process alone."""

    job: Job
    stopped_by: int
    made: int
    duration_s: float
    usage: Usage = Usage()
    failures: tuple[Failure, ...] = ()


async def answer(settings: Settings, ask: Ask, meter: Meter) -> Ending:
    """Raises Refused for what can be told at once."""
    signals = Signals()
    refuse_a_second(Path(settings.data))
    house = House(settings)
    try:
        await house.start()
        job = await _begun(house, ask)
        began_at, before = house.clock.now(), _done(job)
        with meter:
            job = await _followed(house, job, meter, signals)
        ended_at = max(began_at, job.ended_at or house.clock.now())
        ending = Ending(job, signals.caught, _done(job) - before, ended_at - began_at)
        if not ending.stopped_by:
            ending = await _written(house, ending, ask.out)
    finally:
        await house.stop()
    if ending.stopped_by and (run := house.board.runs.get(job.id)):
        return msgspec.structs.replace(ending, job=run.snapshot())  # with what came in while it drained
    return ending


def refuse_a_second(folder: Path) -> None:
    """Raises Unavailable when another process is at the same run."""
    try:
        Ownership(folder).release()
    except Unavailable:
        raise Unavailable(
            f"the same run is going on in another process: {folder} is in use. Wait for it, or name another "
            "output with -o"
        ) from None


class Signals:
    """The first Ctrl-C or SIGTERM asks to stop; the second ends the process, which is safe at any moment."""

    def __init__(self) -> None:
        self.caught = 0
        self.stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._catch, number)

    def _catch(self, number: int) -> None:
        if self.caught:
            os._exit(128 + number)
        self.caught = number
        self.stop.set()


def _done(job: Job) -> int:
    return job.counts.succeeded + job.counts.failed


async def _begun(house: House, ask: Ask) -> Job:
    """The job of an earlier run, or a new one."""
    page = await house.jobs.list(DEFAULT_TENANT, 1, None)
    if page.items:
        job = page.items[0]
        errors.print(f"Continuing: {_done(job):,} of {job.counts.total:,} are done.")
        return job
    file = await house.files.adopt(DEFAULT_TENANT, "jsonl", ask.name, _pieces(ask.source))
    draft = JobDraft(
        dialect="gemini",
        kind=ask.kind,
        model=ask.model,
        on_invalid=ask.on_invalid,
        window_s=WINDOW_S,
        file_id=file.id,
    )
    return await house.jobs.create(DEFAULT_TENANT, draft)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(STREAM_BYTES):
            yield piece


async def _followed(house: House, job: Job, meter: Meter, signals: Signals) -> Job:
    """The job once its results are published, or as it is when a signal came."""
    while True:
        job = await house.jobs.get(DEFAULT_TENANT, job.id)
        await _show(house, job, meter)
        if job.ended and job.results_blob is not None:
            signals.caught = 0  # too late to stop: everything is there
            return job
        if signals.caught:
            errors.print("Stopping: calls under way get a few seconds. (Again: at once; nothing is lost.)")
            return job
        if house.broken.done():
            house.broken.result()
        with suppress(TimeoutError):
            await asyncio.wait_for(signals.stop.wait(), LOOK_S)


async def _show(house: House, job: Job, meter: Meter) -> None:
    if job.ended or job.state is JobState.FINALIZING:
        meter.show(job.counts, job.scanned, "writing the results")
        return
    found = await house.progress.of(job, tokens=False)
    end = found.completion
    words = left(*(at - found.at for at in (end.likely_at, end.earliest_at, end.latest_at))) if end else ""
    meter.show(job.counts, job.scanned, found.waiting_reason, words)


async def _written(house: House, ending: Ending, out: Path | None) -> Ending:
    """Writes the result file out and looks at what is in it."""
    blob = ending.job.results_blob
    assert blob is not None
    if out is not None:
        await house.lanes.read.run(house.stores.blobs.export, blob, out)
    else:
        async for piece in house.results.published(ending.job):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    found: tuple[Failure, ...] = ()
    if ending.job.counts.failed:
        found = await house.lanes.read.run(failures, house.stores.blobs.open_stream(blob))
    usage = await house.lanes.read.run(_usage, house, ending.job.id)
    return msgspec.structs.replace(ending, usage=usage, failures=found)


def _usage(house: House, job: str) -> Usage:
    with house.stores.ledgers.reader(job) as reader:
        return Usage(*reader.usage())
