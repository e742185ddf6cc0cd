"""From outcomes to the result file, in input order.

Walks the ordinals, never the order of completion: this is where promise P1 lives. A job that was cancelled,
failed or expired is published too: what it has, and for each request without an outcome an error that says
why. The file is written aside and gets its name only when it is whole; the job is called SUCCEEDED after that.
"""

import array
import asyncio
import hashlib
from collections.abc import Iterator

from backburner.core.clock import Clock
from backburner.core.job import Job, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import STREAM_BYTES
from backburner.core.names import result_file_id
from backburner.core.request import line_of
from backburner.dialects.protocol import Dialect, Stamp
from backburner.store.blobs import BlobWriter
from backburner.store.files import FileRow, FileSource
from backburner.store.ledger import LedgerReader
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.run import JobRun

PAGE_ROWS = 250  # an answer may be large
DROP_ROWS = 5000


def rows(reader: LedgerReader, total: int) -> Iterator[tuple[int, str | None, bytes, bytes | None]]:
    """(ordinal, key, echo, body) of `total` requests in input order; body None where there is no outcome."""
    seqs = reader.seqs(total)
    for start in range(0, total, PAGE_ROWS):
        page = reader.echoes(start, min(PAGE_ROWS, total - start))
        bodies = reader.bodies([seqs[ordinal] for ordinal, _, _ in page if seqs[ordinal]])
        for ordinal, key, echo in page:
            yield ordinal, key, echo, bodies.get(seqs[ordinal])


def walk(reader: LedgerReader, job: Job, dialect: Dialect, total: int) -> Iterator[bytes]:
    """The result lines of a job that has ended, in input order, without line breaks."""
    for ordinal, key, echo, body in rows(reader, total):
        if body is None:
            body = dialect.unfinished(job.state, Stamp(job.id, ordinal, key, job.created_at)).body
        yield line_of(echo, body)


class Publisher:
    def __init__(
        self, clock: Clock, stores: Stores, lanes: Lanes, board: Board, result_retention_s: float
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._retention_s = result_retention_s
        self._queue: asyncio.Queue[JobRun] = asyncio.Queue()

    def submit(self, run: JobRun) -> None:
        """Publishes the run when its turn comes; a second call for it does nothing."""
        if not run.publishing:
            run.publishing = True
            self._queue.put_nowait(run)

    async def loop(self) -> None:
        while True:
            await self.publish(await self._queue.get())

    async def publish(self, run: JobRun) -> None:
        if not run.job.ended:
            if run.job.state is JobState.PENDING:  # every line was wrong: nothing was ever sent
                await self._board.move(run, JobState.RUNNING)
            if run.job.state is not JobState.FINALIZING:
                await self._board.move(run, JobState.FINALIZING)
        job = run.snapshot()
        row, index = await self._lanes.read.run(self._write, job, run.dialect)
        await self._lanes.write.run(self._save, row, job.id, index)
        blob, size_bytes = row.blob, row.size_bytes
        if not await self._board.move(run, JobState.SUCCEEDED, results_blob=blob, results_bytes=size_bytes):
            await self._board.amend(run, results_blob=blob, results_bytes=size_bytes)
        await self._lanes.write.run(self._stores.release_pins, job.id)
        await self._drop_bodies(run)
        await self._board.retire(run)

    def _save(self, row: FileRow, job: str, index: "array.array[int]") -> None:
        before = self._stores.files.get(row.tenant, row.id)
        self._stores.ledgers.save_line_index(job, index)
        self._stores.files.replace(row)
        if before is not None:  # a crash came before the job could be told
            self._stores.delete_blob_unless_used(before.blob)

    def _write(self, job: Job, dialect: Dialect) -> tuple[FileRow, "array.array[int]"]:
        writer = self._stores.blobs.writer()
        try:
            index, sha256 = self._copy(writer, job, dialect)
            blob = writer.commit()
        except BaseException:
            writer.discard()
            raise
        now = self._clock.now()
        row = FileRow(
            id=result_file_id(job.id),
            tenant=job.tenant,
            blob=blob,
            size_bytes=index[-1],
            mime_type="application/jsonl",
            display_name=f"results of {job.display_name or job.id}",
            sha256=sha256,
            source=FileSource.GENERATED,
            job=job.id,
            created_at=now,
            updated_at=now,
            expire_at=now + self._retention_s,
        )
        return row, index

    def _copy(self, writer: BlobWriter, job: Job, dialect: Dialect) -> tuple["array.array[int]", str]:
        """The lines, to the writer. Where each begins and where the last ends, and the digest of all."""
        digest = hashlib.sha256()
        index: array.array[int] = array.array("q")
        size_bytes = 0
        gathered = bytearray()
        with self._stores.ledgers.reader(job.id) as reader:
            for line in walk(reader, job, dialect, job.counts.total):
                index.append(size_bytes)
                size_bytes += len(line) + 1
                gathered += line
                gathered += b"\n"
                if len(gathered) >= STREAM_BYTES:
                    digest.update(gathered)
                    writer.write(gathered)
                    gathered.clear()
        digest.update(gathered)
        writer.write(gathered)
        assert len(index) == job.counts.total, "one line for each request"
        index.append(size_bytes)
        return index, digest.hexdigest()

    async def _drop_bodies(self, run: JobRun) -> None:
        """In steps, so that other jobs' commits come in between."""
        seq: int | None = 1
        while seq is not None:
            seq = await self._lanes.write.run(run.ledger.drop_bodies, seq, DROP_ROWS)
