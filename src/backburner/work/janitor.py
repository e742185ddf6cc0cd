"""What time does: jobs expire, files and caches go, and what a crash left behind is swept up."""

import logging

from backburner.core.clock import Clock
from backburner.core.errors import Code
from backburner.core.job import Job, JobError, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import IDEMPOTENCY_S, UPLOAD_RETENTION_S
from backburner.core.names import errors_file_id, result_file_id
from backburner.store.stores import Stores
from backburner.work.answers import AnswerCache
from backburner.work.board import Board
from backburner.work.slots import Slots

log = logging.getLogger("backburner.work")

ROUND_S = 30.0
FORGET_EACH_S = 3600.0
FORGOTTEN_AT_ONCE = 1000


class Janitor:
    """`operator_trouble_s`: how long a job waits for somebody to mend what is no request's fault; 0 as long as it
    may wait at all. `job_retention_s`: how long a job is kept after its end, 0 for ever."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        slots: Slots,
        answers: AnswerCache,
        operator_trouble_s: float = 0.0,
        job_retention_s: float = 0.0,
    ) -> None:
        self._clock = clock
        self._slots = slots
        self._answers = answers
        self._operator_trouble_s = operator_trouble_s
        self._job_retention_s = job_retention_s
        self._forget_jobs_at = float("-inf")
        self._stores = stores
        self._lanes = lanes
        self._board = board

    async def loop(self) -> None:
        while True:
            await self.run_once()
            await self._clock.sleep(ROUND_S)

    async def run_once(self) -> None:
        await self._expire_jobs()
        await self._fail_stuck_jobs()
        await self._forget_jobs()
        await self._lanes.write.run(self._expire_rows, self._clock.now())
        await self.remember()

    async def _expire_jobs(self) -> None:
        for run in list(self._board.runs.values()):
            if run.job.ended or run.job.waits_for:  # the time of one that follows others has not begun
                continue
            if run.job.expire_at <= self._clock.now():
                hours = round((run.job.expire_at - run.job.created_at) / 3600)
                words = f"the job was pending or running for more than {hours} hours"
                why = f"; it was waiting because {run.reason}" if run.reason else ""
                error = JobError(Code.DEADLINE_EXCEEDED, f"{words}{why}. Its finished answers are kept")
                await self._board.move(run, JobState.EXPIRED, error)

    async def remember(self) -> None:
        """What was found out about engines, for the next start."""
        if learned := self._slots.learned():
            await self._lanes.write.run(self._stores.paces.save, learned)

    async def _fail_stuck_jobs(self) -> None:
        """Trouble on the operator's side keeps a job running, with the reason shown, but not for ever: whoever waits
        for an end state gets one."""
        since = self._clock.monotonic() - self._operator_trouble_s
        for run in list(self._board.runs.values()):
            stuck = run.stuck_at is not None and run.stuck_at <= since
            if not (self._operator_trouble_s and stuck) or run.job.ended:
                continue
            words = (
                f"no request of the job could be answered for {self._operator_trouble_s / 3600:g} hours: {run.reason}. "
                "Its finished answers are kept; once that is mended, retry the job for the others"
            )
            await self._board.move(run, JobState.FAILED, JobError(Code.UNAVAILABLE, words))

    async def _forget_jobs(self) -> None:
        """Ended jobs whose time is up go, but not before their results do."""
        now = self._clock.now()
        if not self._job_retention_s or now < self._forget_jobs_at:
            return
        self._forget_jobs_at = now + FORGET_EACH_S
        find = self._stores.jobs.ended_before
        jobs = await self._lanes.read.run(find, now - self._job_retention_s, FORGOTTEN_AT_ONCE)
        for job in jobs:
            if job.id not in self._board.runs and await self._lanes.write.run(self._forget, job):
                log.info("event=job_forgotten job=%s tenant=%s", job.id, job.tenant)

    def _forget(self, job: Job) -> bool:
        files = [
            self._stores.files.get(job.tenant, name(job.id)) for name in (result_file_id, errors_file_id)
        ]
        if any(files):
            return False
        self._stores.erase_job(job)
        return True

    def _expire_rows(self, now: float) -> None:
        gone = 0
        for row in self._stores.files.expired(now):
            self._stores.delete_blob_unless_used(self._stores.files.delete(row.tenant, row.id))
            gone += 1
        for upload in self._stores.files.uploads(older_than_at=now - UPLOAD_RETENTION_S):
            self._stores.files.delete_upload(upload.id)
            self._stores.blobs.discard_incoming(upload.id)
        gone += self._stores.caches.purge(now) + self._answers.expire()
        if gone or self._stores.scrubbing:
            scrubbed = self._stores.scrub()
            log.info("event=expired files_and_caches=%d gone=%s", gone, str(scrubbed).lower())
        self._stores.jobs.forget_idempotency(now - IDEMPOTENCY_S)

    def sweep(self) -> None:
        """Once, at the start, before anything else writes: what nobody owns."""
        self._stores.jobs.unpin_stale()
        jobs = self._stores.jobs.ids()
        for folder in self._stores.ledgers.all():
            if folder not in jobs:
                self._stores.ledgers.delete(folder)
        uploads = {upload.id for upload in self._stores.files.uploads()}
        for name in self._stores.blobs.incoming():
            if name not in uploads:
                self._stores.blobs.discard_incoming(name)
        for blob in list(self._stores.blobs.all()):
            self._stores.delete_blob_unless_used(blob)
