"""Lists of jobs whose pages are named by the jobs at their ends, as OpenAI and Anthropic have them."""

from backburner.core.errors import NotFound
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.store.jobs import EVERY, Wanted
from backburner.store.stores import Stores
from backburner.work.board import Board


class Listing:
    def __init__(self, stores: Stores, lanes: Lanes, board: Board) -> None:
        self._stores = stores
        self._lanes = lanes
        self._board = board

    async def beside(
        self,
        tenant: str,
        count: int,
        *,
        after: str | None = None,
        before: str | None = None,
        wanted: Wanted = EVERY,
    ) -> tuple[list[Job], bool]:
        """Up to `count` jobs, newest first, with their live counts: those that stand behind the job `after`, or
        just ahead of the job `before`, or the first ones; and whether that side has more.

        Raises NotFound for a mark that is no job of the tenant.
        """
        return await self._lanes.read.run(self._beside, tenant, count, after, before, wanted)

    def _beside(
        self, tenant: str, count: int, after: str | None, before: str | None, wanted: Wanted
    ) -> tuple[list[Job], bool]:
        jobs = self._stores.jobs
        mark = jobs.get(tenant, before or after or "") if before or after else None
        if mark is None and (before or after):
            raise NotFound("Requested entity was not found.", reason="JOB_NOT_FOUND")
        place = (mark.created_at, mark.id) if mark else None
        if place and before:
            found = jobs.page_ahead(tenant, count + 1, place, wanted)
            chosen = found[-count:]
        else:
            found = jobs.page(tenant, count + 1, place, wanted)
            chosen = found[:count]
        return [self._live(job) for job in chosen], len(found) > count

    def _live(self, job: Job) -> Job:
        run = self._board.get(job.tenant, job.id)
        return run.snapshot() if run is not None else job
