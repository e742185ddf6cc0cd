"""Events on their way to receivers, and the secrets that they are signed with."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from backburner.store.catalog import Catalog

TRIES_KEPT = 40


class Try(msgspec.Struct, frozen=True):
    """One try: the status of the answer, None without one, and then why in words."""

    at: float
    status: int | None = None
    why: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one URL. `hook` is the name of a webhook of the settings, empty for one that the job brought.
    `due_at` is when it is tried next, None when it was `taken` or given up, `why`."""

    id: str
    tenant: str
    job: str
    type: str
    url: str
    host: str
    hook: str = ""
    created_at: float
    due_at: float | None
    tries: tuple[Try, ...] = ()
    taken: bool = False
    why: str = ""
    body: bytes = b""  # in a column of its own


_decode = msgspec.json.Decoder(Delivery).decode


def _encode(one: Delivery) -> str:
    return msgspec.json.encode(msgspec.structs.replace(one, body=b"")).decode()


def insert(db: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
    """Inside the transaction that makes the event true."""
    db.executemany(
        "INSERT INTO delivery (id, tenant, job, host, created_at, due_at, body, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(x.id, x.tenant, x.job, x.host, x.created_at, x.due_at, x.body, _encode(x)) for x in deliveries],
    )


class Webhooks:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def update(self, one: Delivery) -> None:
        """What was said goes when nobody needs to be told any more."""
        with self._catalog.write() as db:
            db.execute(
                "UPDATE delivery SET due_at = ?, doc = ?, body = iif(? IS NULL, x'', body) WHERE id = ?",
                (one.due_at, _encode(one), one.due_at, one.id),
            )

    def due(self, now: float, limit: int, but_hosts: Sequence[str], but: Sequence[str]) -> list[Delivery]:
        """Those to be tried now, longest due first, without those of some hosts and some jobs."""
        hosts, jobs = ",".join("?" * len(but_hosts)), ",".join("?" * len(but))
        rows = self._catalog.read().execute(
            "SELECT doc, body FROM delivery WHERE due_at <= ?"
            f" AND host NOT IN ({hosts}) AND job NOT IN ({jobs}) ORDER BY due_at LIMIT ?",
            (now, *but_hosts, *but, limit),
        )
        return [msgspec.structs.replace(_decode(doc), body=body) for doc, body in rows]

    def next_due_at(self) -> float | None:
        return self._catalog.read().execute("SELECT min(due_at) FROM delivery WHERE due_at > 0").fetchone()[0]

    def waiting(self) -> int:
        """How many no receiver has taken yet."""
        return (
            self._catalog.read().execute("SELECT count(due_at) FROM delivery WHERE due_at > 0").fetchone()[0]
        )

    def page(
        self, tenant: str, limit: int, before: tuple[float, str] | None, job: str = ""
    ) -> list[Delivery]:
        """Newest first; `before` is the (created_at, id) of the last one seen."""
        at, id_ = before or (float("inf"), "")
        condition, values = (" AND job = ?", (job,)) if job else ("", ())
        rows = self._catalog.read().execute(
            "SELECT doc FROM delivery WHERE tenant = ? AND (created_at < ? OR (created_at = ? AND id > ?))"
            f"{condition} ORDER BY created_at DESC, id LIMIT ?",
            (tenant, at, at, id_, *values, limit),
        )
        return [_decode(row[0]) for row in rows]

    def forget(self, older_than_at: float) -> None:
        """Deliveries that nothing is to be done about any more."""
        with self._catalog.write() as db:
            db.execute("DELETE FROM delivery WHERE due_at IS NULL AND created_at < ?", (older_than_at,))

    def secrets(self, tenant: str, now: float) -> list[str]:
        """Those that sign now, the newest first."""
        rows = self._catalog.read().execute(
            "SELECT secret FROM webhook_secret WHERE tenant = ? AND (retire_at IS NULL OR retire_at > ?)"
            " ORDER BY retire_at IS NOT NULL, created_at DESC",
            (tenant, now),
        )
        return [row[0] for row in rows]

    def first_secret(self, tenant: str, secret: str, now: float) -> list[str]:
        """Those that sign now; the one given, when there was none."""
        if not (found := self.secrets(tenant, now)):
            self.add_secret(tenant, secret, now, now)
        return found or [secret]

    def add_secret(self, tenant: str, secret: str, now: float, retire_others_at: float) -> None:
        """The new one signs from now on, the others beside it until they retire."""
        with self._catalog.write() as db:
            db.execute(
                "UPDATE webhook_secret SET retire_at = ? WHERE tenant = ? AND retire_at IS NULL",
                (retire_others_at, tenant),
            )
            db.execute("DELETE FROM webhook_secret WHERE tenant = ? AND retire_at <= ?", (tenant, now))
            db.execute("INSERT INTO webhook_secret VALUES (?, ?, ?, NULL)", (tenant, secret, now))
