"""Results: all of them in input order once the job has ended, and what there is so far while it runs.

Two orders. By `seq`, the order of commit: stable, so a cursor can follow it. By input: the finished prefix
while the job runs, everything afterwards.
"""

from collections.abc import AsyncIterator, Iterator

import msgspec

from backburner.core.errors import NotFound
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB, STREAM_BYTES
from backburner.core.names import result_file_id
from backburner.core.request import line_of
from backburner.service import cursors
from backburner.store.stores import Stores
from backburner.work.publish import rows

PAGE_ROWS = 500
PAGE_BYTES = 4 * MIB


class Results(msgspec.Struct, frozen=True):
    """Lines with their line breaks. `cursor` continues behind the last of them; `complete` says that no more
    will come."""

    lines: AsyncIterator[bytes]
    cursor: str
    complete: bool


def encode_cursor(seq: int) -> str:
    return cursors.encode("seq", seq)


def decode_cursor(cursor: str) -> int:
    """Raises InvalidArgument."""
    return cursors.decode(cursor, "seq")


class Numbered(msgspec.Struct, frozen=True):
    """One result line, without its line break, and its place in both orders."""

    seq: int
    ordinal: int
    key: str | None
    line: bytes


def published_lines(stores: Stores, job: Job, ordinals: list[int]) -> Iterator[tuple[int, bytes]]:
    """(ordinal, line) of lines whose bodies have left the ledger, from the files. The job may have been published
    after it was read, so it is read again."""
    now = stores.jobs.get(job.tenant, job.id)
    assert now is not None and now.results_blob is not None, "bodies leave the ledger after publishing"
    spans = stores.ledgers.line_spans(job.id, ordinals)
    for ordinal, (place, length) in zip(ordinals, spans, strict=True):
        blob, offset = (now.results_blob, place) if place >= 0 else (now.errors_blob or "", -1 - place)
        yield ordinal, stores.blobs.read_range(blob, offset, length)


class ResultService:
    def __init__(self, stores: Stores, lanes: Lanes) -> None:
        self._stores = stores
        self._lanes = lanes

    async def published(self, job: Job) -> AsyncIterator[bytes]:
        """The bytes of the result file of an ended job, in input order. Raises NotFound when it is gone,
        DataLoss when its bytes are not those that were written."""
        await self._check_kept(job)
        assert job.results_blob is not None
        file = await self._lanes.read.run(self._stores.files.get, job.tenant, result_file_id(job.id))
        sha256 = file.sha256 if file is not None and file.blob == job.results_blob else ""
        stream = self._stores.blobs.sound_stream(job.results_blob, job.results_bytes, sha256)
        while piece := await self._lanes.read.run(next, stream, b""):
            yield piece

    async def _check_kept(self, job: Job) -> None:
        blob = job.results_blob
        if blob is not None and not await self._lanes.read.run(self._stores.blobs.exists, blob):
            raise NotFound(
                "the results of this job are gone: their time was up, or their file was deleted",
                reason="RESULTS_GONE",
            )

    async def so_far(self, job: Job, cursor: str | None) -> Results:
        """By seq, behind `cursor`. Raises InvalidArgument for a cursor that is none, NotFound when the job or
        its results are gone."""
        after = decode_cursor(cursor) if cursor else 0
        await self._check_kept(job)
        last = await self._lanes.read.run(self._last_seq, job.id)
        return Results(self._by_seq(job, after, last), encode_cursor(max(after, last)), job.ended)

    async def prefix(self, job: Job) -> Results:
        """In input order, up to the first request without an outcome. Raises NotFound as `so_far`."""
        await self._check_kept(job)
        if job.results_blob is not None:
            return Results(self.published(job), "", True)
        return Results(self._prefix(job), "", False)

    def _last_seq(self, job: str) -> int:
        try:
            with self._stores.ledgers.reader(job) as reader:
                return reader.last_seq()
        except FileNotFoundError:
            raise NotFound("Requested entity was not found.", reason="JOB_NOT_FOUND") from None

    async def numbered(
        self, job: Job, cursor: str | None, until: str | None = None
    ) -> AsyncIterator[list[Numbered]]:
        """What `so_far` gives, in pages, each line with its places; up to the cursor `until`, or what there is.
        Raises as `so_far`."""
        after = decode_cursor(cursor) if cursor else 0
        await self._check_kept(job)
        last = decode_cursor(until) if until else await self._lanes.read.run(self._last_seq, job.id)
        while after < last:
            page = await self._lanes.read.run(self._page, job, after, last, True)
            after = page[-1].seq if page else last
            yield page

    async def _by_seq(self, job: Job, after: int, last: int) -> AsyncIterator[bytes]:
        while after < last:
            page = await self._lanes.read.run(self._page, job, after, last, False)
            after = page[-1].seq if page else last
            yield b"".join([row.line + b"\n" for row in page])

    def _page(self, job: Job, after: int, last: int, with_keys: bool) -> list[Numbered]:
        with self._stores.ledgers.view(job.id) as view:
            page = [row for row in view.results_after(after, PAGE_ROWS, PAGE_BYTES) if row[0] <= last]
            keys = view.keys([ordinal for _, ordinal, _, _ in page]) if with_keys else {}
        found = {ordinal: line_of(echo, body) for _, ordinal, echo, body in page if body is not None}
        moved = [ordinal for _, ordinal, _, body in page if body is None]
        if moved:
            found.update(published_lines(self._stores, job, moved))
        return [Numbered(seq, ordinal, keys.get(ordinal), found[ordinal]) for seq, ordinal, _, _ in page]

    async def _prefix(self, job: Job) -> AsyncIterator[bytes]:
        lines = self._prefix_lines(job.id)
        while piece := await self._lanes.read.run(next, lines, b""):
            yield piece

    def _prefix_lines(self, job: str) -> Iterator[bytes]:
        gathered = bytearray()
        with self._stores.ledgers.reader(job) as reader:
            for row in rows(reader, reader.request_count()):
                if row.body is None:
                    break
                gathered += line_of(row.echo, row.body) + b"\n"
                if len(gathered) >= STREAM_BYTES:
                    yield bytes(gathered)
                    gathered.clear()
        if gathered:
            yield bytes(gathered)
