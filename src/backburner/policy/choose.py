"""Whose request goes next.

The tenant that was given least, by weight, goes first; inside it the job that policy/agenda.py has in front. Before
all of that, on a tenth of the slots, go canaries: of one job per tenant at a time, charged like everything else.
Design, section 7.4.
"""

import heapq
from collections.abc import Callable, Mapping

import msgspec

from backburner.policy.agenda import Agenda, Offer, Queue
from backburner.policy.share import Lane, Shares

Entry = tuple[float, str, tuple[Lane, ...], Queue]  # what its tenant was given; whose it is settles ties


class Pick(msgspec.Struct, frozen=True):
    job: str
    count: int


def choose(
    agenda: Agenda,
    room: Mapping[Lane, int],
    shares: Shares,
    canary_room: Mapping[Lane, int] | None = None,
) -> list[Pick]:
    """How many requests of which job to start now. `room` is the free slots per lane, `canary_room` how many of them
    canaries may have before everything else. Changes nothing: `shares` are charged by who starts the calls."""
    round_ = _Round(agenda, room, shares)
    if canary_room:
        round_.canaries(canary_room)
    round_.everything()
    return [Pick(job, count) for job, count in round_.taken.items()]


class _Round:
    """One round of choosing: `taken` so far, by job."""

    def __init__(self, agenda: Agenda, room: Mapping[Lane, int], shares: Shares) -> None:
        self.taken: dict[str, int] = {}
        self._free = dict(room)
        self._weight = shares.weight
        open_lanes = {lane for lane, slots in room.items() if slots > 0}
        self._given = {
            queue: shares.of(queue.tenant, queue.lanes)
            for queue in agenda.queues()
            if not open_lanes.isdisjoint(queue.lanes)
        }

    def canaries(self, room: Mapping[Lane, int]) -> None:
        left = dict(room)
        self._draw(_next_canary(self.taken), left)

    def everything(self) -> None:
        places = dict.fromkeys(self._given, 0)

        def following(queue: Queue) -> tuple[Offer, int] | None:
            while (offer := queue.get(places[queue])) is not None:
                if left := offer.ready - self.taken.get(offer.job, 0):
                    return offer, left
                places[queue] += 1  # used up: it does not come back in this round
            return None

        self._draw(following, None)

    def _draw(
        self, following: Callable[[Queue], tuple[Offer, int] | None], bound: dict[Lane, int] | None
    ) -> None:
        """One request after the other of the tenant that was given least, until nothing is left or no slot is free;
        on each lane at most as many as `bound` says."""
        heap: list[Entry] = [(given, x.tenant, x.lanes, x) for x, given in self._given.items()]
        heapq.heapify(heap)
        while heap:
            queue = heap[0][-1]
            found = following(queue)
            free = {lane: n for lane in queue.lanes if (n := self._open(lane, bound)) > 0}
            if found is None or not free:
                heapq.heappop(heap)
                continue
            offer, left = found
            # With one queue left no one else's turn can come: take all there is room for at once.
            count = min(left, sum(free.values())) if len(heap) == 1 else 1
            self.taken[offer.job] = self.taken.get(offer.job, 0) + count
            self._given[queue] += count * offer.cost / self._weight(queue.tenant)
            self._occupy(free, count, bound)
            heapq.heapreplace(heap, (self._given[queue], queue.tenant, queue.lanes, queue))

    def _open(self, lane: Lane, bound: dict[Lane, int] | None) -> int:
        free = self._free.get(lane, 0)
        return free if bound is None else min(free, bound.get(lane, 0))

    def _occupy(self, free: dict[Lane, int], count: int, bound: dict[Lane, int] | None) -> None:
        """Takes slots where most are free."""
        for lane in sorted(free, key=lambda lane: -free[lane]):
            part = min(count, free[lane])
            count -= part
            self._free[lane] -= part
            if bound is not None:
                bound[lane] -= part


def _next_canary(taken: Mapping[str, int]) -> Callable[[Queue], tuple[Offer, int] | None]:
    def following(queue: Queue) -> tuple[Offer, int] | None:
        offer = queue.canary()
        left = offer.canaries - taken.get(offer.job, 0) if offer is not None else 0
        return (offer, left) if offer is not None and left > 0 else None

    return following
