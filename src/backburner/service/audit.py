"""The audit log: lines are gathered and written together, as soon as the writer is free.

A call is answered without waiting for its line; a crash may lose those of the last instant.
"""

import asyncio
import logging

from backburner.core.clock import Clock
from backburner.core.errors import DiskFull
from backburner.core.lanes import Lanes
from backburner.store.audit import Audit, AuditLine
from backburner.store.stores import Stores

log = logging.getLogger("backburner.service")

FORGET_EACH_S = 3600.0
FULL_S = 5.0  # until a full disk is tried again
MOST = 10_000  # lines in memory while the disk takes none; then the oldest go, said aloud


class AuditService:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, retention_s: float) -> None:
        self._clock = clock
        self._lanes = lanes
        self._audit = Audit(stores.catalog)
        self._retention_s = retention_s
        self._gathered: list[AuditLine] = []
        self._ready = asyncio.Event()
        self._forget_at = float("-inf")

    def note(self, tenant: str, key: str, door: str, action: str, object_: str, outcome: str) -> None:
        line = AuditLine(
            at=self._clock.now(),
            tenant=tenant,
            key=key,
            door=door,
            action=action,
            object=object_,
            outcome=outcome,
        )
        if len(self._gathered) >= MOST:
            log.error("event=audit_lost lines=%d", len(self._gathered))
            self._gathered.clear()
        self._gathered.append(line)
        self._ready.set()

    async def loop(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            try:
                await self.flush()
            except DiskFull:
                await self._clock.sleep(FULL_S)
                self._ready.set()
            except Exception:  # the edge of a loop: it must stop no caller
                log.exception("event=audit_broken")

    async def flush(self) -> None:
        lines, self._gathered = self._gathered, []
        try:
            if lines:
                await self._lanes.write.run(self._audit.add, lines)
            if self._clock.now() >= self._forget_at:
                self._forget_at = self._clock.now() + FORGET_EACH_S
                await self._lanes.write.run(self._audit.forget, self._clock.now() - self._retention_s)
        except BaseException:
            self._gathered = lines + self._gathered
            raise

    async def page(self, tenant: str, limit: int, before: int | None, action: str) -> list[AuditLine]:
        """Newest first."""
        return await self._lanes.read.run(self._audit.page, limit, before, tenant=tenant, action=action)
