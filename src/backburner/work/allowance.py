"""How much more of a job may be called, by the tokens that its tenant has left today, and what its answers took.

A call is held back when it, and those under way, would go beyond what is left, if they take what such calls took so
far. Where nothing is known yet a few may go, to find out.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from backburner.core.clock import Clock
from backburner.core.request import Outcome, Usage, added
from backburner.policy import quota
from backburner.policy.plan import CANARY_LEAST
from backburner.policy.quota import Quota
from backburner.work.board import Board
from backburner.work.metering import Metering
from backburner.work.run import JobRun


class Allowance:
    """`of` gives a tenant's quota."""

    def __init__(self, clock: Clock, board: Board, metering: Metering, of: Callable[[str], Quota]) -> None:
        self._clock = clock
        self._board = board
        self._metering = metering
        self._of = of

    def room(self, run: JobRun, ready: int) -> int:
        """How many of the requests that are ready may go; why there are none is said in the run."""
        mine = self._of(run.job.tenant)
        run.quota_waits = ""
        if not mine.tokens_per_day:
            return ready
        used = self._metering.of_today(run.job.tenant)
        over = quota.tokens(mine, used.prompt + used.output, self._clock.now())
        if over is not None:
            run.quota_waits = f"waits until midnight UTC: {over.words}"
            return 0
        left = mine.tokens_per_day - used.prompt - used.output
        return min(
            ready, quota.calls_left(left, self._flying(run.job.tenant), run.typical.tokens, CANARY_LEAST)
        )

    def _flying(self, tenant: str) -> int:
        return sum(len(run.in_flight) for run in self._board.runs.values() if run.job.tenant == tenant)

    def committed(self, run: JobRun, outcomes: Sequence[Outcome]) -> None:
        """Counts what new outcomes took; those that were reused took nothing."""
        took: defaultdict[tuple[str, str], list[Usage]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.reused_from is None and outcome.engine:
                took[outcome.engine, outcome.model].append(outcome.usage)
        for lane, usages in took.items():
            self._metering.add(run.job.tenant, "", lane, added(*usages), len(usages), batch=True)
