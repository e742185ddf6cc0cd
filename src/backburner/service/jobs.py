"""Jobs as callers see them: create, get, list, cancel, delete, update."""

import asyncio
import logging
from weakref import WeakValueDictionary

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import (
    AlreadyExists,
    Code,
    Conflict,
    InvalidArgument,
    NotFound,
    Refused,
    Violation,
)
from backburner.core.exchange import Feature
from backburner.core.job import Job, JobError, JobKind, JobState, OnInvalid
from backburner.core.lanes import Lanes
from backburner.core.limits import (
    CREATE_CHECK_S,
    DISPLAY_NAME_CHARS,
    JOB_EXPIRY_S,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    REPORTED_VIOLATIONS,
)
from backburner.core.names import job_id
from backburner.engines.routes import Routes
from backburner.service import paging
from backburner.service.companions import Companions
from backburner.service.drafts import Idempotency, JobDraft
from backburner.service.files import FileService
from backburner.service.inputs import write_lines
from backburner.service.models import unserved
from backburner.service.quotas import QuotaService
from backburner.store.jobs import EVERY, INLINE, Wanted
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.intake import Intake
from backburner.work.run import JobRun
from backburner.work.space import Space

log = logging.getLogger("backburner.service")

PUBLISH_WAIT_S = 20.0


