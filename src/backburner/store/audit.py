"""Who did what, line by line."""

import sqlite3
from collections.abc import Sequence

import msgspec

from backburner.store.catalog import Catalog


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """`id` counts the lines, 0 before it is written. `object` is what it was done to: `jobs/x`, `files/x`, `keys/x`."""

    id: int = 0
    at: float
    tenant: str
    key: str = ""
    door: str
    action: str
    object: str = ""
    outcome: str = "done"


def insert(db: sqlite3.Connection, lines: Sequence[AuditLine]) -> None:
    """Inside a transaction."""
    db.executemany(
        "INSERT INTO audit (at, tenant, key, door, action, object, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(x.at, x.tenant, x.key, x.door, x.action, x.object, x.outcome) for x in lines],
    )


class Audit:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def add(self, lines: Sequence[AuditLine]) -> None:
        """In one transaction."""
        with self._catalog.write() as db:
            insert(db, lines)

    def page(self, limit: int, before: int | None, *, tenant: str = "", action: str = "") -> list[AuditLine]:
        """Newest first; `before` is the id of the last one seen. Of one tenant, of one action, or what begins with it
        (`job.`), where they are given."""
        rows = self._catalog.read().execute(
            "SELECT * FROM audit WHERE id < ? AND (? = '' OR tenant = ?) AND substr(action, 1, ?) = ?"
            " ORDER BY id DESC LIMIT ?",
            (before or 2**62, tenant, tenant, len(action), action, limit),
        )
        names = ("id", "at", "tenant", "key", "door", "action", "object", "outcome")
        return [AuditLine(**dict(zip(names, row, strict=True))) for row in rows]

    def forget(self, older_than_at: float) -> None:
        with self._catalog.write() as db:
            db.execute("DELETE FROM audit WHERE at < ?", (older_than_at,))
