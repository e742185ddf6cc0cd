"""Another try for the requests of an ended job that have no answer."""

from backburner.core.errors import Conflict
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import DISPLAY_NAME_CHARS
from backburner.service.drafts import JobDraft
from backburner.service.files import FileService
from backburner.service.inputs import Ranges, lines_of
from backburner.service.jobs import JobService
from backburner.store.stores import Stores
from backburner.work.kept import ANSWERS_OF


class RetryService:
    def __init__(self, stores: Stores, lanes: Lanes, files: FileService, jobs: JobService) -> None:
        self._stores = stores
        self._lanes = lanes
        self._files = files
        self._jobs = jobs

    async def retry(self, tenant: str, job: str, *, whole: bool = False) -> Job:
        """A new job of the requests of an ended one that have no answer, with its options. `whole`: of all of its
        requests, where those that have an answer keep it and only the others run, so that its results are whole.
        Raises NotFound, Conflict while it runs, when nothing failed, or when its input or its results are gone."""
        found = await self._jobs.get(tenant, job)
        if not found.ended:
            raise Conflict("the job has not ended; what fails for a passing reason is tried again by itself")
        ranges = await self._lanes.read.run(self._unanswered, found)
        if not ranges:
            raise Conflict("every request of the job has its answer; there is nothing to try again")
        extras = {**found.extras, "retry_of": found.id}
        extras.pop(ANSWERS_OF, None)
        content = lines_of(self._stores.blobs, found.input_blob, ranges)
        if whole:
            await self._lanes.read.run(self._check_results, found)
            content, extras[ANSWERS_OF] = self._stores.blobs.open_stream(found.input_blob), found.id
        name = f"{found.display_name or found.id} (retry)"
        file = await self._files.adopt(tenant, "jsonl", name, content)
        draft = JobDraft(
            dialect=found.dialect,
            kind=found.kind,
            model=found.model,
            display_name=name[:DISPLAY_NAME_CHARS],
            priority=found.priority,
            on_invalid=found.on_invalid,
            local_only=found.local_only,
            window_s=found.window_s,
            reuse_duplicates=found.reuse_duplicates,
            file_id=file.id,
            webhook=found.webhook,
            extras=extras,
        )
        return await self._jobs.create(tenant, draft)

    def _check_results(self, job: Job) -> None:
        if job.results_blob is None or not self._stores.blobs.exists(job.results_blob):
            raise Conflict(
                "the results of the job are gone, so its answers cannot be kept; without `whole` the others run alone"
            )

    def _unanswered(self, job: Job) -> Ranges:
        if not self._stores.blobs.exists(job.input_blob):
            raise Conflict("the input of the job is gone; files are deleted some time after their upload")
        with self._stores.ledgers.reader(job.id) as reader:
            return reader.unanswered()
