"""What a catalog says there must be: blobs, ledgers, unfinished uploads. For whoever looks at a data folder from
outside: read-only, of any version up to ours, and beside a running server."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backburner.core.errors import DataLoss, NotFound
from backburner.core.job import Job
from backburner.store.catalog import MIGRATIONS
from backburner.store.sqlite import check_version, connect

_job = msgspec.json.Decoder(Job).decode


class Held(msgspec.Struct, frozen=True):
    """A blob that something needs. `size_bytes` is None and `sha256` empty where the catalog does not know them;
    `jobs` are those that need it or made it, `names` what it is called."""

    blob: str
    names: tuple[str, ...]
    size_bytes: int | None = None
    sha256: str = ""
    jobs: tuple[str, ...] = ()


class Holdings:
    def __init__(self, folder: Path) -> None:
        """Raises NotFound where there is no catalog, Unavailable for one of a newer version, DataLoss for one
        that cannot be read."""
        path = folder / "catalog.db"
        if not path.exists():
            raise NotFound(f"there is no catalog in {folder}: it is no data folder of a server")
        try:
            self._db = connect(path, readonly=True)
            check_version(self._db, "catalog", MIGRATIONS)
        except sqlite3.DatabaseError as error:
            raise DataLoss(f"the catalog in {folder} is damaged and cannot be read: {error}") from None

    def close(self) -> None:
        self._db.close()

    def integrity(self) -> list[str]:
        return integrity(self._db)

    def jobs(self) -> list[Job]:
        return [_job(row[0]) for row in self._db.execute("SELECT doc FROM job ORDER BY created_at, id")]

    def has_job(self, job: str) -> bool:
        return self._exists("SELECT EXISTS (SELECT 1 FROM job WHERE id = ?)", job)

    def needs(self, blob: str) -> bool:
        return self._exists(
            "SELECT EXISTS (SELECT 1 FROM file WHERE blob = ?1) OR EXISTS (SELECT 1 FROM pin WHERE blob = ?1)",
            blob,
        )

    def _exists(self, question: str, value: str) -> bool:
        return bool(self._db.execute(question, (value,)).fetchone()[0])

    def uploads(self) -> list[str]:
        """Those that are not finished."""
        rows = self._db.execute("SELECT id FROM upload WHERE json_extract(doc, '$.finished_bytes') IS NULL")
        return [row[0] for row in rows]

    def blobs(self) -> Iterator[Held]:
        """Each once."""
        found: dict[str, Held] = {}
        jobs: defaultdict[str, list[str]] = defaultdict(list)
        for blob, file, size_bytes, sha256, job in self._db.execute(
            "SELECT blob, id, json_extract(doc, '$.size_bytes'), json_extract(doc, '$.sha256'),"
            " json_extract(doc, '$.job') FROM file WHERE blob IS NOT NULL"
        ):
            found[blob] = Held(blob, (f"files/{file}",), size_bytes, sha256 or "")
            jobs[blob] += [job] if job else []
        for blob, job, name, sha256 in self._db.execute(self._pins()):
            before = found.get(blob) or Held(blob, ())
            names = dict.fromkeys(
                (*before.names, f"the inline requests of {job}" if name == "inline" else name)
            )
            known = before.sha256 or sha256
            found[blob] = msgspec.structs.replace(before, names=tuple(names), sha256=known)
            jobs[blob].append(job)
        for blob, held in found.items():
            yield msgspec.structs.replace(held, jobs=tuple(dict.fromkeys(jobs[blob])))

    def _pins(self) -> str:
        columns = {row[1] for row in self._db.execute("PRAGMA table_info(pin)")}
        sha256 = "sha256" if "sha256" in columns else "''"
        return f"SELECT blob, job, id, {sha256} FROM pin WHERE blob IS NOT NULL"


def integrity(db: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with a database."""
    return [row[0] for row in db.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
