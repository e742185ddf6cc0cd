"""Three beats, for ever: choose (policy), call (engines), commit (store).

The dispatcher alone starts calls. It records an attempt before it makes it, so that a request that kills the
service is known by its record after the restart; it holds a window of each job in memory, never a job.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Code
from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.job import JobError, JobState
from backburner.core.lanes import Lanes
from backburner.core.limits import DRAIN_S
from backburner.core.metrics import COMMIT_SECONDS, COMMIT_SIZE
from backburner.core.request import Outcome
from backburner.dialects.protocol import Stamp
from backburner.engines.routes import Route, Routes
from backburner.policy.agenda import Agenda, Offer
from backburner.policy.choose import choose
from backburner.policy.plan import refused_whole
from backburner.policy.retry import GiveUp, after
from backburner.policy.route import pick as way_of
from backburner.policy.share import Lane, Shares
from backburner.store.ledger import Ledger
from backburner.store.ledger_values import AttemptEnd
from backburner.store.stores import Stores
from backburner.work.allowance import Allowance
from backburner.work.answers import AnswerCache
from backburner.work.board import Board
from backburner.work.calls import Caller
from backburner.work.commit import Committer
from backburner.work.feed import Feed
from backburner.work.run import JobRun
from backburner.work.slots import Slots, Start
from backburner.work.space import Space
from backburner.work.window import Ready

HELD = "held after its canary: look at the answers so far, then approve or cancel the job"
IDLE_S = 1.0  # the longest nap; every event that matters ends it early
BYTES_PER_TOKEN = 4.0  # of a line, where nothing better is known yet
CUT = "cut"  # what ended an attempt that we stopped ourselves: no engine's fault and no request's


class Dispatcher:
    """`finished` is called, possibly more than once, for a run that has ended or has all its outcomes."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        routes: Routes,
        slots: Slots,
        shares: Shares,
        chance: random.Random,
        space: Space,
        answers: AnswerCache,
        allowance: Allowance,
        finished: Callable[[JobRun], None],
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._routes = routes
        self._slots = slots
        self._shares = shares
        self._chance = chance
        self._space = space
        self._allowance = allowance
        self._finished = finished
        self._answers = answers
        self._caller = Caller(clock, stores, lanes, answers)
        self.committer = Committer(lanes, self._committed, self._wrote)
        self._feed = Feed(clock, stores, lanes, board, self.committer, self._keep)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._bug: BaseException | None = None
        self._looping = asyncio.Lock()
        self._agenda = Agenda()
        self._ways: dict[str, tuple[Route, ...]] = {}  # by job, as last looked at
        self._due: dict[str, float] = {}  # by job: when to look at it again, whatever happens
        self._look_at = float("-inf")  # when to look at all of them
        self._stopping = False

    # -- choose

    async def loop(self) -> None:
        async with self._looping:
            while not self._stopping:
                if self._bug is not None:
                    raise self._bug
                self._board.changed.clear()
                starts = self._choose()
                if starts:
                    await self._launch(starts)
                else:
                    await self._nap()

    async def _nap(self) -> None:
        now = self._clock.monotonic()
        due = [*self._due.values(), *self._slots.openings()]
        nap_s = min([IDLE_S, *(at - now for at in due if at > now)])
        waker = asyncio.ensure_future(self._board.changed.wait())
        sleeper = asyncio.ensure_future(self._clock.sleep(nap_s))
        try:
            await asyncio.wait((waker, sleeper), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
            sleeper.cancel()

    def _choose(self) -> list[Start]:
        now = self._clock.monotonic()
        self._look_around(now)
        room = self._slots.room(now, self._agenda.lanes())
        if self._space.waiting:
            return []
        starts = self._slots.suspects(now)
        if not any(room.values()):
            return starts
        slots = {lane: pace.limit for lane, pace in self._slots.paces.items()}
        self._agenda.weigh(self._clock.now(), slots, self._shares.weight)
        for pick in choose(self._agenda, room, self._shares, self._slots.canary_room()):
            run, ways = self._board.runs[pick.job], self._ways[pick.job]
            self._board.touch(run)
            for _ in range(pick.count):
                if not any(room[way.lane] for way in ways):  # had by others who share one of them
                    break
                request = run.window.take(now)
                route = self._way(request, ways, room)
                room[route.lane] -= 1
                if request.tries.alone:
                    self._slots.set_aside((run, request, route))
                else:
                    starts.append((run, request, route))
        return starts

    def _way(self, request: Ready, ways: tuple[Route, ...], room: dict[Lane, int]) -> Route:
        if len(ways) == 1:
            return ways[0]
        lane = way_of([self._slots.way(way, room[way.lane]) for way in ways], request.group, request.avoid)
        return next(way for way in ways if way.lane == lane)

    def _look_around(self, now: float) -> None:
        """Looks at the runs that something happened to or whose time has come; now and then at all of them,
        because a route comes and goes without a word."""
        runs = self._board.touched()
        if now >= self._look_at:
            self._look_at = now + IDLE_S
            runs = list(self._board.runs.values())
        else:
            late = [job for job, at in self._due.items() if at <= now]
            runs += [self._board.runs[job] for job in late if job in self._board.runs]
        for run in runs:
            self._look(run, now)

    def _look(self, run: JobRun, now: float) -> None:
        job = run.job.id
        self._due.pop(job, None)
        if run.job.waits_for and not run.job.ended:  # for other jobs (work/follow.py)
            return
        if run.job.ended or run.complete:
            self._leave(run)
            self._finished(run)
            return
        if run.condemned:  # it will fail as soon as its input is read to the end: no call is worth it
            self._leave(run)
            return
        run.window.wake(now)
        self._feed.refill(run)
        pool = self._routes.pool(run.job.model, run.job.tenant, local_only=run.job.local_only)
        ready = run.window.canaries if run.job.held else run.window.available(now)
        ready = self._allowance.room(run, ready)
        if not pool:
            self._stuck(run, f"no engine serves the model {run.job.model}")
        self._stand(run, self._slots.usable(pool), ready)
        if run.job.held and run.drawn is not None and not (run.undrawn or ready or run.in_flight):
            run.reason = HELD
        elif run.reason == HELD and not run.job.held:
            run.reason = ""
        if (due := run.window.due(now)) is not None:
            self._due[job] = due

    def _stand(self, run: JobRun, ways: tuple[Route, ...], ready: int) -> None:
        """What a job wants now, for everyone who decides to see. It takes part in sharing an engine also while it
        has nothing ready for a moment: else its tenant would be new there each time."""
        job = run.job
        if not ways or (job.held and not (ready or run.in_flight)):
            self._leave(run)
            return
        lanes = tuple(way.lane for way in ways)
        for way in ways:
            self._slots.pace(way)
        self._ways[job.id] = ways
        self._shares.join(job.id, job.tenant, lanes)
        if not ready:
            self._agenda.drop(job.id)
            return
        usual = self._slots.typical[lanes[0]]
        offer = Offer(
            job=job.id,
            tenant=job.tenant,
            lanes=lanes,
            ready=ready,
            work_s=run.pending * (run.typical.call_s or usual.call_s or 1.0),
            created_at=job.created_at,
            deadline_at=job.created_at + job.window_s,
            priority=job.priority,
            canaries=run.window.canaries,
            cost=run.typical.tokens or usual.tokens or 1.0,
        )
        self._agenda.put(offer)

    def _leave(self, run: JobRun) -> None:
        self._agenda.drop(run.job.id)
        self._shares.part(run.job.id)
        self._ways.pop(run.job.id, None)

    # -- call

    async def _launch(self, starts: list[Start]) -> None:
        for (
            _,
            request,
            route,
        ) in starts:  # before anything is waited for: somebody else may want a slot meanwhile
            self._slots.start(request, route)
        for run in dict.fromkeys(start[0] for start in starts):
            if run.job.state is JobState.PENDING:
                await self._board.move(run, JobState.RUNNING)
        going = [start for start in starts if not start[0].job.ended]
        for _, request, route in (start for start in starts if start[0].job.ended):
            self._slots.give_back(request, route)
        ids = [0] * len(going)
        await self._lanes.write.run(start_all, going, self._clock.now(), ids)
        for (run, request, route), attempt in zip(going, ids, strict=True):
            if run.job.ended or self._stopping:  # cancelled while the attempt was being recorded
                self._slots.give_back(request, route)
                self.committer.put(run, AttemptEnd(attempt, self._clock.now(), CUT), None)
                continue
            self._start(run, request, route, attempt)

    def _start(self, run: JobRun, request: Ready, route: Route, attempt: int) -> None:
        pace = self._slots.pace(route)
        charged = run.typical.tokens or len(request.line) / BYTES_PER_TOKEN
        self._shares.charge(route.lane, run.job.tenant, charged)
        run.lanes[route.lane] += 1
        task = asyncio.create_task(self._fly(run, request, route, attempt))
        run.in_flight[request.ordinal] = task
        self._keep(task)

        def landed(task: "asyncio.Task[float]") -> None:
            # a callback, because a task that is cancelled before its first step runs no line of its own
            if run.in_flight.get(request.ordinal) is task:
                del run.in_flight[request.ordinal]
            run.lanes[route.lane] -= 1
            self._slots.land(request, route)
            used = 0.0 if task.cancelled() or task.exception() else task.result()
            self._shares.charge(route.lane, run.job.tenant, used - charged)
            if task.cancelled():
                pace.failed()
                self.committer.put(run, AttemptEnd(attempt, self._clock.now(), CUT), None)
            self._board.touch(run)

        task.add_done_callback(landed)

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        """Holds a task, and hands its bug, if it had one, to the loop: a request must not get lost in silence."""

        def ended(task: "asyncio.Task[Any]") -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                self._bug = task.exception()
                self._board.changed.set()

        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _fly(self, run: JobRun, request: Ready, route: Route, attempt: int) -> float:
        """The tokens that its tenant is charged for it."""
        began = self._clock.monotonic()
        result = await self._caller.make(run, request, route)
        now, took_s = self._clock.now(), self._clock.monotonic() - began
        if isinstance(result, Outcome) and result.reused_from is not None:  # no engine was asked
            run.window.answered(request.group)
            end = AttemptEnd(attempt, now, "", "", result.usage, result.model)
            self.committer.put(run, end, result, lambda: self._unasked(run, route))
            return 0.0
        self._board.metrics.called(route.lane, result.kind, took_s)
        if isinstance(result, Outcome):
            tokens = float(result.usage.prompt + result.usage.output)
            for typical in (run.typical, self._slots.typical[route.lane]):
                typical.note(took_s, tokens)
            run.window.answered(request.group)
            run.reason, run.stuck_at = "", None
            # The slot is taken until the outcome is durable: what a crash repeats is then never more than the
            # engine's slots, answered or not (P3).
            end = AttemptEnd(attempt, now, "", "", result.usage, result.model)
            self.committer.put(run, end, result, lambda: self._settled(run, route, began, tokens))
            return tokens or len(request.line) / BYTES_PER_TOKEN
        self._slots.troubled(route, result)
        end = AttemptEnd(attempt, now, result.kind, result.message)
        avoid = request.avoid | {route.engine.name}
        elsewhere = any(way.engine.name not in avoid for way in self._ways.get(run.job.id, ()))
        decision = after(result, request.tries, self._chance.random(), elsewhere=elsewhere)
        if isinstance(decision, GiveUp):
            tries = decision.tries.total
            words = f"{result.message} (gave up after {tries} tries)" if tries > 1 else result.message
            self.committer.put(run, end, self._failure(run, request, result, words))
            return 0.0
        if not elsewhere and result.kind in (TroubleKind.OPERATOR, TroubleKind.BUSY):
            self._stuck(run, result.message)  # may go on for ever, so it must show
        self.committer.put(run, end, None)
        if not run.job.ended:
            again = msgspec.structs.replace(
                request, tries=decision.tries, avoid=avoid if elsewhere else frozenset[str]()
            )
            run.window.wait(again, self._clock.monotonic() + decision.wait_s)
        return 0.0

    def _stuck(self, run: JobRun, reason: str) -> None:
        run.reason = reason
        run.stuck_at = self._clock.monotonic() if run.stuck_at is None else run.stuck_at

    def _settled(self, run: JobRun, route: Route, began: float, tokens: float) -> None:
        self._slots.answered(route, self._clock.monotonic() - began, tokens)
        self._board.touch(run)

    def _unasked(self, run: JobRun, route: Route) -> None:
        self._slots.pace(route).failed()  # says nothing about the engine
        self._board.touch(run)

    def _failure(self, run: JobRun, request: Ready, trouble: Trouble, words: str) -> Outcome:
        now = self._clock.now()
        stamp = Stamp(run.job.id, request.ordinal, request.key, now)
        outcome = run.dialect.failed(run.dialect.trouble_code(trouble), words, stamp)
        return msgspec.structs.replace(outcome, at=now, engine=trouble.engine)

    # -- commit

    def _wrote(self, size: int) -> Callable[[], None]:
        began, metrics = self._clock.monotonic(), self._board.metrics
        metrics.observe(COMMIT_SIZE, (), size)
        return lambda: metrics.observe(COMMIT_SECONDS, (), self._clock.monotonic() - began)

    def _committed(self, run: JobRun, outcomes: list[Outcome]) -> None:
        self._board.metrics.committed(outcomes)
        self._allowance.committed(run, outcomes)
        for outcome in outcomes:
            run.open.discard(outcome.ordinal)
            if run.drawn and outcome.ordinal in run.drawn:
                run.canary.count(outcome)
        if any(outcome.kept is not None for outcome in outcomes):
            self._keep(asyncio.create_task(self._answers.keep(run.job.id, outcomes)))
        canary = run.canary
        if refused_whole(canary.refused, canary.done, canary.size) and not (run.job.ended or run.complete):
            words = (
                f"all {canary.size} requests of the canary, a sample of the job, were refused: {canary.words}"
            )
            self._keep(asyncio.create_task(self._refuse(run, words)))
        self._board.touch(run)

    async def _refuse(self, run: JobRun, words: str) -> None:
        await self._board.move(run, JobState.FAILED, JobError(Code.INVALID_ARGUMENT, words))

    async def stop(self) -> None:
        """No new calls; those in flight get DRAIN_S, the rest is cut; what has come is committed."""
        self._stopping = True
        self._board.changed.set()
        async with self._looping:  # the loop's last round is over
            pass
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.committer.flush()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # answers to be kept


def start_all(starts: list[Start], at: float, ids: list[int]) -> None:
    """Records attempts in every ledger concerned, their ids in the order of `starts`. Those that have an id are
    recorded already: on a full disk it may get half-way, and is called again."""
    by_ledger: dict[int, tuple[Ledger, list[int]]] = {}
    for place, (run, _, _) in enumerate(starts):
        if not ids[place]:
            by_ledger.setdefault(id(run.ledger), (run.ledger, []))[1].append(place)
    for ledger, places in by_ledger.values():
        recorded = ledger.start_attempts(
            [(starts[place][1].ordinal, starts[place][2].engine.name) for place in places], at
        )
        for place, attempt in zip(places, recorded, strict=True):
            ids[place] = attempt
