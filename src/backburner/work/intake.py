"""From bytes to requests: reads the input in pieces, has each checked in a child process, records what it found.

Streams: a 2 GB file is never in memory. Restartable: each piece is one transaction that also says where the
next begins. The check itself is the dialect's, a pure function of the bytes.
"""

from collections.abc import Mapping, Sequence

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Code, Violation
from backburner.core.job import Job, JobError, JobState, OnInvalid
from backburner.core.lanes import Lanes
from backburner.core.limits import LINE_BYTES, SCAN_CHUNK_BYTES
from backburner.core.request import CheckedLine, Outcome
from backburner.dialects.protocol import Dialect, Source, Stamp
from backburner.store.jobs import Pin
from backburner.store.ledger import Progress
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.run import JobRun


def check(
    dialect: Dialect, chunk: bytes, source: Source, ordinal: int, line: int, offset: int
) -> list[CheckedLine]:
    """What the child process runs."""
    return dialect.check_lines(chunk, source, ordinal, line, offset)


def source_of(job: Job) -> Source:
    return Source(job.input_name, job.kind, job.model)


class Intake:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, board: Board) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board

    async def scan(self, run: JobRun, until: float | None = None) -> None:
        """Scans on from where the ledger stands, to the end of the input or until the monotonic instant."""
        while not run.ledger.progress.done and not run.job.ended:
            if until is not None and self._clock.monotonic() >= until:
                return
            await self._scan_piece(run)
            self._board.changed.set()

    async def scan_on(self, run: JobRun) -> None:
        """The rest of a job that was accepted before all of its input was seen."""
        await self.scan(run)
        if run.job.ended or not run.ledger.progress.done:
            return
        invalid = run.ledger.progress.invalid_count
        if invalid and run.job.on_invalid is OnInvalid.FAIL:
            message = (
                f"{invalid} of {run.counts.total} lines of {run.job.input_name or 'the request body'} are wrong; "
                "the results file has the reason for each of them in its place. "
                'Mend them, or send onInvalid: "skip" to run the good ones'
            )
            await self._board.move(run, JobState.FAILED, JobError(Code.INVALID_ARGUMENT, message))
        else:
            await self._board.amend(run)

    async def _scan_piece(self, run: JobRun) -> None:
        job, progress = run.job, run.ledger.progress
        chunk, at_end = await self._lanes.read.run(self._read, job, progress.next_offset)
        lines = await self._lanes.scan.run(
            check,
            run.dialect,
            chunk,
            source_of(job),
            progress.next_ordinal,
            progress.next_line,
            progress.next_offset,
        )
        lines = await self._resolve(job, lines)
        wrong = [line for line in lines if line.violations]
        after = Progress(
            next_offset=progress.next_offset + len(chunk),
            next_line=progress.next_line + chunk.count(b"\n"),
            next_ordinal=progress.next_ordinal + len(lines),
            invalid_count=progress.invalid_count + len(wrong),
            done=at_end,
        )
        refused = [refusal(run, line, self._clock.now()) for line in wrong]
        await self._lanes.write.run(run.ledger.record_scan, lines, refused, after)
        run.warn(warning for line in lines for warning in line.warnings)

    def _read(self, job: Job, offset: int) -> tuple[bytes, bool]:
        """Whole lines from `offset` on, about SCAN_CHUNK_BYTES of them, and whether that was the end."""
        size = SCAN_CHUNK_BYTES
        while True:
            chunk = self._stores.blobs.read_range(job.input_blob, offset, size)
            if offset + len(chunk) >= job.input_bytes:
                return chunk, True
            end = chunk.rfind(b"\n")
            if end >= 0:
                return chunk[: end + 1], False
            if size > LINE_BYTES:  # no line break in sight: the dialect names the line that is too long
                return self._skip_line(job, offset, chunk)
            size *= 2

    def _skip_line(self, job: Job, offset: int, chunk: bytes) -> tuple[bytes, bool]:
        at = offset + len(chunk)
        while at < job.input_bytes:
            piece = self._stores.blobs.read_range(job.input_blob, at, SCAN_CHUNK_BYTES)
            if (end := piece.find(b"\n")) >= 0:
                return chunk + piece[: end + 1], at + end + 1 >= job.input_bytes
            chunk += piece
            at += len(piece)
        return chunk, True

    async def _resolve(self, job: Job, lines: Sequence[CheckedLine]) -> Sequence[CheckedLine]:
        """Pins the files and caches that the lines name; a line that names a missing one is wrong."""
        wanted = {("file", name) for line in lines for name in line.files}
        wanted |= {("cache", name) for line in lines for name in line.caches}
        if not wanted:
            return lines
        found = await self._lanes.write.run(self._pin, job, wanted)
        return [
            line
            if not (gone := _missing(line, found))
            else msgspec.structs.replace(line, violations=(*line.violations, *gone))
            for line in lines
        ]

    def _pin(self, job: Job, wanted: set[tuple[str, str]]) -> Mapping[tuple[str, str], bool]:
        now = self._clock.now()
        found: dict[tuple[str, str], bool] = {}
        pins: list[Pin] = []
        for kind, name in sorted(wanted):
            if kind == "file":
                row = self._stores.files.get(job.tenant, name)
                there = row is not None and row.blob is not None and row.expire_at > now
                pins += [Pin("file", name, row.blob)] if row is not None and there else []
            else:
                cache = self._stores.caches.get(job.tenant, name)
                there = cache is not None and cache.expire_at > now
                pins += [Pin("cache", name)] if there else []
            found[kind, name] = there
        self._stores.jobs.pin(job.id, pins)
        return found


def _missing(line: CheckedLine, found: Mapping[tuple[str, str], bool]) -> list[Violation]:
    gone = [f"files/{name}" for name in line.files if not found["file", name]]
    gone += [f"cachedContents/{name}" for name in line.caches if not found["cache", name]]
    return [
        Violation(
            "request",
            f"names {name}, which does not exist or has expired",
            "Upload it, or create it, before the batch",
            line.line,
            line.key,
        )
        for name in gone
    ]


def refusal(run: JobRun, line: CheckedLine, now: float) -> Outcome:
    """The outcome of a wrong line, in its place."""
    where = f"line {line.line}" if run.job.input_name else f"request {line.ordinal}"
    message = f"{where}: " + "; ".join(violation.sentence() for violation in line.violations)
    stamp = Stamp(run.job.id, line.ordinal, line.key, run.job.created_at)
    outcome = run.dialect.failed(Code.INVALID_ARGUMENT, message, stamp)
    return msgspec.structs.replace(outcome, at=now)
