"""The offers of all jobs in the order in which each tenant would have them.

Higher priority first. Then the job with least work left, so that twenty lines do not wait behind two million, as
long as every job of the tenant makes its deadline that way; else the earliest deadline. A job that can no longer make
its own, whatever is done, does not count for that: all others would wait for nothing. Design, section 7.4.

Kept in order as offers change, so that choosing costs by what is picked and not by how many jobs there are.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import msgspec

from backburner.policy.share import Lane

STEPS = 4.0  # to a doubling of the work left: jobs of about the same size run in the order of their creation
SLACK_S = 5.0  # how often it is looked at again whether all deadlines are made

Order = tuple[int, int, float, float, str]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A job with `ready` requests that could go now to one of `lanes`, (engine, model) pairs; `canaries` of them are
    its canary and go first. `work_s` is what is left of it, in seconds of calls one after the other; `cost` the
    tokens that one of its requests takes."""

    job: str
    tenant: str
    lanes: tuple[Lane, ...]
    ready: int
    work_s: float
    created_at: float
    deadline_at: float = math.inf
    priority: int = 0
    canaries: int = 0
    cost: float = 1.0


class Queue:
    """The offers of one tenant for the same lanes, in order."""

    def __init__(self, tenant: str, lanes: tuple[Lane, ...]) -> None:
        self.tenant = tenant
        self.lanes = lanes
        self._offers: dict[str, Offer] = {}
        self._orders: list[Order] = []
        self._by_job: dict[str, Order] = {}
        self._canaries: list[tuple[float, str]] = []
        self._urgent: dict[
            str, bool
        ] = {}  # jobs by whether they can still be in time, when the order is by deadline
        self._by_deadline = False

    def __len__(self) -> int:
        return len(self._orders)

    def put(self, offer: Offer) -> None:
        self._forget(offer.job)
        self._offers[offer.job] = offer
        self._by_job[offer.job] = order = self._order(offer)
        insort(self._orders, order)
        if offer.canaries:
            insort(self._canaries, (offer.created_at, offer.job))

    def drop(self, job: str) -> None:
        self._forget(job)
        self._offers.pop(job, None)
        self._urgent.pop(job, None)

    def _forget(self, job: str) -> None:
        if (order := self._by_job.pop(job, None)) is not None:
            del self._orders[bisect_left(self._orders, order)]
            if (old := self._offers[job]).canaries:
                del self._canaries[bisect_left(self._canaries, (old.created_at, job))]

    def _order(self, offer: Offer) -> Order:
        if self._by_deadline and self._urgent.get(offer.job, True):
            return (-offer.priority, 0, offer.deadline_at, offer.created_at, offer.job)
        step = math.floor(STEPS * math.log2(max(offer.work_s, 1e-9)))
        return (-offer.priority, 1, step, offer.created_at, offer.job)

    def get(self, place: int) -> Offer | None:
        """The offer at a place of the order, None behind the last."""
        return self._offers[self._orders[place][-1]] if place < len(self._orders) else None

    def canary(self) -> Offer | None:
        """Of the oldest job that has some left: one job's at a time."""
        return self._offers[self._canaries[0][1]] if self._canaries else None

    def ahead(self, job: str) -> int:
        """How many go before a job."""
        return bisect_left(self._orders, self._by_job[job]) if job in self._by_job else 0

    def weigh(self, now: float, speed: float) -> None:
        """Whether the shortest may go first. `speed` is how many calls of these jobs run at once, `now` on the clock
        of the deadlines."""
        shortest = sorted(self._offers.values(), key=lambda x: (-x.priority, x.work_s, x.created_at))
        possible = {x.job: now + x.work_s / speed <= x.deadline_at for x in shortest}
        done_at, late = now, False
        for offer in shortest:
            done_at += offer.work_s / speed
            late = late or (possible[offer.job] and done_at > offer.deadline_at)
        if late or self._by_deadline:
            self._by_deadline, self._urgent = late, possible if late else {}
            self._by_job = {job: self._order(offer) for job, offer in self._offers.items()}
            self._orders = sorted(self._by_job.values())


class Agenda:
    def __init__(self) -> None:
        self._queues: dict[tuple[str, tuple[Lane, ...]], Queue] = {}
        self._queue_of: dict[str, Queue] = {}
        self._weighed_at = -math.inf

    def put(self, offer: Offer) -> None:
        """Instead of what the job offered before."""
        queue = self._queues.get((offer.tenant, offer.lanes))
        if queue is None:
            queue = self._queues[offer.tenant, offer.lanes] = Queue(offer.tenant, offer.lanes)
        if self._queue_of.get(offer.job, queue) is not queue:
            self.drop(offer.job)
        self._queue_of[offer.job] = queue
        queue.put(offer)

    def drop(self, job: str) -> None:
        queue = self._queue_of.pop(job, None)
        if queue is not None:
            queue.drop(job)
            if not queue:
                del self._queues[queue.tenant, queue.lanes]

    def queues(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def lanes(self) -> set[Lane]:
        """Where somebody has something to send."""
        return {lane for _, lanes in self._queues for lane in lanes}

    def ahead(self, job: str) -> int:
        """How many jobs of the same tenant for the same lanes go before this one."""
        queue = self._queue_of.get(job)
        return queue.ahead(job) if queue is not None else 0

    def weigh(self, now: float, slots: Mapping[Lane, float], weight: Callable[[str], float]) -> None:
        """Looks now and then at whether deadlines are made. `slots` are how many calls each lane is given, `weight`
        is a tenant's share; `now` on the clock of the deadlines."""
        if 0 <= now - self._weighed_at < SLACK_S:
            return
        self._weighed_at = now
        wanted: defaultdict[Lane, float] = defaultdict(float)
        for queue in self._queues.values():
            for lane in queue.lanes:
                wanted[lane] += weight(queue.tenant)
        for queue in self._queues.values():
            mine = weight(queue.tenant)
            speed = sum(slots.get(lane, 1.0) * mine / wanted[lane] for lane in queue.lanes)
            queue.weigh(now, max(1e-3, speed))
