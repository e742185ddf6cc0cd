"""Job rows, their pins, and the idempotency keys that made them."""

from collections.abc import Iterable

import msgspec

from backburner.core.job import Job, JobState
from backburner.store import webhooks
from backburner.store.catalog import Catalog
from backburner.store.webhooks import Delivery

INLINE = "inline"
UNPINNED = f"NOT (kind = 'input' AND id = '{INLINE}')"
PIN = "INSERT OR IGNORE INTO pin (job, kind, id, blob, sha256) VALUES (?, ?, ?, ?, ?)"
UNENDED = "state IN ('PENDING', 'RUNNING', 'FINALIZING')"
UNPUBLISHED = "state IN ('FAILED', 'CANCELLED', 'EXPIRED') AND json_extract(doc, '$.results_blob') IS NULL"

_decode = msgspec.json.Decoder(Job).decode


def _encode(job: Job) -> str:
    return msgspec.json.encode(job).decode()


class Pin(msgspec.Struct, frozen=True):
    """`kind` is 'input', 'file' or 'cache'; `blob` is what holds the bytes of the first two, `sha256` their hex
    digest."""

    kind: str
    id: str
    blob: str | None = None
    sha256: str = ""

    def of(self, job: str) -> tuple[str, str, str, str | None, str]:
        """The row."""
        return (job, self.kind, self.id, self.blob, self.sha256)


class IdempotencyRow(msgspec.Struct, frozen=True):
    job: str
    digest: bytes


class Wanted(msgspec.Struct, frozen=True):
    """Which jobs a list is to have: empty members let all pass. `text` is looked for in the display name and
    at the start of the id, in any case of letters."""

    states: tuple[JobState, ...] = ()
    model: str = ""
    text: str = ""
    dialect: str = ""

    def condition(self) -> tuple[str, list[str]]:
        """What stands behind WHERE, and its values."""
        parts: list[str] = []
        values: list[str] = []
        if self.states:
            parts.append(f" AND state IN ({','.join('?' * len(self.states))})")
            values += self.states
        if self.model:
            parts.append(" AND json_extract(doc, '$.model') IN (?, ?)")
            bare = self.model.removeprefix("models/")
            values += [bare, f"models/{bare}"]
        if self.dialect:
            parts.append(" AND json_extract(doc, '$.dialect') = ?")
            values.append(self.dialect)
        if self.text:
            plain = self.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
            parts.append(
                " AND (json_extract(doc, '$.display_name') LIKE ? ESCAPE '\\' OR id LIKE ? ESCAPE '\\')"
            )
            values += [f"%{plain}%", f"{plain}%"]
        return "".join(parts), values


EVERY = Wanted()


def _blobs(rows: Iterable[tuple[str | None]]) -> list[str]:
    return [blob for (blob,) in rows if blob is not None]


