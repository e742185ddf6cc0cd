"""Results as they come in: what there is, then every new outcome, until the job has ended and all were told."""

from collections.abc import AsyncIterator

from backburner.core.clock import Clock
from backburner.core.errors import Unavailable
from backburner.core.job import Job
from backburner.service.jobs import JobService
from backburner.service.results import Numbered, ResultService, decode_cursor, encode_cursor
from backburner.work.board import Board

LOOK_S = 0.1


class FollowService:
    def __init__(self, clock: Clock, board: Board, jobs: JobService, results: ResultService) -> None:
        self._clock = clock
        self._board = board
        self._jobs = jobs
        self._results = results
        self.leaving = False  # the server is about to stop

    async def numbered(self, tenant: str, job: Job, cursor: str | None) -> AsyncIterator[list[Numbered]]:
        """Pages of result lines in the order of commit, behind `cursor`. Raises, also in the middle,
        NotFound when the job is deleted and Unavailable when the server stops; InvalidArgument for a cursor that is
        none."""
        seq = decode_cursor(cursor) if cursor else 0
        while True:
            async for page in self._results.numbered(job, encode_cursor(seq)):
                seq = page[-1].seq if page else seq
                yield page
            if job.ended:
                return
            await self._news(job, seq)
            job = await self._jobs.get(tenant, job.id)

    async def _news(self, job: Job, seq: int) -> None:
        """Returns when there is an outcome behind `seq`, or the job is not what it was."""
        while True:
            if self.leaving:
                raise Unavailable("the server is stopping; go on behind the last cursor when it is back")
            run = self._board.get(job.tenant, job.id)
            if run is None or run.job.ended or run.ledger.last_seq > seq:
                return
            await self._clock.sleep(LOOK_S)
