"""The commit beat: outcomes become durable as soon as they are there, in groups.

While one group is being written the next gathers, so the group grows with the load and a lone outcome waits
for nobody. What is committed is visible; what is not is made again after a crash (P3).
"""

import asyncio
from collections.abc import Callable

import msgspec

from backburner.core.lanes import Lanes
from backburner.core.request import Outcome
from backburner.store.followers import Again
from backburner.store.ledger import Ledger
from backburner.store.ledger_values import AttemptEnd
from backburner.work.run import JobRun


class Entry(msgspec.Struct, frozen=True):
    """`outcome` is None for an attempt that ended in trouble and will be followed by another."""

    run: JobRun
    end: AttemptEnd | None
    outcome: Outcome | None
    settled: Callable[[], None]


class Committer:
    """`committed` is told of every run that a group touched, with its new outcomes; `wrote` of the size of a group
    before it is written, and what it gives back is called afterwards."""

    def __init__(
        self,
        lanes: Lanes,
        committed: Callable[[JobRun, list[Outcome]], None],
        wrote: Callable[[int], Callable[[], None]] = lambda size: lambda: None,
    ) -> None:
        self._lanes = lanes
        self._committed = committed
        self._wrote = wrote
        self._gathered: list[Entry] = []
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._broken = False

    def put(
        self,
        run: JobRun,
        end: AttemptEnd | None,
        outcome: Outcome | None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        """`settled` is called when the entry is durable, or of no account any more."""
        self._gathered.append(Entry(run, end, outcome, settled))
        if not self._broken:
            self._idle.clear()
        self._ready.set()

    async def loop(self) -> None:
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                group, self._gathered = self._gathered, []
                await self._write(group)
                if not self._gathered:
                    self._idle.set()
        finally:  # on a disk that takes nothing any more: nobody may wait for it
            self._broken = True
            self._idle.set()

    async def flush(self) -> None:
        """Returns when everything put so far is durable, or never will be because the loop is gone."""
        await self._idle.wait()

    async def _write(self, group: list[Entry]) -> None:
        by_run: dict[int, tuple[JobRun, list[Outcome], list[AttemptEnd]]] = {}
        for entry in group:
            run = entry.run
            if run.job.ended:
                continue  # a cancel committed first: what comes later does not count
            _, outcomes, ends = by_run.setdefault(id(run), (run, [], []))
            if entry.outcome is not None:
                outcomes.append(entry.outcome)
            if entry.end is not None:
                ends.append(entry.end)
        batches = list(by_run.values())
        fresh: list[list[Outcome]] = []
        if batches:
            written = self._wrote(len(group))
            works = [(run.ledger, outcomes, ends, run.again) for run, outcomes, ends in batches]
            await self._lanes.write.run(commit_all, works, fresh)
            written()
        for entry in group:
            entry.settled()
        for (run, _, _), outcomes in zip(batches, fresh, strict=True):
            if run.ledger.followers.unsettled:
                self.put(run, None, None)  # another commit: the followers were too many for this one
            self._committed(run, outcomes)


def commit_all(
    batches: list[tuple[Ledger, list[Outcome], list[AttemptEnd], Again]], fresh: list[list[Outcome]]
) -> None:
    """Goes on behind what is in `fresh`: on a full disk it may get half-way, and is called again."""
    for ledger, outcomes, ends, again in batches[len(fresh) :]:
        fresh.append(ledger.commit(outcomes, ends, again))
