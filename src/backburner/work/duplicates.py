"""Finds the requests of a job that are identical, once, when all of its lines are known.

Until then nobody waits for anybody, so that no slot idles for it: what is read during intake is asked for itself. The
search is one pass over the fingerprints on a connection that only reads, sorted by SQLite outside memory; what it
finds is recorded a page at a time. Followers are released where outcomes are committed: store/followers.py.
"""

from backburner.core.lanes import Lanes
from backburner.store.ledger_reader import LedgerReader
from backburner.store.stores import Stores
from backburner.work.run import JobRun

PAGE_ROWS = 5000


class Duplicates:
    def __init__(self, stores: Stores, lanes: Lanes) -> None:
        self._stores = stores
        self._lanes = lanes

    @staticmethod
    def wanted(run: JobRun) -> bool:
        """Whether it is time to find out, and has not been done."""
        return run.ledger.progress.done and not run.ledger.followers.decided

    async def decide(self, run: JobRun) -> None:
        """Says who follows whom, of those that have no outcome and are not on their way to one. Whoever calls this
        reads nothing on meanwhile."""
        ledger = run.ledger
        if run.job.reuse_duplicates and ledger.repeatable > 1:
            with self._stores.ledgers.reader(run.job.id) as reader:
                await self._record(run, reader)
        await self._lanes.write.run(ledger.end_followers)

    async def _record(self, run: JobRun, reader: LedgerReader) -> None:
        pages = reader.repeated(PAGE_ROWS)
        while page := await self._lanes.read.run(next, pages, None):
            await self._lanes.write.run(run.ledger.record_followers, page, run.open)
