"""Why nothing of a job goes on, in words for its owner. Says nothing of other tenants: only whether there is a
free slot."""

from backburner.core.clock import Clock, rfc3339
from backburner.core.job import JobState
from backburner.engines.protocol import Health
from backburner.engines.routes import Route, Routes
from backburner.policy.follow import waiting_words
from backburner.work.board import Board
from backburner.work.run import JobRun
from backburner.work.slots import Slots
from backburner.work.space import Space

QUIET_S = 3.0  # a job that something was done of this lately is not waiting


class Waiting:
    def __init__(self, clock: Clock, board: Board, routes: Routes, slots: Slots, space: Space) -> None:
        self._clock = clock
        self._board = board
        self._routes = routes
        self._slots = slots
        self._space = space

    def reason(self, run: JobRun, idle_s: float) -> str:
        """Empty when the job goes on or has ended. `idle_s`: how long nothing of it was done."""
        if run.job.ended:
            return ""
        if run.job.waits_for:
            return waiting_words(run.job.waits_for)
        if run.job.state is JobState.FINALIZING:
            return self._space.results_wait
        if short := self._space.waiting:
            return short
        if run.reason:
            return run.reason
        if run.condemned:
            return "lines of the input are wrong; the job fails once all of it is read"
        pool = self._routes.pool(run.job.model, run.job.tenant, local_only=run.job.local_only)
        if not pool:
            return f"no engine serves the model {run.job.model}"
        closed = [self._closed(route) for route in pool]
        if all(closed):
            return closed[0]
        route = pool[0]
        if run.quota_waits:
            return run.quota_waits
        if run.reading_waits:
            return run.reading_waits
        if run.in_flight or (idle_s < QUIET_S and run.job.state is JobState.RUNNING):
            return ""
        if not run.counts.pending:
            return f"the input is being read, {run.counts.total:,} requests so far" if run.scanning else ""
        return self._queued(run, route)

    def _closed(self, route: Route) -> str:
        status = route.engine.status()
        if status.health is not Health.UP:
            why = f": {status.reason}" if status.reason else ""
            return f"the engine {route.engine.name} is {status.health}{why}"
        hours = route.terms.hours
        if hours is not None and (opens_at := hours.closed_until(self._clock.now())) is not None:
            opens = rfc3339(opens_at)[:16]
            return f"the engine {route.engine.name} runs jobs at certain hours only, again from {opens}Z"
        closed_s = self._slots.closed_until(route.engine.name) - self._clock.monotonic()
        if closed_s > 0:
            until = rfc3339(self._clock.now() + closed_s)[:19]
            return f"the engine {route.engine.name} asked not to be called until {until}Z"
        return ""

    def ahead(self, run: JobRun) -> list[JobRun]:
        """The tenant's other jobs that go before this one on the same engine and model."""
        route = self._routes.find(run.job.model)
        if route is None:
            return []
        mine = _turn(run)
        return [
            other
            for other in self._board.runs.values()
            if other is not run
            and other.job.tenant == run.job.tenant
            and not other.complete
            and _turn(other) < mine
            and (found := self._routes.find(other.job.model)) is not None
            and found.lane == route.lane
        ]

    def _queued(self, run: JobRun, route: Route) -> str:
        ahead = len(self.ahead(run))
        words = f"waits for a free slot on the engine {route.engine.name}"
        if not ahead:
            return words
        return (
            f"{words}, behind {ahead:,} of your other jobs"
            if ahead > 1
            else f"{words}, behind another job of yours"
        )


def _turn(run: JobRun) -> tuple[int, int, float, str]:
    """The order inside a tenant, as policy/choose.py has it."""
    job = run.job
    return (-job.priority, run.counts.pending, job.created_at, job.id)