class JobService:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        space: Space,
        intake: Intake,
        routes: Routes,
        files: FileService,
        quotas: QuotaService,
        companions: Companions,
        *,
        reuse_duplicates: bool,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._space = space
        self._intake = intake
        self._routes = routes
        self._files = files
        self._quotas = quotas
        self._companions = companions
        self._reuse_duplicates = reuse_duplicates
        self._background: set[asyncio.Task[None]] = set()
        self._creating: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    # -- create

    async def create(self, tenant: str, draft: JobDraft, idempotency: Idempotency | None = None) -> Job:
        """Accepts a job; it is durable when this returns. Lines are checked for up to CREATE_CHECK_S seconds
        before; what is found wrong later fails the job.

        Raises InvalidArgument with every wrong line found so far, NotFound for a model that nothing serves,
        PermissionDenied for a missing file, AlreadyExists for an idempotency key used with another body, Exhausted for
        a tenant over its quota, DiskFull.
        """
        if idempotency is None:
            return await self._create(tenant, draft, None)
        lock = self._creating.setdefault((tenant, idempotency.key), asyncio.Lock())
        async with lock:  # two with one key at once: the second must find the first
            row = await self._lanes.read.run(self._stores.jobs.idempotent, tenant, idempotency.key)
            if row is not None and row.digest != idempotency.digest:
                raise AlreadyExists(
                    "this Idempotency-Key was used with another request body. Take a new key for a new job",
                    reason="IDEMPOTENCY_KEY_REUSED",
                )
            if row is not None:
                return await self.get(tenant, row.job)
            return await self._create(tenant, draft, idempotency)

    async def _create(self, tenant: str, draft: JobDraft, idempotency: Idempotency | None) -> Job:
        unserved = self._unserved(tenant, draft)
        if unserved is not None and draft.check_first:
            raise unserved
        self._space.admit()
        self._quotas.creation(tenant)
        draft = await self._companions.settled(tenant, draft)
        id_ = job_id()
        try:
            job = await self._job(id_, tenant, draft)
            run = await self._board.open(job, self._lanes)
            if draft.check_first:
                await self._intake.scan(run, self._clock.monotonic() + CREATE_CHECK_S)
                await self._refuse_wrong_lines(run)
            if draft.file_id is None:
                self._quotas.whole(run)
            job = msgspec.structs.replace(run.snapshot(), updated_at=self._clock.now())
            remembered = (idempotency.key, idempotency.digest) if idempotency else None
            await self._lanes.write.run(self._stores.jobs.insert, job, (), remembered)
        except BaseException:
            # never accepted, so nothing of it may stay: also when the caller hangs up in the middle
            await asyncio.shield(self._lanes.write.run(self._stores.delete_job, id_))
            raise
        run.job = job
        if unserved is not None and draft.model:  # without one the lines say what is wrong
            await self._board.move(run, JobState.FAILED, JobError(unserved.code, unserved.message))
        self.resume(run)
        return run.snapshot()

    def resume(self, run: JobRun) -> None:
        """Puts a job on the board; what is left of its input is scanned beside its execution."""
        self._board.admit(run)
        if not run.job.ended and run.scanning:
            task = asyncio.create_task(self._intake.scan_on(run))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def stop(self) -> None:
        """Scans end where they stand; the ledgers know where."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _job(self, id_: str, tenant: str, draft: JobDraft) -> Job:
        """The job with its input pinned, so that nobody can delete it from here on."""
        if draft.file_id is not None:
            file = await self._files.get(tenant, draft.file_id)
            if file.blob is None or file.size_bytes == 0:
                raise InvalidArgument(
                    f"input file files/{file.id} is empty; it needs one request in JSON on each line"
                )
            name, blob, size_bytes, sha256 = f"files/{file.id}", file.blob, file.size_bytes, file.sha256
        else:
            name = None
            blob, size_bytes, sha256 = await self._lanes.read.run(
                write_lines, self._stores.blobs, draft.lines or ()
            )
        if not await self._lanes.write.run(self._stores.pin_input, id_, name or INLINE, blob, sha256):
            await self._files.get(tenant, draft.file_id or "")  # says that it is not there any more
            raise InvalidArgument(f"input file {name} was replaced while the job was being created")
        now = self._clock.now()
        return Job(
            id=id_,
            tenant=tenant,
            dialect=draft.dialect,
            kind=draft.kind,
            model=draft.model,
            state=JobState.PENDING,
            created_at=now,
            updated_at=now,
            expire_at=now + (draft.expire_after_s or max(draft.window_s, JOB_EXPIRY_S)),
            window_s=draft.window_s,
            display_name=draft.display_name,
            priority=draft.priority,
            on_invalid=draft.on_invalid,
            hold_after_canary=draft.hold_after_canary,
            local_only=draft.local_only,
            reuse_duplicates=(
                self._reuse_duplicates if draft.reuse_duplicates is None else draft.reuse_duplicates
            ),
            input_name=name,
            input_blob=blob,
            input_bytes=size_bytes,
            warnings=draft.warnings,
            webhook=draft.webhook,
            after=draft.after,
            waits_for=draft.waits_for,
            result_retention_s=draft.result_retention_s,
            extras=draft.extras,
        )

    def _unserved(self, tenant: str, draft: JobDraft) -> Refused | None:
        """Why nothing here can run the job. Raises InvalidArgument for what no job may have."""
        if len(draft.display_name) > DISPLAY_NAME_CHARS:
            words = f"expected up to {DISPLAY_NAME_CHARS} characters, found {len(draft.display_name)}"
            raise InvalidArgument(
                "the display name is too long", violations=[Violation("batch.displayName", words)]
            )
        pool = self._routes.pool(draft.model, tenant, local_only=draft.local_only)
        if not pool:
            return unserved(self._routes, draft.model)
        route = pool[0]
        feature = Feature.EMBED if draft.kind is JobKind.EMBED else Feature.CHAT
        if feature not in route.capabilities.features:
            return InvalidArgument(
                f"the model {draft.model} (on engine {route.engine.name!r}) does not do {feature}",
                reason="MODEL_KIND",
            )
        return None

    async def _refuse_wrong_lines(self, run: JobRun) -> None:
        progress, name = run.ledger.progress, run.job.input_name or "request body"
        if progress.done and not progress.next_ordinal:
            raise InvalidArgument(
                f"{'input file ' if run.job.input_name else ''}{name} has no requests in it; "
                "it needs one request in JSON on each line"
            )
        if not progress.invalid_count or run.job.on_invalid is OnInvalid.SKIP:
            return
        violations = await self._lanes.read.run(self._violations, run.job, REPORTED_VIOLATIONS)
        seen = "" if progress.done else f" of the first {progress.next_ordinal:,} looked at"
        raise InvalidArgument(
            f"{progress.invalid_count} of {progress.next_ordinal:,} requests{seen} are wrong",
            reason="INVALID_REQUESTS",
            violations=violations,
        )

    def _violations(self, job: Job, limit: int) -> list[Violation]:
        """By line of the input file; the requests of a body have their place in the path instead."""
        with self._stores.ledgers.reader(job.id) as reader:
            found = reader.violations(limit)
        return found if job.input_name else [msgspec.structs.replace(x, line=None) for x in found]

    # -- read

    async def violations(self, job: Job, limit: int = REPORTED_VIOLATIONS) -> list[Violation]:
        """What is wrong with the lines of a job that was accepted before they were checked, in input order."""
        return await self._lanes.read.run(self._violations, job, limit)

    async def get(self, tenant: str, job: str) -> Job:
        """The job with its live counts. A job that has just ended is answered once its results can be read,
        so that whoever sees the end can fetch them. Raises NotFound."""
        run = self._board.get(tenant, job)
        if run is not None and run.job.ended:
            await self._published(run)
        elif run is not None:
            return run.snapshot()
        found = await self._lanes.read.run(self._stores.jobs.get, tenant, job)
        if found is None:
            raise NotFound("Requested entity was not found.", reason="JOB_NOT_FOUND")
        return found

    async def _published(self, run: JobRun) -> None:
        """Waits, with a bound, until the results of an ended job are in their file."""
        waiter = asyncio.ensure_future(run.retired.wait())
        sleeper = asyncio.ensure_future(self._clock.sleep(PUBLISH_WAIT_S))
        try:
            await asyncio.wait((waiter, sleeper), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
            sleeper.cancel()

    def reason(self, job: Job) -> str:
        """Why nothing of this job goes on, in words; empty when it does."""
        run = self._board.runs.get(job.id)
        return run.reason if run is not None else ""

    async def list(
        self, tenant: str, page_size: int | None, page_token: str | None, wanted: Wanted = EVERY
    ) -> paging.Page[Job]:
        """Newest first, those that `wanted` lets pass."""
        count = paging.size(page_size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
        found = await self._lanes.read.run(
            paging.page,
            lambda limit, before: self._stores.jobs.page(tenant, limit, before, wanted),
            count,
            page_token,
        )
        live = [run.snapshot() if (run := self._board.get(tenant, x.id)) else x for x in found.items]
        return paging.Page(live, found.next_token)

    # -- change

    async def cancel(self, tenant: str, job: str) -> None:
        """CANCELLED is durable when this returns, and no call is made after it. A job that has ended stays as
        it is; cancelling it is harmless. Raises NotFound, DiskFull when it waits for room."""
        run = self._board.get(tenant, job)
        if run is None:
            await self.get(tenant, job)
            return
        error = JobError(Code.CANCELLED, "The operation was cancelled.")
        await self._space.within(self._board.move(run, JobState.CANCELLED, error))

    async def hold(self, tenant: str, job: str) -> Job:
        """Starts nothing of a job but its canary until somebody approves it; calls under way go on. Raises NotFound,
        Conflict when it has ended."""
        run = self._board.get(tenant, job)
        found = await self.get(tenant, job)
        if run is None or found.ended:
            raise Conflict("the job has ended, so there is nothing to hold")
        await self._space.within(self._board.amend(run, hold_after_canary=True, approved=False))
        return run.snapshot()

    async def approve(self, tenant: str, job: str) -> Job:
        """Lets a job that is held after its canary go on. Raises NotFound, Conflict when it is not held."""
        run = self._board.get(tenant, job)
        found = await self.get(tenant, job)
        if run is None or found.ended or not found.held:
            raise Conflict("the job is not held, so there is nothing to approve")
        await self._space.within(self._board.amend(run, approved=True))
        run.reason = ""
        return run.snapshot()

    async def delete(self, tenant: str, job: str) -> None:
        """Stops the job and removes it with its ledger and its results: nothing of it is in the data folder afterwards,
        except for an input file, which is a file of its own. Raises NotFound."""
        run = self._board.get(tenant, job)
        if run is not None:
            await self.cancel(tenant, job)
            await run.retired.wait()  # whoever writes its results must be done with its ledger
        found = await self.get(tenant, job)
        gone = await self._lanes.write.run(self._stores.erase_job, found)
        log.info("event=job_deleted job=%s tenant=%s gone=%s", job, tenant, str(gone).lower())

    async def update(
        self, tenant: str, job: str, *, priority: int | None = None, display_name: str | None = None
    ) -> Job:
        """Changes what may be changed. Raises NotFound, Conflict for the priority of a job that has ended."""
        run = self._board.get(tenant, job)
        found = await self.get(tenant, job)
        changes: dict[str, object] = {}
        if priority is not None:
            if found.ended:
                raise Conflict("the job has ended; its priority means nothing any more")
            changes["priority"] = priority
        if display_name is not None:
            changes["display_name"] = display_name
        if run is not None and run.job.id in self._board.runs:
            await self._space.within(self._board.amend(run, **changes))
            return run.snapshot()
        found = msgspec.structs.replace(found, updated_at=self._clock.now(), **changes)
        await self._lanes.write.run(self._stores.jobs.update, found)
        return found
