"""Everything under one data folder."""

import logging
from pathlib import Path

from backburner.core.errors import DiskFull
from backburner.core.job import Job
from backburner.core.names import errors_file_id, result_file_id
from backburner.store import disk
from backburner.store.answers import Answers
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

log = logging.getLogger("backburner.store")


class Stores:
    def __init__(self, folder: Path) -> None:
        self._ownership = Ownership(folder)
        self.folder = folder
        try:
            self.catalog = Catalog(folder / "catalog.db")
        except BaseException as error:
            self._ownership.release()
            if disk.says_full(error, self.disk().free_bytes):
                words = f"there is no room on the disk of {folder}: not even to open what is there. Free some"
                raise DiskFull(words) from error
            raise
        self.jobs = Jobs(self.catalog)
        self.files = Files(self.catalog)
        self.caches = Caches(self.catalog)
        self.keys = Keys(self.catalog)
        self.paces = Paces(self.catalog)
        self.spend = Spend(self.catalog)
        self.webhooks = Webhooks(self.catalog)
        self.blobs = Blobs(folder / "blobs")
        self.scrubbing = False  # something was deleted, and may still be in the log of the catalog
        self.ledgers = Ledgers(folder / "jobs")
        self.answers = Answers(folder / "answers.db")

    def disk(self) -> disk.Free:
        """What the disk under the folder has now."""
        return disk.free(self.folder)

    def delete_blob_unless_used(self, blob: str | None) -> bool:
        """On the writer lane, so that nothing can begin to use it in between. False when something still does."""
        if blob is not None:
            if self.files.blob_in_use(blob):
                return False
            self.blobs.delete(blob)
        return True

    def scrub(self) -> bool:
        """On the writer lane, after something was deleted for good: nothing of it is in the data folder afterwards.
        False where that must be tried again (`scrubbing`)."""
        scrubbed = [self.catalog.scrub(), self.answers.scrub()]
        self.scrubbing = not all(scrubbed)
        return not self.scrubbing

    def delete_file(self, tenant: str, file: str) -> bool:
        """On the writer lane: the file, and its bytes. False when a job still needs those: they go with the job's
        end."""
        gone = self.delete_blob_unless_used(self.files.delete(tenant, file))
        return gone and self.scrub()

    def pin_input(self, job: str, name: str, blob: str, sha256: str) -> bool:
        """On the writer lane: holds the input of a job about to be made; False when it is gone already."""
        if not self.blobs.exists(blob):
            return False
        self.jobs.pin(job, [Pin("input", name, blob, sha256)])
        return True

    def release_pins(self, job: str) -> None:
        """On the writer lane: the job needs nothing any more, and what only it held goes."""
        gone = sum(self.delete_blob_unless_used(blob) for blob in self.jobs.unpin(job))
        if gone:
            log.info("event=bytes_gone job=%s files=%d", job, gone)

    def erase_job(self, job: Job) -> bool:
        """On the writer lane: an ended job with everything that it made. False where `scrub` must be tried again."""
        for file in (result_file_id(job.id), errors_file_id(job.id)):
            self.delete_blob_unless_used(self.files.delete(job.tenant, file))
        self.delete_job(job.id)  # last: whoever finds the job can delete it again
        return self.scrub()

    def delete_job(self, job: str) -> None:
        """On the writer lane: the job, its ledger, and the blobs that only it held. Its result files are rows of their
        own."""
        blobs = self.jobs.delete(job)
        self.ledgers.delete(job)
        self.answers.forget(job)
        for blob in blobs:
            self.delete_blob_unless_used(blob)

    def close(self) -> None:
        self.ledgers.close()
        self.answers.close()
        self.catalog.close()
        self._ownership.release()
