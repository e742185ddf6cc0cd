"""The two files of a job whose dialect has errors apart, line by line: while it runs, and when it has ended.

Lines come in the order of commit, which never changes, so a number of lines read is a place to go on from, also
after the end. Behind the last outcome stand, in input order, the requests that never had one.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import islice

import msgspec

from backburner.core.errors import NotFound
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB
from backburner.core.request import OutcomeKind, line_of
from backburner.service.results import published_lines
from backburner.store.stores import Stores

PAGE_ROWS = 500
PAGE_BYTES = 4 * MIB


class Output(msgspec.Struct, frozen=True):
    """Lines with their line breaks. `last_line` is the number of the last of them in the file; `complete` says
    that no more will come."""

    lines: AsyncIterator[bytes]
    last_line: int
    complete: bool


class OutputService:
    def __init__(self, stores: Stores, lanes: Lanes) -> None:
        self._stores = stores
        self._lanes = lanes

    async def lines(self, job: Job, kind: OutcomeKind, skip: int) -> Output:
        """The lines of the file of answers, or of errors, behind the first `skip`. Raises NotFound when the job or
        its results are gone."""
        blob = job.results_blob if kind is OutcomeKind.ANSWER else job.errors_blob
        there = await self._lanes.read.run(self._there, job.id, blob)
        if not there:
            raise NotFound("Requested entity was not found.", reason="FILE_NOT_FOUND")
        committed = job.counts.succeeded if kind is OutcomeKind.ANSWER else job.counts.failed
        published = job.results_blob is not None
        never = job.counts.pending if published and kind is OutcomeKind.ERROR else 0
        last = max(skip, committed + never)
        return Output(self._read(job, kind, skip, committed, never), last, published)

    def _there(self, job: str, blob: str | None) -> bool:
        return self._stores.ledgers.exists(job) and (blob is None or self._stores.blobs.exists(blob))

    async def _read(
        self, job: Job, kind: OutcomeKind, skip: int, committed: int, never: int
    ) -> AsyncIterator[bytes]:
        seq = await self._lanes.read.run(self._seq_of, job.id, kind, skip) if skip < committed else 0
        left = committed - skip
        while left > 0:
            seq, count, lines = await self._lanes.read.run(self._page, job, kind, seq, min(left, PAGE_ROWS))
            if not count:
                return
            left -= count
            yield lines
        at, end = max(0, skip - committed), never
        ordinals = await self._lanes.read.run(self._never_run, job) if at < end else []
        for start in range(at, end, PAGE_ROWS):
            yield await self._lanes.read.run(self._published, job, ordinals[start : start + PAGE_ROWS])

    def _seq_of(self, job: str, kind: OutcomeKind, number: int) -> int:
        with self._stores.ledgers.reader(job) as reader:
            return reader.seq_of(kind, number) if number else 0

    def _page(self, job: Job, kind: OutcomeKind, after: int, limit: int) -> tuple[int, int, bytes]:
        with self._stores.ledgers.reader(job.id) as reader:
            page = reader.results_after(after, limit, PAGE_BYTES, kind)
        found = {ordinal: line_of(echo, body) for _, ordinal, echo, body in page if body is not None}
        moved = [ordinal for _, ordinal, _, body in page if body is None]
        if moved:
            found.update(published_lines(self._stores, job, moved))
        lines = b"".join([found[ordinal] + b"\n" for _, ordinal, _, _ in page])
        return (page[-1][0] if page else after), len(page), lines

    def _never_run(self, job: Job) -> Sequence[int]:
        """Ordinals of the requests without an outcome."""
        with self._stores.ledgers.reader(job.id) as reader:
            seqs = reader.seqs(job.counts.total)
        return list(islice((ordinal for ordinal, seq in enumerate(seqs) if not seq), job.counts.pending))

    def _published(self, job: Job, ordinals: Sequence[int]) -> bytes:
        found = published_lines(self._stores, job, list(ordinals))
        return b"".join([line + b"\n" for _, line in found])
