"""Holds tenants to their quotas, where they ask for something. What a quota is: policy/quota.py."""

import sys
from collections.abc import Callable

from backburner.core.clock import Clock
from backburner.core.errors import Exhausted
from backburner.core.lanes import Lanes
from backburner.policy import quota
from backburner.policy.quota import Bucket, Exceeded, Quota
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.metering import Metering
from backburner.work.run import JobRun

QUEUE_WAIT_S = 30.0  # until somebody who has a full queue is told to look again
UNBOUNDED = sys.maxsize
BUCKETS = 10_000  # tenants whose rate is remembered; who is forgotten begins with a full bucket


class QuotaService:
    """`of` gives a tenant's quota. Every method raises Exhausted with the name of the quota as `reason`."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        metering: Metering,
        of: Callable[[str], Quota],
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._metering = metering
        self._of = of
        self._buckets: dict[str, Bucket] = {}

    def call(self, tenant: str) -> None:
        """A call that somebody waits for."""
        mine = self._of(tenant)
        used = self._metering.of_today(tenant)
        _refuse(quota.tokens(mine, used.prompt + used.output, self._clock.now()))
        self._rate(tenant, mine)

    def creation(self, tenant: str) -> None:
        """A job. How many requests it has is not known yet: see `room`."""
        mine = self._of(tenant)
        _refuse(quota.queued(mine, self._board.pending(tenant), 1, QUEUE_WAIT_S))
        self._rate(tenant, mine)

    def room(self, run: JobRun) -> int:
        """How many more requests of a job may be queued."""
        most = self._of(run.job.tenant).queued_requests
        if not most:
            return UNBOUNDED
        mine = 0 if run.job.id in self._board.runs else run.counts.pending
        return max(0, most - self._board.pending(run.job.tenant) - mine)

    def whole(self, run: JobRun) -> None:
        """A job whose requests came with its creation: it is there whole or not at all."""
        if not run.ledger.progress.done and not self.room(run):
            mine, pending = self._of(run.job.tenant), self._board.pending(run.job.tenant)
            _refuse(quota.queued(mine, pending, run.counts.pending + 1, QUEUE_WAIT_S))

    async def storage(self, tenant: str, more_bytes: int) -> None:
        """A file of so many bytes."""
        mine = self._of(tenant)
        if mine.storage_mb:
            used = await self._lanes.read.run(self._stores.files.stored_bytes, tenant)
            _refuse(quota.storage(mine, used, more_bytes))

    def _rate(self, tenant: str, mine: Quota) -> None:
        if not mine.calls_per_minute:
            return
        now = self._clock.monotonic()
        if len(self._buckets) >= BUCKETS:
            self._buckets.clear()
        wait_s = self._buckets.setdefault(tenant, Bucket(mine.calls_per_minute, now)).take(now)
        if wait_s:
            words = f"calls_per_minute is {mine.calls_per_minute:g}, and so many were made"
            _refuse(Exceeded("calls_per_minute", words, wait_s))


def _refuse(found: Exceeded | None) -> None:
    if found is not None:
        raise Exhausted(
            f"over the quota of this tenant: {found.words}",
            reason="QUOTA_EXCEEDED",
            retry_after_s=found.retry_after_s,
        )
