"""Who may call which engine now: one pace per lane, and the people, flex calls, suspects and canaries that share it.

A lane is an engine and one of its models. Nothing here makes a call: whoever makes one takes a slot before and says
afterwards how it went.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Mapping

from backburner.core.clock import Clock
from backburner.core.errors import Exhausted
from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.limits import CALLERS_WAITING
from backburner.engines.protocol import Health
from backburner.engines.routes import Route
from backburner.policy.pace import Pace, begun
from backburner.policy.retry import OPERATOR_WAIT_S
from backburner.policy.route import Way, pick
from backburner.work.board import Board
from backburner.work.run import JobRun, Typical
from backburner.work.window import Ready

CANARY_SLOTS = 0.1
FAILURES = 3  # in a row, after which another engine is the better choice for a while

Lane = tuple[str, str]  # an engine and one of its models
Start = tuple[JobRun, Ready, Route]


class Seat:
    """A slot for one call that belongs to no job. `leave` gives it back, once."""

    def __init__(self, slots: "Slots", route: Route, *, person: bool) -> None:
        self._slots = slots
        self._route = route
        self._person = person

    def leave(self, trouble: Trouble | None, *, whole: bool) -> None:
        """How the call went: with trouble, to its end (`whole`), or until the caller hung up."""
        self._slots.vacate(self._route, trouble, whole=whole, person=self._person)


class Slots:
    def __init__(self, clock: Clock, board: Board) -> None:
        self._clock = clock
        self._board = board
        self.paces: dict[Lane, Pace] = {}
        self._known: dict[Lane, float] = {}
        self._failures: Counter[Lane] = Counter()  # in a row
        self._ill: dict[Lane, float] = {}  # until when another engine is the better choice
        self._doors: dict[str, float] = {}  # by engine: until when it asked not to be called
        self._people: defaultdict[Lane, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._turns: defaultdict[Lane, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._wanted: Collection[Lane] = ()  # where jobs had requests ready, when last asked
        self._suspects: defaultdict[Lane, deque[Start]] = defaultdict(deque)
        self._alone: set[Lane] = set()  # where a suspect is in flight
        self.typical: defaultdict[Lane, Typical] = defaultdict(Typical)
        self._canaries: defaultdict[Lane, int] = defaultdict(int)  # in flight

    def pace(self, route: Route) -> Pace:
        pace = self.paces.get(route.lane)
        if pace is None:
            pace = self.paces[route.lane] = begun(
                route.capabilities, route.terms.reserved_slots, self._known.get(route.lane, 0.0)
            )
        return pace

    def closed_until(self, engine: str) -> float:
        """When the door of an engine opens again that asked to be left alone, all its models together; long past
        for one that did not."""
        return self._doors.get(engine, float("-inf"))

    def openings(self) -> list[float]:
        """When the doors that are closed open again."""
        return list(self._doors.values())

    def recall(self, known: Mapping[Lane, float]) -> None:
        """What suited engines of hidden limits before a restart."""
        self._known.update(known)

    def learned(self) -> dict[Lane, float]:
        """What suits them by now, to be recalled."""
        return {lane: pace.limit for lane, pace in self.paces.items() if pace.found}

    # -- several engines for one name

    def usable(self, pool: tuple[Route, ...]) -> tuple[Route, ...]:
        """The engines that a job's requests may go to now: none outside their hours; of the others those that are
        well, or all where none is."""
        now = self._clock.now()
        at_hand = [x for x in pool if x.terms.hours is None or x.terms.hours.closed_until(now) is None]
        if len(at_hand) < 2:
            return tuple(at_hand)
        return tuple(route for route in at_hand if self._well(route)) or tuple(at_hand)

    def best(self, pool: tuple[Route, ...]) -> Route:
        """The engine for a call that somebody waits for: well, and with least to do for its slots."""
        if len(pool) == 1:
            return pool[0]
        well = [route for route in pool if self._well(route)] or list(pool)
        ways = {route.lane: route for route in well}
        lane = pick([self.way(route, 1) for route in well])
        return ways[lane] if lane is not None else well[0]

    def way(self, route: Route, room: int) -> Way:
        pace = self.pace(route)
        return Way(route.lane, room, pace.in_flight, pace.limit)

    def _well(self, route: Route) -> bool:
        now = self._clock.monotonic()
        return (
            route.engine.status().health is not Health.DOWN
            and self.closed_until(route.engine.name) <= now
            and self._ill.get(route.lane, now) <= now
        )

    # -- calls of jobs

    def room(self, now: float, wanted: Collection[Lane]) -> dict[Lane, int]:
        """Free slots per lane for jobs, of which those in `wanted` have something for them; after people who wait
        and after flex calls. None where a suspect waits for the other jobs' calls to be gone, or is in flight."""
        self._wanted = wanted
        room: dict[Lane, int] = {}
        for lane, pace in self.paces.items():
            self._let_in(lane, now)
            if self._suspects[lane] or lane in self._alone or now < self.closed_until(lane[0]):
                room[lane] = 0
                continue
            turns = self._turns[lane]
            while turns and pace.room(now) > 0:
                if _given(turns.popleft()):
                    pace.start()
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
        if not waiting or pace.of_jobs or not pace.room(now) or now < self.closed_until(lane[0]):
            return []
        return [waiting.popleft()]

    def start(self, request: Ready, route: Route) -> None:
        """Takes the slot of a job's request. `land` gives back what is its own; the pace is told apart."""
        self.pace(route).start()
        if request.tries.alone:
            self._alone.add(route.lane)
        self._canaries[route.lane] += request.canary

    def give_back(self, request: Ready, route: Route) -> None:
        """The slot of a request that was not called after all."""
        self.land(request, route)
        self.pace(route).failed()

    def land(self, request: Ready, route: Route) -> None:
        self._canaries[route.lane] -= request.canary
        if request.tries.alone:
            self._alone.discard(route.lane)

    def answered(self, route: Route, call_s: float, tokens: float) -> None:
        self.pace(route).answered(call_s, tokens)
        self._failures[route.lane] = 0

    def troubled(self, route: Route, trouble: Trouble) -> None:
        """A call brought none. A Retry-After closes the door of the whole engine."""
        pace, now = self.pace(route), self._clock.monotonic()
        full = trouble.kind is TroubleKind.BUSY and trouble.status  # an engine that says so is well
        if trouble.kind is not TroubleKind.REQUEST and not full:
            self._failures[route.lane] += 1
        if trouble.kind is TroubleKind.OPERATOR or self._failures[route.lane] >= FAILURES:
            self._ill[route.lane] = now + OPERATOR_WAIT_S
        if trouble.kind is not TroubleKind.BUSY:
            pace.failed()
            return
        pace.refused(now)
        if trouble.retry_after_s is not None:
            until = max(self.closed_until(route.engine.name), now + trouble.retry_after_s)
            self._doors[route.engine.name] = until

    # -- calls of their own

    async def enter(self, route: Route, *, flex: bool = False) -> Seat:
        """A slot for a call that somebody waits for: at once where there is one, a reserved one too, else the next.
        A flex call waits for its turn at the priority of jobs.

        A door that is closed keeps nobody waiting who is not flex: what the engine says now is the caller's answer.
        Raises Exhausted when too many wait already."""
        queue, pace = (self._turns if flex else self._people)[route.lane], self.pace(route)
        if not flex and not queue and pace.admits(wanted=self._wants(route.lane)):
            pace.enter(self._clock.monotonic())
            return Seat(self, route, person=True)
        if len(queue) >= CALLERS_WAITING:
            raise Exhausted(
                f"all slots of the engine {route.engine.name} are taken, and {len(queue):,} callers wait for one",
                retry_after_s=1.0,
            )
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(future)
        self._board.changed.set()
        seat = Seat(self, route, person=not flex)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # given, and the caller gone at the same moment
                seat.leave(None, whole=False)
            raise
        return seat

    def vacate(self, route: Route, trouble: Trouble | None, *, whole: bool, person: bool) -> None:
        pace, now = self.pace(route), self._clock.monotonic()
        if person:
            pace.leave(now)
        if trouble is not None:
            self.troubled(route, trouble)
        elif whole:
            self.answered(route, 0.0, 0.0)
        else:
            pace.failed()
        self._let_in(route.lane, now)
        self._board.changed.set()

    def _let_in(self, lane: Lane, now: float) -> None:
        """People who wait have the slots that are free."""
        queue, pace = self._people[lane], self.paces[lane]
        while queue and pace.admits(wanted=self._wants(lane)):
            if _given(queue.popleft()):
                pace.enter(now)

    def _wants(self, lane: Lane) -> bool:
        return lane in self._wanted or bool(self._turns[lane])


def _given(turn: "asyncio.Future[None]") -> bool:
    """Whether whoever waited was still there to take it."""
    if turn.done():
        return False
    turn.set_result(None)
    return True
