"""File rows and unfinished uploads. A file is a tenant's name for a blob."""

from enum import StrEnum

import msgspec

from backburner.store.catalog import Catalog


class FileSource(StrEnum):
    UPLOADED = "UPLOADED"
    GENERATED = "GENERATED"


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """`sha256` is the hex digest. `blob` is None for a result file that is not published yet, and for a file
    made of metadata alone. `purpose` is what the caller said it is for, in dialects that ask."""

    id: str
    tenant: str
    blob: str | None
    size_bytes: int
    mime_type: str
    display_name: str = ""
    sha256: str = ""
    source: FileSource = FileSource.UPLOADED
    job: str | None = None
    purpose: str = ""
    created_at: float
    updated_at: float
    expire_at: float


class UploadRow(msgspec.Struct, frozen=True, kw_only=True):
    """An upload in progress. `size_bytes` is the declared length or None. `finished_bytes` is set once it is a
    file: whoever lost the reply may ask again."""

    id: str
    tenant: str
    file_id: str
    mime_type: str
    display_name: str
    size_bytes: int | None
    created_at: float
    finished_bytes: int | None = None


def _encode(row: "FileRow | UploadRow") -> str:
    return msgspec.json.encode(row).decode()


_file = msgspec.json.Decoder(FileRow).decode
_upload = msgspec.json.Decoder(UploadRow).decode


class Files:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def insert(self, row: FileRow, upload: UploadRow | None = None) -> bool:
        """False when the tenant has a file of that name. The upload that brought it is finished with it."""
        with self._catalog.write() as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO file (tenant, id, blob, created_at, expire_at, doc)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (row.tenant, row.id, row.blob, row.created_at, row.expire_at, _encode(row)),
            )
            if cursor.rowcount and upload is not None:
                finished = msgspec.structs.replace(upload, finished_bytes=row.size_bytes)
                db.execute("UPDATE upload SET doc = ? WHERE id = ?", (_encode(finished), upload.id))
            return cursor.rowcount == 1

    def replace(self, row: FileRow) -> None:
        with self._catalog.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO file (tenant, id, blob, created_at, expire_at, doc)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (row.tenant, row.id, row.blob, row.created_at, row.expire_at, _encode(row)),
            )

    def get(self, tenant: str, file: str) -> FileRow | None:
        row = (
            self._catalog.read()
            .execute("SELECT doc FROM file WHERE tenant = ? AND id = ?", (tenant, file))
            .fetchone()
        )
        return _file(row[0]) if row else None

    def page_after(
        self, tenant: str, limit: int, after: tuple[float, str] | None, now: float
    ) -> list[FileRow]:
        """Oldest first: `page` from its other end."""
        created_at, file = after or (float("-inf"), "")
        rows = self._catalog.read().execute(
            "SELECT doc FROM file WHERE tenant = ? AND expire_at > ?"
            " AND (created_at > ? OR (created_at = ? AND id < ?)) ORDER BY created_at, id DESC LIMIT ?",
            (tenant, now, created_at, created_at, file, limit),
        )
        return [_file(row[0]) for row in rows]

    def page(self, tenant: str, limit: int, before: tuple[float, str] | None, now: float) -> list[FileRow]:
        created_at, file = before or (float("inf"), "")
        rows = self._catalog.read().execute(
            "SELECT doc FROM file WHERE tenant = ? AND expire_at > ?"
            " AND (created_at < ? OR (created_at = ? AND id > ?)) ORDER BY created_at DESC, id LIMIT ?",
            (tenant, now, created_at, created_at, file, limit),
        )
        return [_file(row[0]) for row in rows]

    def delete(self, tenant: str, file: str) -> str | None:
        """The blob that lost its name, for the caller to delete if nothing pins it. The upload that brought it goes,
        too."""
        with self._catalog.write() as db:
            db.execute(
                "DELETE FROM upload WHERE json_extract(doc, '$.tenant') = ? AND json_extract(doc, '$.file_id') = ?"
                " AND json_extract(doc, '$.finished_bytes') IS NOT NULL",
                (tenant, file),
            )
            row = db.execute(
                "DELETE FROM file WHERE tenant = ? AND id = ? RETURNING blob", (tenant, file)
            ).fetchone()
            return row[0] if row else None

    def stored_bytes(self, tenant: str) -> int:
        """What all files of a tenant have together, results among them."""
        sizes = "SELECT coalesce(sum(json_extract(doc, '$.size_bytes')), 0) FROM file WHERE tenant = ?"
        return self._catalog.read().execute(sizes, (tenant,)).fetchone()[0]

    def expired(self, now: float) -> list[FileRow]:
        rows = self._catalog.read().execute("SELECT doc FROM file WHERE expire_at <= ?", (now,))
        return [_file(row[0]) for row in rows]

    def blob_in_use(self, blob: str) -> bool:
        row = (
            self._catalog.read()
            .execute(
                "SELECT EXISTS (SELECT 1 FROM file WHERE blob = ?1)"
                " OR EXISTS (SELECT 1 FROM pin WHERE blob = ?1)",
                (blob,),
            )
            .fetchone()
        )
        return bool(row[0])

    def insert_upload(self, row: UploadRow) -> None:
        with self._catalog.write() as db:
            db.execute(
                "INSERT INTO upload (id, created_at, doc) VALUES (?, ?, ?)",
                (row.id, row.created_at, _encode(row)),
            )

    def get_upload(self, upload: str) -> UploadRow | None:
        row = self._catalog.read().execute("SELECT doc FROM upload WHERE id = ?", (upload,)).fetchone()
        return _upload(row[0]) if row else None

    def delete_upload(self, upload: str) -> None:
        with self._catalog.write() as db:
            db.execute("DELETE FROM upload WHERE id = ?", (upload,))

    def uploads(self, older_than_at: float | None = None) -> list[UploadRow]:
        rows = self._catalog.read().execute(
            "SELECT doc FROM upload WHERE created_at < ?",
            (float("inf") if older_than_at is None else older_than_at,),
        )
        return [_upload(row[0]) for row in rows]
