"""Cached content rows. The content itself is small enough to live in the row."""

import msgspec

from backburner.core.exchange import Json
from backburner.store.catalog import Catalog


class CacheRow(msgspec.Struct, frozen=True, kw_only=True):
    """`body` holds contents, systemInstruction, tools and toolConfig as the caller sent them."""

    id: str
    tenant: str
    model: str
    display_name: str = ""
    tokens: int = 0
    created_at: float
    updated_at: float
    expire_at: float
    body: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])


_decode = msgspec.json.Decoder(CacheRow).decode


class Caches:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def put(self, row: CacheRow) -> None:
        with self._catalog.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO cache (tenant, id, created_at, expire_at, doc) VALUES (?, ?, ?, ?, ?)",
                (row.tenant, row.id, row.created_at, row.expire_at, msgspec.json.encode(row).decode()),
            )

    def get(self, tenant: str, cache: str) -> CacheRow | None:
        """The row whether expired or not: a pinned cache serves its jobs past its expiry."""
        row = (
            self._catalog.read()
            .execute("SELECT doc FROM cache WHERE tenant = ? AND id = ?", (tenant, cache))
            .fetchone()
        )
        return _decode(row[0]) if row else None

    def page(self, tenant: str, limit: int, before: tuple[float, str] | None, now: float) -> list[CacheRow]:
        created_at, cache = before or (float("inf"), "")
        rows = self._catalog.read().execute(
            "SELECT doc FROM cache WHERE tenant = ? AND expire_at > ?"
            " AND (created_at < ? OR (created_at = ? AND id > ?)) ORDER BY created_at DESC, id LIMIT ?",
            (tenant, now, created_at, created_at, cache, limit),
        )
        return [_decode(row[0]) for row in rows]

    def purge(self, now: float) -> int:
        """Deletes what has expired and no job pins; returns how many."""
        with self._catalog.write() as db:
            return db.execute(
                "DELETE FROM cache WHERE expire_at <= ?"
                " AND id NOT IN (SELECT id FROM pin WHERE kind = 'cache')",
                (now,),
            ).rowcount
