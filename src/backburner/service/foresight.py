"""How well ends are foretold: the estimate at half of a job, held against its end."""

import msgspec

from backburner.core.clock import Clock
from backburner.core.job import JobState
from backburner.core.metrics import ETA_ERROR
from backburner.service.progress import ProgressService
from backburner.work.board import Board
from backburner.work.run import JobRun

LOOK_S = 5.0


class Foretold(msgspec.Struct, frozen=True):
    at: float
    likely_at: float


class Foresight:
    """Jobs that are over in a few seconds are not looked at."""

    def __init__(self, clock: Clock, board: Board, progress: ProgressService) -> None:
        self._clock = clock
        self._board = board
        self._progress = progress
        self._foretold: dict[str, Foretold] = {}
        board.listeners.append(self._listen)

    async def loop(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            for run in list(self._board.runs.values()):
                counts = run.counts
                if run.job.id in self._foretold or run.scanning or not 0 < 2 * counts.pending <= counts.total:
                    continue
                found = await self._progress.of(run.snapshot(), tokens=False)
                if found.completion is not None and not run.job.ended:
                    self._foretold[run.job.id] = Foretold(self._clock.now(), found.completion.likely_at)

    def _listen(self, run: JobRun) -> None:
        job = run.job
        if not job.ended or (foretold := self._foretold.pop(job.id, None)) is None:
            return
        if job.state is JobState.SUCCEEDED and job.ended_at is not None and job.ended_at > foretold.at:
            missed_s = abs(foretold.likely_at - job.ended_at)
            self._board.metrics.observe(ETA_ERROR, (), missed_s / (job.ended_at - foretold.at))
