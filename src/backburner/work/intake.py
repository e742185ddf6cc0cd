"""From bytes to requests: reads the input in pieces, has each checked in a child process, records what it found.

Streams: a 2 GB file is never in memory. Restartable: each piece is one transaction that also says where the
next begins. The check itself is the dialect's, a pure function of the bytes.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Code, DiskFull, Violation
from backburner.core.job import Job, JobError, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import LINE_BYTES, SCAN_CHUNK_BYTES
from backburner.core.metrics import INTAKE_BYTES, INTAKE_LINES
from backburner.core.request import CheckedLine, Outcome
from backburner.dialects.protocol import Dialect, Source, Stamp
from backburner.store.jobs import Pin
from backburner.store.ledger_values import Progress
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.kept import ANSWERS_OF, AnswersGone, KeptAnswers
from backburner.work.run import JobRun
from backburner.work.space import Space

log = logging.getLogger("backburner.work")

QUEUE_LOOK_S = 0.5
QUEUE_FULL = "your queue is full (quota queued_requests); the input is read on as requests are answered"


def check(
    dialect: Dialect, chunk: bytes, source: Source, ordinal: int, line: int, offset: int
) -> list[CheckedLine]:
    """What the child process runs."""
    return dialect.check_lines(chunk, source, ordinal, line, offset)


class Piece(msgspec.Struct, frozen=True):
    """A stretch of the input: whole lines, or (`too_long` bytes) one line over the limit, which is not read."""

    chunk: bytes
    next_offset: int
    line_breaks: int
    at_end: bool
    too_long: int = 0


def source_of(job: Job) -> Source:
    endpoint = str(job.extras.get("endpoint", ""))
    return Source(job.input_name, job.kind, job.model, endpoint, job.id)


class Intake:
    """`room` says how many more requests of a job its tenant may have queued."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        space: Space,
        room: Callable[[JobRun], int],
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._space = space
        self._room = room
        self._kept = KeptAnswers(stores)

    async def scan(self, run: JobRun, until: float | None = None) -> None:
        """Scans on from where the ledger stands, to the end of the input or until the monotonic instant. While its
        tenant's queue or the disk is full it waits; with an instant it returns. Raises DiskFull."""
        while not run.ledger.progress.done and not run.job.ended:
            short = self._space.waiting
            room = 0 if short else self._room(run)
            run.reading_waits = "" if room else short or QUEUE_FULL
            if until is not None and (not room or self._clock.monotonic() >= until):
                return
            if not room:
                await self._clock.sleep(QUEUE_LOOK_S)
                continue
            await self._scan_piece(run, room)
            self._board.touch(run)

    async def scan_on(self, run: JobRun) -> None:
        """The rest of a job that was accepted before all of its input was seen."""
        try:
            await self._scan_through(run)
        except FileNotFoundError:
            await self._fail(run, Code.DATA_LOSS, "the input of the job is gone from the data folder")
        except AnswersGone:
            words = "the job whose answers this one keeps was deleted, or its results, before they were taken over"
            await self._fail(run, Code.DATA_LOSS, words)
        except Exception:  # the edge of a task that nobody waits for: the job must end, and say why
            log.exception("event=scan_broken job=%s", run.job.id)
            line = run.ledger.progress.next_line
            words = f"reading the input failed behind line {line - 1}; the server's log has the details"
            await self._fail(run, Code.INTERNAL, words)
        if run.job.ended or not run.ledger.progress.done:
            return
        if not run.counts.total:
            await self._fail(
                run, Code.INVALID_ARGUMENT, f"{run.job.input_name or 'the body'} has no requests in it"
            )
        elif run.condemned:
            message = (
                f"{run.ledger.progress.invalid_count} of {run.counts.total} lines of "
                f"{run.job.input_name or 'the request body'} are wrong; "
                "the results file has the reason for each of them in its place. "
                'Mend them, or send onInvalid: "skip" to run the good ones'
            )
            await self._fail(run, Code.INVALID_ARGUMENT, message)
        elif not run.job.scanned:
            await self._board.amend(run)

    async def _scan_through(self, run: JobRun) -> None:
        while True:
            try:
                return await self.scan(run)
            except DiskFull:
                await self._space.room()

    async def _fail(self, run: JobRun, code: Code, message: str) -> None:
        await self._board.move(run, JobState.FAILED, JobError(code, message))

    async def _scan_piece(self, run: JobRun, most_lines: int) -> None:
        job, progress = run.job, run.ledger.progress
        piece = await self._lanes.read.run(self._read, job, progress.next_offset)
        if not piece.too_long and piece.line_breaks >= most_lines:
            piece = _shortened(piece, progress.next_offset, most_lines)
        lines: Sequence[CheckedLine]
        if piece.too_long:
            lines = [_too_long(progress, piece.too_long)]
        else:
            lines = await self._lanes.scan.run(
                check,
                run.dialect,
                piece.chunk,
                source_of(job),
                progress.next_ordinal,
                progress.next_line,
                progress.next_offset,
            )
            lines = await self._resolve(job, lines)
        wrong = [line for line in lines if line.violations]
        after = Progress(
            next_offset=piece.next_offset,
            next_line=progress.next_line + piece.line_breaks,
            next_ordinal=progress.next_ordinal + len(lines),
            invalid_count=progress.invalid_count + len(wrong),
            done=piece.at_end and not run.dialect.unique_keys,
        )
        known = [refusal(run, line, self._clock.now()) for line in wrong]
        if ANSWERS_OF in job.extras:
            known += await self._lanes.read.run(self._kept.of, job, lines)
        await self._lanes.write.run(run.ledger.record_scan, lines, known, after)
        run.warn(warning for line in lines for warning in line.warnings)
        self._board.metrics.add(INTAKE_LINES, (), len(lines))
        self._board.metrics.add(INTAKE_BYTES, (), piece.next_offset - progress.next_offset)
        if piece.at_end and run.dialect.unique_keys:
            await self._refuse_repeats(run, msgspec.structs.replace(after, done=True))

    async def _refuse_repeats(self, run: JobRun, after: Progress) -> None:
        """The end of a scan where keys are unique: only now can it be known that they are."""
        again = await self._lanes.write.run(run.ledger.repeated_keys)
        lines = [
            CheckedLine(
                ordinal, line, 0, 0, key, b"", b"", b"", (run.dialect.repeated_key(key, line, first),)
            )
            for ordinal, line, key, first in again
        ]
        after = msgspec.structs.replace(after, invalid_count=after.invalid_count + len(lines))
        refused = [refusal(run, line, self._clock.now()) for line in lines]
        await self._lanes.write.run(run.ledger.refuse, lines, refused, after)

    def _read(self, job: Job, offset: int) -> Piece:
        """Whole lines from `offset` on, about SCAN_CHUNK_BYTES of them."""
        most = LINE_BYTES + len(b"\r\n")
        size = min(SCAN_CHUNK_BYTES, most)
        while True:
            chunk = self._stores.blobs.read_range(job.input_blob, offset, size)
            if offset + len(chunk) >= job.input_bytes:
                return Piece(chunk, job.input_bytes, chunk.count(b"\n"), at_end=True)
            end = chunk.rfind(b"\n") + 1
            if end:
                return Piece(chunk[:end], offset + end, chunk.count(b"\n"), at_end=False)
            if size == most:
                return self._behind_line(job, offset, offset + len(chunk))
            size = min(2 * size, most)

    def _behind_line(self, job: Job, offset: int, at: int) -> Piece:
        """Looks for the end of a line that is too long, from `at` on, and holds none of it in memory."""
        while at < job.input_bytes:
            chunk = self._stores.blobs.read_range(job.input_blob, at, SCAN_CHUNK_BYTES)
            end = chunk.find(b"\n")
            if end >= 0:
                after = at + end + 1
                return Piece(b"", after, 1, after >= job.input_bytes, too_long=at + end - offset)
            at += len(chunk)
        return Piece(b"", job.input_bytes, 0, at_end=True, too_long=job.input_bytes - offset)

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
                pins += [Pin("file", name, row.blob, row.sha256)] if row is not None and there else []
            else:
                cache = self._stores.caches.get(job.tenant, name)
                there = cache is not None and cache.expire_at > now
                pins += [Pin("cache", name)] if there else []
            found[kind, name] = there
        self._stores.jobs.pin(job.id, pins)
        return found


def _shortened(piece: Piece, offset: int, lines: int) -> Piece:
    """Its first lines."""
    end = -1
    for _ in range(lines):
        end = piece.chunk.index(b"\n", end + 1)
    chunk = piece.chunk[: end + 1]
    return Piece(chunk, offset + len(chunk), lines, piece.at_end and len(chunk) == len(piece.chunk))


def _too_long(at: Progress, length: int) -> CheckedLine:
    violation = Violation(
        "",
        f"the line is {length:,} bytes long, at most {LINE_BYTES:,} are taken",
        "Upload media as files and name them in the request",
        at.next_line,
    )
    return CheckedLine(
        at.next_ordinal, at.next_line, at.next_offset, length, None, b"", b"", b"", (violation,)
    )


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