class Jobs:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def insert(self, job: Job, pins: Iterable[Pin], idempotency: tuple[str, bytes] | None = None) -> None:
        """The moment a job becomes durable."""
        with self._catalog.write() as db:
            db.execute(
                "INSERT INTO job (id, tenant, state, created_at, doc) VALUES (?, ?, ?, ?, ?)",
                (job.id, job.tenant, job.state, job.created_at, _encode(job)),
            )
            db.executemany(PIN, [pin.of(job.id) for pin in pins])
            if idempotency is not None:
                key, digest = idempotency
                db.execute(
                    "INSERT INTO idempotency (tenant, key, digest, job, created_at) VALUES (?, ?, ?, ?, ?)",
                    (job.tenant, key, digest, job.id, job.created_at),
                )

    def pin(self, job: str, pins: Iterable[Pin]) -> None:
        with self._catalog.write() as db:
            db.executemany(PIN, [pin.of(job) for pin in pins])

    def update(self, job: Job, events: Iterable[Delivery] = ()) -> None:
        """`events` are told of this change, if it was made."""
        with self._catalog.write() as db:
            db.execute("UPDATE job SET state = ?, doc = ? WHERE id = ?", (job.state, _encode(job), job.id))
            webhooks.insert(db, events)

    def pinned_blob(self, job: str, file: str) -> str | None:
        """The blob of a file that a job named, though the file itself may be gone."""
        row = (
            self._catalog.read()
            .execute("SELECT blob FROM pin WHERE job = ? AND kind = 'file' AND id = ?", (job, file))
            .fetchone()
        )
        return row[0] if row else None

    def unpin(self, job: str) -> list[str]:
        """The blobs that the job held, for the caller to delete those that nobody else does. An inline input
        stays as long as its job: there is no file to make it again from."""
        with self._catalog.write() as db:
            return _blobs(db.execute(f"DELETE FROM pin WHERE job = ? AND {UNPINNED} RETURNING blob", (job,)))

    def unpin_stale(self) -> None:
        """Pins of jobs that need nothing any more, or were never accepted: what a crash left."""
        with self._catalog.write() as db:
            db.execute(
                f"DELETE FROM pin WHERE {UNPINNED}"
                f" AND job NOT IN (SELECT id FROM job WHERE {UNENDED} OR ({UNPUBLISHED}))"
            )
            db.execute("DELETE FROM pin WHERE job NOT IN (SELECT id FROM job)")

    def delete(self, job: str) -> list[str]:
        """The blobs that the job held, as `unpin`."""
        with self._catalog.write() as db:
            blobs = _blobs(db.execute("DELETE FROM pin WHERE job = ? RETURNING blob", (job,)))
            db.execute("DELETE FROM idempotency WHERE job = ?", (job,))
            db.execute("DELETE FROM job WHERE id = ?", (job,))
            return blobs

    def get(self, tenant: str, job: str) -> Job | None:
        row = (
            self._catalog.read()
            .execute("SELECT doc FROM job WHERE id = ? AND tenant = ?", (job, tenant))
            .fetchone()
        )
        return _decode(row[0]) if row else None

    def page(
        self, tenant: str, limit: int, before: tuple[float, str] | None, wanted: Wanted = EVERY
    ) -> list[Job]:
        """Newest first; `before` is the (created_at, id) of the last one seen."""
        created_at, job = before or (float("inf"), "")
        condition, values = wanted.condition()
        rows = self._catalog.read().execute(
            "SELECT doc FROM job WHERE tenant = ? AND (created_at < ? OR (created_at = ? AND id > ?))"
            f"{condition} ORDER BY created_at DESC, id LIMIT ?",
            (tenant, created_at, created_at, job, *values, limit),
        )
        return [_decode(row[0]) for row in rows]

    def page_ahead(
        self, tenant: str, limit: int, behind: tuple[float, str], wanted: Wanted = EVERY
    ) -> list[Job]:
        """The page that ends just ahead of a job given by (created_at, id); newest first, as `page`."""
        created_at, job = behind
        condition, values = wanted.condition()
        rows = self._catalog.read().execute(
            "SELECT doc FROM job WHERE tenant = ? AND (created_at > ? OR (created_at = ? AND id < ?))"
            f"{condition} ORDER BY created_at, id DESC LIMIT ?",
            (tenant, created_at, created_at, job, *values, limit),
        )
        return [_decode(row[0]) for row in rows][::-1]

    def unended(self) -> list[Job]:
        """Every tenant's jobs that have work left, oldest first."""
        rows = self._catalog.read().execute(f"SELECT doc FROM job WHERE {UNENDED} ORDER BY created_at, id")
        return [_decode(row[0]) for row in rows]

    def unpublished(self) -> list[Job]:
        """Ended jobs whose partial results are not in a file yet."""
        rows = self._catalog.read().execute(f"SELECT doc FROM job WHERE {UNPUBLISHED}")
        return [_decode(row[0]) for row in rows]

    def ended_before(self, ended_at: float, limit: int) -> list[Job]:
        """Jobs of all tenants that ended before an instant and are published, the oldest first."""
        rows = self._catalog.read().execute(
            f"SELECT doc FROM job WHERE created_at < ?1 AND NOT {UNENDED} AND NOT ({UNPUBLISHED})"
            " AND json_extract(doc, '$.ended_at') < ?1 ORDER BY created_at LIMIT ?2",
            (ended_at, limit),
        )
        return [_decode(row[0]) for row in rows]

    def ids(self) -> set[str]:
        return {row[0] for row in self._catalog.read().execute("SELECT id FROM job")}

    def idempotent(self, tenant: str, key: str) -> IdempotencyRow | None:
        row = (
            self._catalog.read()
            .execute("SELECT job, digest FROM idempotency WHERE tenant = ? AND key = ?", (tenant, key))
            .fetchone()
        )
        return IdempotencyRow(*row) if row else None

    def forget_idempotency(self, older_than_at: float) -> None:
        with self._catalog.write() as db:
            db.execute("DELETE FROM idempotency WHERE created_at < ?", (older_than_at,))
