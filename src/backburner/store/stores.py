"""Everything under one data folder."""

from pathlib import Path

from backburner.store import disk
from backburner.store.blobs import Blobs
from backburner.store.caches import Caches
from backburner.store.catalog import Catalog
from backburner.store.files import Files
from backburner.store.jobs import Jobs, Pin
from backburner.store.keys import Keys
from backburner.store.ledgers import Ledgers
from backburner.store.ownership import Ownership
from backburner.store.paces import Paces
from backburner.store.spend import Spend
from backburner.store.webhooks import Webhooks


class Stores:
    def __init__(self, folder: Path) -> None:
        self._ownership = Ownership(folder)
        self.folder = folder
        try:
            self.catalog = Catalog(folder / "catalog.db")
        except BaseException:
            self._ownership.release()
            raise
        self.jobs = Jobs(self.catalog)
        self.files = Files(self.catalog)
        self.caches = Caches(self.catalog)
        self.keys = Keys(self.catalog)
        self.paces = Paces(self.catalog)
        self.spend = Spend(self.catalog)
        self.webhooks = Webhooks(self.catalog)
        self.blobs = Blobs(folder / "blobs")
        self.ledgers = Ledgers(folder / "jobs")

    def disk(self) -> disk.Free:
        """What the disk under the folder has now."""
        return disk.free(self.folder)

    def delete_blob_unless_used(self, blob: str | None) -> None:
        """On the writer lane, so that nothing can begin to use it in between."""
        if blob is not None and not self.files.blob_in_use(blob):
            self.blobs.delete(blob)

    def pin_input(self, job: str, name: str, blob: str, sha256: str) -> bool:
        """On the writer lane: holds the input of a job about to be made; False when it is gone already."""
        if not self.blobs.exists(blob):
            return False
        self.jobs.pin(job, [Pin("input", name, blob, sha256)])
        return True

    def release_pins(self, job: str) -> None:
        """On the writer lane: the job needs nothing any more, and what only it held goes."""
        for blob in self.jobs.unpin(job):
            self.delete_blob_unless_used(blob)

    def delete_job(self, job: str) -> None:
        """On the writer lane: the job, its ledger, and the blobs that only it held."""
        blobs = self.jobs.delete(job)
        self.ledgers.delete(job)
        for blob in blobs:
            self.delete_blob_unless_used(blob)

    def close(self) -> None:
        self.ledgers.close()
        self.catalog.close()
        self._ownership.release()
