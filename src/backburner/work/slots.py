"""Who may call which engine now: one pace per lane, and the turns, suspects and canaries that share it.

A lane is an engine and one of its models. Nothing here makes a call: whoever makes one takes a slot before and
tells the lane's pace afterwards how it went.
"""

import asyncio
from collections import defaultdict, deque

from backburner.core.clock import Clock
from backburner.core.exchange import Trouble, TroubleKind
from backburner.engines.routes import Route
from backburner.policy.pace import Pace
from backburner.work.board import Board
from backburner.work.run import JobRun
from backburner.work.window import Ready

CANARY_SLOTS = 0.1

Lane = tuple[str, str]  # an engine and one of its models
Start = tuple[JobRun, Ready, Route]


class Slots:
    def __init__(self, clock: Clock, board: Board) -> None:
        self._clock = clock
        self._board = board
        self.paces: dict[Lane, Pace] = {}
        self._turns: defaultdict[Lane, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._suspects: defaultdict[Lane, deque[Start]] = defaultdict(deque)
        self._alone: set[Lane] = set()  # where a suspect is in flight
        self._canaries: defaultdict[Lane, int] = defaultdict(int)  # in flight

    def pace(self, route: Route) -> Pace:
        pace = self.paces.get(route.lane)
        if pace is None:
            slots = route.capabilities.slots
            pace = self.paces[route.lane] = Pace(limit=float(slots), cap=slots)
        return pace

    def closed_until(self) -> list[float]:
        """When the doors of engines open again."""
        return [pace.closed_until for pace in self.paces.values()]

    # -- calls of jobs

    def room(self, now: float) -> dict[Lane, int]:
        """Free slots per lane, after those who wait for a turn of their own have theirs. None where a suspect
        waits for the others to be gone, or is in flight."""
        room: dict[Lane, int] = {}
        for lane, pace in self.paces.items():
            if self._suspects[lane] or lane in self._alone:
                room[lane] = 0
                continue
            turns = self._turns[lane]
            while turns and pace.room(now) > 0:
                turn = turns.popleft()
                if not turn.done():
                    pace.start()
                    turn.set_result(None)
            room[lane] = pace.room(now)
        return room

    def canary_room(self) -> dict[Lane, int]:
        """Canaries go before everything else on a tenth of the slots."""
        return {
            lane: max(1, int(pace.limit * CANARY_SLOTS)) - self._canaries[lane]
            for lane, pace in self.paces.items()
        }

    def set_aside(self, start: Start) -> None:
        """A suspect of killing its engine: `suspects` gives it back when it may go, with nothing beside it."""
        self._suspects[start[2].lane].append(start)

    def suspects(self, now: float) -> list[Start]:
        """Those that may go now: one on each lane where nothing else is in flight."""
        return [start for lane in list(self._suspects) for start in self._suspect(lane, now)]

    def _suspect(self, lane: Lane, now: float) -> list[Start]:
        waiting, pace = self._suspects[lane], self.paces[lane]
        while waiting and waiting[0][0].job.ended:
            waiting.popleft()
            self._board.changed.set()
        return [waiting.popleft()] if waiting and not pace.in_flight and pace.room(now) else []

    def start(self, request: Ready, route: Route) -> Pace:
        """Takes the slot of a job's request. `land` gives back what is its own; the pace is told apart."""
        pace = self.pace(route)
        pace.start()
        if request.tries.alone:
            self._alone.add(route.lane)
        self._canaries[route.lane] += request.canary
        return pace

    def land(self, request: Ready, route: Route) -> None:
        self._canaries[route.lane] -= request.canary
        if request.tries.alone:
            self._alone.discard(route.lane)

    def troubled(self, pace: Pace, trouble: Trouble) -> None:
        if trouble.kind is TroubleKind.BUSY:
            pace.refused(self._clock.monotonic(), trouble.retry_after_s)
        else:
            pace.failed()

    # -- calls of their own

    async def turn(self, route: Route) -> Pace:
        """Waits for a slot at batch priority. The caller tells the pace how the call went."""
        pace = self.pace(route)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns[route.lane].append(future)
        self._board.changed.set()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # given, and the caller gone at the same moment
                pace.failed()
                self._board.changed.set()
            raise
        return pace
