"""From outcomes to the result file, in input order.

Walks the ordinals, never the order of completion: this is where promise P1 lives. A job that was cancelled,
failed or expired is published too: what it has, and for each request without an outcome an error that says
why. Where the dialect wants errors apart there are two files, each in input order. A file is written aside and
gets its name only when it is whole; the job is called SUCCEEDED after that.
"""

import array
import asyncio
import hashlib
from collections.abc import Callable, Iterator

import msgspec

from backburner.core.clock import Clock
from backburner.core.job import Job, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB, STREAM_BYTES
from backburner.core.names import errors_file_id, result_file_id
from backburner.core.request import OutcomeKind, line_of
from backburner.dialects.protocol import Dialect, Stamp
from backburner.store.blobs import Blobs, BlobWriter
from backburner.store.files import FileRow, FileSource
from backburner.store.ledger_reader import LedgerReader
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.rotation import Rotation
from backburner.work.run import JobRun
from backburner.work.space import Space

PAGE_ROWS = 250  # an answer may be large
DROP_ROWS = 2000
DROP_BYTES = 4 * MIB


class Row(msgspec.Struct, frozen=True):
    """A request with its outcome, or with neither body nor kind."""

    ordinal: int
    key: str | None
    echo: bytes
    body: bytes | None = None
    kind: OutcomeKind | None = None


def rows(reader: LedgerReader, total: int) -> Iterator[Row]:
    """`total` requests in input order."""
    seqs = reader.seqs(total)
    for start in range(0, total, PAGE_ROWS):
        page = reader.echoes(start, min(PAGE_ROWS, total - start))
        bodies = reader.bodies([seqs[ordinal] for ordinal, _, _ in page if seqs[ordinal]])
        for ordinal, key, echo in page:
            body, kind = bodies.get(seqs[ordinal], (None, None))
            yield Row(ordinal, key, echo, body, kind)


def walk(reader: LedgerReader, job: Job, dialect: Dialect, total: int) -> Iterator[tuple[bytes, bool]]:
    """The result lines of a job that has ended, in input order, without line breaks; and whether the line is
    an answer."""
    for row in rows(reader, total):
        body = row.body
        if body is None:
            body = dialect.unfinished(job.state, Stamp(job.id, row.ordinal, row.key, job.created_at)).body
        yield line_of(row.echo, body), row.kind is OutcomeKind.ANSWER


class Copy:
    """One result file in the making."""

    def __init__(self, writer: BlobWriter, check_room: Callable[[], None]) -> None:
        """`check_room` raises when the disk is too full to go on."""
        self.size_bytes = 0
        self.blob = ""
        self._check_room = check_room
        self._writer = writer
        self._digest = hashlib.sha256()
        self._gathered = bytearray()

    def add(self, line: bytes) -> int:
        """Where the line begins."""
        begin = self.size_bytes
        self._gathered += line + b"\n"
        self.size_bytes += len(line) + 1
        if len(self._gathered) >= STREAM_BYTES:
            self._flush()
        return begin

    def _flush(self) -> None:
        self._check_room()
        self._digest.update(self._gathered)
        self._writer.write(self._gathered)
        self._gathered.clear()

    def commit(self) -> tuple[str, str]:
        """The blob and the hex digest of its bytes."""
        self._flush()
        self.blob = self._writer.commit()
        return self.blob, self._digest.hexdigest()

    def discard(self, blobs: Blobs) -> None:
        self._writer.discard()
        if self.blob:
            blobs.delete(self.blob)


class Published(msgspec.Struct, frozen=True):
    """What a job left: its result file, the file of its errors where they are apart, and where each line is."""

    results: FileRow
    errors: FileRow | None
    index: "array.array[int]"


class Publisher:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        space: Space,
        result_retention_s: float,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._space = space
        self._retention_s = result_retention_s
        self._waiting = Rotation[JobRun]()
        self._there = asyncio.Semaphore(0)  # as often as there is one waiting

    def submit(self, run: JobRun) -> None:
        """Publishes the run when its turn comes; a second call for it does nothing."""
        if not run.publishing:
            run.publishing = True
            self._waiting.put(run.job.tenant, run)
            self._there.release()

    async def loop(self) -> None:
        while True:
            await self._there.acquire()
            run = self._waiting.take()
            assert run is not None, "one for each release"
            await self.publish(run)

    async def publish(self, run: JobRun) -> None:
        if not run.job.ended:
            if run.job.state is JobState.PENDING:  # every line was wrong: nothing was ever sent
                await self._board.move(run, JobState.RUNNING)
            if run.job.state is not JobState.FINALIZING:
                await self._board.move(run, JobState.FINALIZING)
        job = run.snapshot()
        made = await self._lanes.read.run(self._write, job, run.dialect)
        await self._lanes.write.run(self._save, made, job.id)
        changes: dict[str, object] = {
            "results_blob": made.results.blob,
            "results_bytes": made.results.size_bytes,
            "errors_blob": made.errors.blob if made.errors else None,
            "errors_bytes": made.errors.size_bytes if made.errors else 0,
        }
        if not await self._board.move(run, JobState.SUCCEEDED, None, **changes):
            await self._board.amend(run, **changes)
        await self._lanes.write.run(self._stores.release_pins, job.id)
        await self._drop_bodies(run)
        await self._board.retire(run)

    def _save(self, made: Published, job: str) -> None:
        self._stores.ledgers.save_line_index(job, made.index)
        for row in (made.results, made.errors):
            if row is None:
                continue
            before = self._stores.files.get(row.tenant, row.id)
            self._stores.files.replace(row)
            if before is not None:  # a crash came before the job could be told
                self._stores.delete_blob_unless_used(before.blob)

    def _write(self, job: Job, dialect: Dialect) -> Published:
        blobs, check_room = self._stores.blobs, self._space.check_results
        answers = Copy(blobs.writer(), check_room)
        errors = Copy(blobs.writer(), check_room) if dialect.errors_apart else answers
        index: array.array[int] = array.array("q")
        try:
            with self._stores.ledgers.reader(job.id) as reader:
                for line, answered in walk(reader, job, dialect, job.counts.total):
                    begin = (answers if answered else errors).add(line)
                    # a line of the file of errors has its place as -1 - offset
                    index.append(-1 - begin if errors is not answers and not answered else begin)
                    index.append(len(line))
            assert len(index) == 2 * job.counts.total, "one line for each request"
            results = self._row(job, result_file_id(job.id), "results", answers)
            apart = errors is not answers and errors.size_bytes > 0
            failed = self._row(job, errors_file_id(job.id), "errors", errors) if apart else None
            if errors is not answers and not apart:
                errors.discard(blobs)
            return Published(results, failed, index)
        except BaseException:
            answers.discard(blobs)
            errors.discard(blobs)
            raise

    def _row(self, job: Job, file: str, what: str, copy: Copy) -> FileRow:
        blob, sha256 = copy.commit()
        now = self._clock.now()
        return FileRow(
            id=file,
            tenant=job.tenant,
            blob=blob,
            size_bytes=copy.size_bytes,
            mime_type="application/jsonl",
            display_name=f"{what} of {job.display_name or job.id}",
            sha256=sha256,
            source=FileSource.GENERATED,
            job=job.id,
            created_at=now,
            updated_at=now,
            expire_at=now + (job.result_retention_s or self._retention_s),
        )

    async def _drop_bodies(self, run: JobRun) -> None:
        """In steps, so that other jobs' commits come in between."""
        seq: int | None = 1
        while seq is not None:
            seq = await self._lanes.write.run(run.ledger.drop_bodies, seq, DROP_ROWS, DROP_BYTES)
