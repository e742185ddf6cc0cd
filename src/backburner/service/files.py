"""Files and uploads (contract section 2): resumable, in pieces, streamed to disk.

What is acknowledged is on disk. A piece that comes twice at the same offset is harmless; a piece that leaves
a gap is refused with the offset that we expect. An upload id is a capability: it needs no key beside it.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from weakref import WeakValueDictionary

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    TooLarge,
    Violation,
)
from backburner.core.lanes import Lanes
from backburner.core.limits import (
    DISPLAY_NAME_CHARS,
    FILE_PAGE_SIZE_DEFAULT,
    FILE_PAGE_SIZE_MAX,
    STREAM_BYTES,
)
from backburner.core.names import checked_file_id, file_id, upload_id
from backburner.service import paging
from backburner.service.quotas import QuotaService
from backburner.store.blobs import BlobWriter, WriterClosed
from backburner.store.files import FileRow, UploadRow
from backburner.store.stores import Stores
from backburner.work.space import Space

log = logging.getLogger("backburner.service")

MIME_TOP_LEVEL = frozenset(
    ("application", "audio", "chemical", "font", "image", "message", "model", "multipart", "text", "video")
)
_DEFAULT_MIME = "application/octet-stream"


class Upload(msgspec.Struct, frozen=True):
    """An upload as it stands: `received_bytes` are safe."""

    row: UploadRow
    received_bytes: int


class FileService:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        retention_s: float,
        most_bytes: int,
        quotas: QuotaService,
        space: Space,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._retention_s = retention_s
        self.most_bytes = most_bytes
        self._quotas = quotas
        self._space = space
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._writers: dict[str, BlobWriter] = {}

    # -- upload

    async def start(
        self, tenant: str, *, name: str | None, display_name: str, mime_type: str, size_bytes: int | None
    ) -> UploadRow:
        """Begins an upload. `size_bytes` is the declared length, None when not told.

        Raises TooLarge, InvalidArgument (name, type), AlreadyExists (the name is taken), Exhausted (the quota),
        DiskFull.
        """
        self._space.admit(size_bytes or 0)
        if size_bytes is not None:
            self._check_size(size_bytes)
        if len(display_name) > DISPLAY_NAME_CHARS:
            words = f"expected up to {DISPLAY_NAME_CHARS} characters, found {len(display_name)}"
            raise InvalidArgument(
                "the display name is too long", violations=[Violation("file.displayName", words)]
            )
        await self._quotas.storage(tenant, size_bytes or 0)
        chosen = checked_file_id(name) if name else file_id()
        if name and await self._lanes.read.run(self._stores.files.get, tenant, chosen) is not None:
            raise AlreadyExists(f"files/{chosen} exists. Delete it first or choose another name")
        row = UploadRow(
            id=upload_id(),
            tenant=tenant,
            file_id=chosen,
            mime_type=checked_mime(mime_type),
            display_name=display_name,
            size_bytes=size_bytes,
            created_at=self._clock.now(),
        )
        await self._lanes.write.run(self._stores.files.insert_upload, row)
        return row

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.most_bytes:
            raise TooLarge(
                f"a file may have up to {self.most_bytes:,} bytes, this one has {size_bytes:,}. "
                "Split it into several files and make a batch of each"
            )

    async def upload(self, upload: str) -> Upload:
        """Raises NotFound for an id that never was, was given up, or timed out."""
        row = await self._lanes.read.run(self._stores.files.get_upload, upload)
        if row is None:
            raise NotFound("there is no such upload; it was cancelled or timed out. Start another one")
        if row.finished_bytes is not None:
            return Upload(row, row.finished_bytes)
        return Upload(row, await self._lanes.read.run(self._stores.blobs.incoming_bytes, upload))

    async def append(self, upload: str, offset: int, pieces: AsyncIterator[bytes]) -> Upload:
        """Writes pieces from `offset` on and makes them safe. One connection at a time writes: the newest.

        Raises InvalidArgument for a gap, TooLarge, Conflict when another connection took the upload over, DiskFull
        while the disk has no room: what came before stays.
        """
        self._space.admit()
        async with self._lock(upload):
            state = await self.upload(upload)
            if offset > state.received_bytes:
                raise InvalidArgument(
                    f"the upload has {state.received_bytes} bytes, so the next piece begins at offset "
                    f"{state.received_bytes}, not {offset}",
                    reason="UPLOAD_OFFSET",
                )
            if state.row.finished_bytes is not None:
                writer = None
            else:
                await self._end_writing(upload)
                writer = self._writers[upload] = await self._lanes.read.run(self._stores.blobs.writer, upload)
        if writer is None:  # the reply to the last piece got lost, and it comes again
            async for _ in pieces:
                pass
            return state
        try:
            await self._write(writer, offset, pieces, state.row.size_bytes)
            return Upload(state.row, writer.size_bytes)
        except WriterClosed:
            words = "this upload was finished, or goes on over another connection"
            raise Conflict(words, reason="UPLOAD_ELSEWHERE") from None
        finally:
            if self._writers.get(upload) is writer:
                del self._writers[upload]
            await asyncio.shield(self._lanes.read.run(writer.close))

    async def _write(
        self, writer: BlobWriter, at: int, pieces: AsyncIterator[bytes], declared: int | None
    ) -> None:
        most = self.most_bytes if declared is None else declared
        async for piece in gathered(pieces):
            if at + len(piece) > most:
                said = "a file may have" if declared is None else "the upload was declared with"
                raise TooLarge(f"{said} {most:,} bytes, and more than that came")
            self._space.admit()
            await self._lanes.read.run(writer.write_at, at, piece)
            at += len(piece)
        await self._lanes.read.run(writer.sync)

    def _lock(self, upload: str) -> asyncio.Lock:
        return self._locks.setdefault(upload, asyncio.Lock())

    async def _end_writing(self, upload: str) -> None:
        """A connection that still writes, perhaps a dead one, writes no more."""
        writer = self._writers.pop(upload, None)
        if writer is not None:
            await self._lanes.read.run(writer.close)

    async def complete(self, upload: str, *, purpose: str = "", retention_s: float | None = None) -> FileRow:
        """Turns an upload into a file, which is there for everyone then. Twice is harmless. It is kept for
        `retention_s`, or as long as the settings say.

        Raises InvalidArgument when bytes are missing, AlreadyExists when its name was taken meanwhile, Exhausted when
        the quota has no room for it any more.
        """
        async with self._lock(upload):
            state = await self.upload(upload)
            if state.row.finished_bytes is not None:
                return await self.get(state.row.tenant, state.row.file_id)
            await self._end_writing(upload)
            state = await self.upload(upload)
            declared = state.row.size_bytes
            if declared is not None and state.received_bytes != declared:
                raise InvalidArgument(
                    f"the upload was declared with {declared:,} bytes, {state.received_bytes:,} came",
                    reason="UPLOAD_INCOMPLETE",
                )
            await self._quotas.storage(state.row.tenant, state.received_bytes)
            row = await self._lanes.read.run(self._finish, state.row, purpose, retention_s)
            if not await self._lanes.write.run(self._stores.files.insert, row, state.row):
                await self._lanes.write.run(self._stores.delete_blob_unless_used, row.blob)
                raise AlreadyExists(f"files/{row.id} exists. Delete it first or choose another name")
            return row

    def _finish(self, upload: UploadRow, purpose: str, retention_s: float | None) -> FileRow:
        writer = self._stores.blobs.writer(upload.id)
        digest = hashlib.sha256()
        for piece in writer.pieces():
            digest.update(piece)
        now = self._clock.now()
        return FileRow(
            id=upload.file_id,
            tenant=upload.tenant,
            blob=writer.commit(),
            size_bytes=writer.size_bytes,
            mime_type=upload.mime_type,
            display_name=upload.display_name,
            sha256=digest.hexdigest(),
            purpose=purpose,
            created_at=now,
            updated_at=now,
            expire_at=now + (retention_s or self._retention_s),
        )

    async def abandon(self, upload: str) -> None:
        """Raises NotFound."""
        async with self._lock(upload):
            state = await self.upload(upload)
            await self._end_writing(upload)
            await self._lanes.write.run(self._stores.files.delete_upload, state.row.id)
            await self._lanes.read.run(self._stores.blobs.discard_incoming, state.row.id)

    async def create_empty(
        self, tenant: str, *, name: str | None, display_name: str, mime_type: str
    ) -> FileRow:
        """A file made of metadata alone (contract 2.1)."""
        row = await self.start(
            tenant, name=name, display_name=display_name, mime_type=mime_type, size_bytes=0
        )
        return await self.complete(row.id)

    async def adopt(self, tenant: str, mime_type: str, display_name: str, pieces: Iterator[bytes]) -> FileRow:
        """A file of any size from bytes on this machine, copied, so that who edits the original afterwards
        changes nothing here. For `backburner run`. Raises DiskFull."""
        self._space.admit()
        row = await self._lanes.read.run(self._adopt, tenant, mime_type, display_name, pieces)
        await self._lanes.write.run(self._stores.files.insert, row)
        return row

    def _adopt(self, tenant: str, mime_type: str, display_name: str, pieces: Iterator[bytes]) -> FileRow:
        writer = self._stores.blobs.writer()
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            writer.write(piece)
        size_bytes = writer.size_bytes
        now = self._clock.now()
        return FileRow(
            id=file_id(),
            tenant=tenant,
            blob=writer.commit(),
            size_bytes=size_bytes,
            mime_type=checked_mime(mime_type),
            display_name=display_name,
            sha256=digest.hexdigest(),
            created_at=now,
            updated_at=now,
            expire_at=now + self._retention_s,
        )

    # -- read

    async def get(self, tenant: str, file: str) -> FileRow:
        """Raises PermissionDenied for a missing file, as the real service does (contract 2.4), and says the
        real reason (7.18). A foreign one answers with the same bytes."""
        row = await self._lanes.read.run(self._stores.files.get, tenant, file)
        if row is None or row.expire_at <= self._clock.now():
            raise PermissionDenied(
                f"You do not have permission to access the File {file} or it may not exist. "
                "(Here it means: there is no such file; files are deleted "
                f"{self._retention_s / 3600:g} hours after their upload.)",
                reason="FILE_NOT_FOUND",
            )
        return row

    async def beside(
        self,
        tenant: str,
        count: int,
        mark: str | None,
        wanted: Callable[[FileRow], bool],
        *,
        oldest_first: bool = False,
    ) -> tuple[list[FileRow], bool]:
        """Up to `count` files that are wanted and stand behind the file `mark`, and whether there are more.
        Raises PermissionDenied for a mark that is no file."""
        row = await self.get(tenant, mark) if mark else None
        found: list[FileRow] = []
        while len(found) <= count:
            place = (row.created_at, row.id) if row else None
            rows = await self._lanes.read.run(self._rows, tenant, place, oldest_first)
            found += [each for each in rows if wanted(each)]
            if len(rows) < FILE_PAGE_SIZE_MAX:
                break
            row = rows[-1]
        return found[:count], len(found) > count

    def _rows(self, tenant: str, place: tuple[float, str] | None, oldest_first: bool) -> Sequence[FileRow]:
        files, now = self._stores.files, self._clock.now()
        if oldest_first:
            return files.page_after(tenant, FILE_PAGE_SIZE_MAX, place, now)
        return files.page(tenant, FILE_PAGE_SIZE_MAX, place, now)

    async def list(self, tenant: str, page_size: int | None, page_token: str | None) -> paging.Page[FileRow]:
        count = paging.size(page_size, FILE_PAGE_SIZE_DEFAULT, FILE_PAGE_SIZE_MAX)
        now = self._clock.now()
        return await self._lanes.read.run(
            paging.page,
            lambda limit, before: self._stores.files.page(tenant, limit, before, now),
            count,
            page_token,
        )

    async def delete(self, tenant: str, file: str) -> None:
        """The name goes at once; the bytes too, or when no job pins them any more."""
        row = await self.get(tenant, file)
        gone = await self._lanes.write.run(self._stores.delete_file, tenant, row.id)
        log.info(
            "event=file_deleted file=%s tenant=%s bytes=%d gone=%s",
            row.id,
            tenant,
            row.size_bytes,
            str(gone).lower(),
        )

    async def check(self, row: FileRow) -> None:
        """Before its bytes are served. Raises DataLoss where they are known to be others than those that came."""
        if row.blob is not None:
            await self._lanes.read.run(self._stores.blobs.check, row.blob, row.size_bytes, row.sha256)

    async def read(self, row: FileRow, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a file, or of a range of it that the caller has checked against its size. Raises DataLoss,
        for a large file at its end."""
        if row.blob is None:
            return
        blobs = self._stores.blobs
        if offset == 0 and length in (None, row.size_bytes):
            stream = blobs.sound_stream(row.blob, row.size_bytes, row.sha256)
        else:
            stream = blobs.open_stream(row.blob, offset, length)
        while piece := await self._lanes.read.run(next, stream, b""):
            yield piece


async def gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Small network pieces joined, so that a hop to a thread pays."""
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        if len(buffer) >= STREAM_BYTES:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def checked_mime(mime_type: str) -> str:
    """Lenient, because clients say `jsonl` and what `file --mime-type` prints (contract 1.9). Raises
    InvalidArgument for a type that is none; the words are those the SDK's own tests look for."""
    kind = mime_type.split(";")[0].strip().lower()
    top, slash, _ = kind.partition("/")
    if slash and top not in MIME_TOP_LEVEL and not top.startswith("x-"):
        raise InvalidArgument(
            f"Unsupported MIME type: {mime_type}",
            violations=[
                Violation("file.mimeType", f"{mime_type!r} is not a media type", "For a batch input: jsonl")
            ],
        )
    return kind or _DEFAULT_MIME
