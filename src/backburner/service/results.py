"""Results: all of them in input order once the job has ended, and what there is so far while it runs.

Two orders. By `seq`, the order of commit: stable, so a cursor can follow it. By input: the finished prefix
while the job runs, everything afterwards.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Iterator

import msgspec

from backburner.core.errors import InvalidArgument, NotFound, Violation
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB, STREAM_BYTES
from backburner.core.request import line_of
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
    return base64.urlsafe_b64encode(f"seq:{seq}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        kind, _, number = text.partition(":")
        if kind == "seq" and number.isascii() and number.isdigit() and len(number) < 19:  # fits SQLite
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise InvalidArgument(
        "cursor is not one of ours",
        violations=[Violation("cursor", "expected the X-Next-Cursor of an earlier answer")],
    )


class ResultService:
    def __init__(self, stores: Stores, lanes: Lanes) -> None:
        self._stores = stores
        self._lanes = lanes

    async def published(self, job: Job) -> AsyncIterator[bytes]:
        """The bytes of the result file of an ended job, in input order. Raises NotFound when it is gone."""
        await self._check_kept(job)
        assert job.results_blob is not None
        stream = self._stores.blobs.open_stream(job.results_blob)
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

    async def _by_seq(self, job: Job, after: int, last: int) -> AsyncIterator[bytes]:
        while after < last:
            after, lines = await self._lanes.read.run(self._page, job, after, last)
            yield lines

    def _page(self, job: Job, after: int, last: int) -> tuple[int, bytes]:
        with self._stores.ledgers.reader(job.id) as reader:
            page = [row for row in reader.results_after(after, PAGE_ROWS, PAGE_BYTES) if row[0] <= last]
        found = {ordinal: line_of(echo, body) for _, ordinal, echo, body in page if body is not None}
        moved = [ordinal for _, ordinal, _, body in page if body is None]
        if moved:
            found.update(self._published_lines(job, moved))
        joined = b"".join(found[ordinal] + b"\n" for _, ordinal, _, _ in page)
        return (page[-1][0] if page else last), joined

    def _published_lines(self, job: Job, ordinals: list[int]) -> Iterator[tuple[int, bytes]]:
        """Lines whose bodies have left the ledger, from the files. The job may have been published after it was
        read, so it is read again."""
        now = self._stores.jobs.get(job.tenant, job.id)
        assert now is not None and now.results_blob is not None, "bodies leave the ledger after publishing"
        spans = self._stores.ledgers.line_spans(job.id, ordinals)
        for ordinal, (place, length) in zip(ordinals, spans, strict=True):
            blob, offset = (now.results_blob, place) if place >= 0 else (now.errors_blob or "", -1 - place)
            yield ordinal, self._stores.blobs.read_range(blob, offset, length)

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
