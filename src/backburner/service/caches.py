"""Cached contents (contract section 4): a prefix that many requests share, kept under a name.

The engine's own prefix cache does the reuse; what is kept here is the content. Only the expiry may change.
"""

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument, PermissionDenied, Violation
from backburner.core.exchange import Json
from backburner.core.lanes import Lanes
from backburner.core.limits import CACHE_TTL_S, DISPLAY_NAME_CHARS, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from backburner.core.names import cache_id
from backburner.service import paging
from backburner.store.caches import CacheRow
from backburner.store.stores import Stores
from backburner.work.space import Space


class CacheService:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, space: Space) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._space = space

    async def create(
        self,
        tenant: str,
        *,
        model: str,
        body: dict[str, Json],
        display_name: str = "",
        tokens: int = 0,
        expire_at: float | None = None,
        ttl_s: float | None = None,
    ) -> CacheRow:
        """Raises InvalidArgument for an expiry in the past or a name that is too long, DiskFull."""
        self._space.admit()
        if len(display_name) > DISPLAY_NAME_CHARS:
            words = f"expected up to {DISPLAY_NAME_CHARS} characters, found {len(display_name)}"
            raise InvalidArgument(
                "the display name is too long", violations=[Violation("displayName", words)]
            )
        now = self._clock.now()
        row = CacheRow(
            id=cache_id(),
            tenant=tenant,
            model=model,
            display_name=display_name,
            tokens=tokens,
            created_at=now,
            updated_at=now,
            expire_at=self._expiry(expire_at, CACHE_TTL_S if ttl_s is None else ttl_s),
            body=body,
        )
        await self._lanes.write.run(self._stores.caches.put, row)
        return row

    def _expiry(self, expire_at: float | None, ttl_s: float) -> float:
        expiry = expire_at if expire_at is not None else self._clock.now() + ttl_s
        if expiry <= self._clock.now():
            raise InvalidArgument(
                "the expiry is in the past",
                violations=[
                    Violation("ttl", "expected a positive duration such as 3600s, or a later expireTime")
                ],
            )
        return expiry

    async def get(self, tenant: str, cache: str) -> CacheRow:
        """Raises PermissionDenied for a missing or expired one, as the real service does."""
        row = await self._lanes.read.run(self._stores.caches.get, tenant, cache)
        if row is None or row.expire_at <= self._clock.now():
            raise PermissionDenied("CachedContent not found (or permission denied)", reason="CACHE_NOT_FOUND")
        return row

    async def list(self, tenant: str, page_size: int | None, page_token: str | None) -> paging.Page[CacheRow]:
        count = paging.size(page_size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
        now = self._clock.now()
        return await self._lanes.read.run(
            paging.page,
            lambda limit, before: self._stores.caches.page(tenant, limit, before, now),
            count,
            page_token,
        )

    async def update(
        self, tenant: str, cache: str, *, expire_at: float | None, ttl_s: float | None
    ) -> CacheRow:
        row = await self.get(tenant, cache)
        if expire_at is None and ttl_s is None:
            words = "only the expiry of cached content may be changed: send ttl or expireTime"
            raise InvalidArgument(words, violations=[Violation("ttl", "expected a duration such as 600s")])
        changed = msgspec.structs.replace(
            row, expire_at=self._expiry(expire_at, ttl_s or 0.0), updated_at=self._clock.now()
        )
        await self._lanes.write.run(self._stores.caches.put, changed)
        return changed

    async def delete(self, tenant: str, cache: str) -> None:
        """Gone for callers at once; a job that pinned it keeps it until it ends."""
        row = await self.get(tenant, cache)
        gone = msgspec.structs.replace(row, expire_at=self._clock.now())
        await self._lanes.write.run(self._delete, gone)

    def _delete(self, row: CacheRow) -> None:
        self._stores.caches.put(row)
        if self._stores.caches.purge(row.expire_at):
            self._stores.scrub()
