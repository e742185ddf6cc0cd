"""API keys, hashed. A key is 256 bits of chance, so one round of SHA-256 is enough: there is nothing to guess."""

import msgspec

from backburner.store import audit
from backburner.store.audit import AuditLine
from backburner.store.catalog import Catalog


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """`hint` is the start of the key, for a person to know it by. What comes with a key that is `local_only` never
    goes to a hosted engine."""

    id: str
    tenant: str
    name: str
    hint: str
    created_at: float
    revoked_at: float | None = None
    local_only: bool = False


_decode = msgspec.json.Decoder(KeyRow).decode


class Keys:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def insert(self, row: KeyRow, digest: bytes, line: AuditLine) -> None:
        with self._catalog.write() as db:
            audit.insert(db, [line])
            db.execute(
                "INSERT INTO api_key (id, tenant, hash, doc) VALUES (?, ?, ?, ?)",
                (row.id, row.tenant, digest, msgspec.json.encode(row).decode()),
            )

    def by_digest(self, digest: bytes) -> KeyRow | None:
        row = self._catalog.read().execute("SELECT doc FROM api_key WHERE hash = ?", (digest,)).fetchone()
        return _decode(row[0]) if row else None

    def any(self) -> bool:
        """Whether a key was ever made, revoked ones included."""
        return bool(self._catalog.read().execute("SELECT EXISTS (SELECT 1 FROM api_key)").fetchone()[0])

    def all(self) -> list[KeyRow]:
        rows = self._catalog.read().execute("SELECT doc FROM api_key")
        return sorted((_decode(row[0]) for row in rows), key=lambda row: row.created_at)

    def update(self, row: KeyRow, line: AuditLine) -> None:
        with self._catalog.write() as db:
            audit.insert(db, [line])
            db.execute("UPDATE api_key SET doc = ? WHERE id = ?", (msgspec.json.encode(row).decode(), row.id))
