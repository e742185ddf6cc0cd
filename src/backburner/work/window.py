"""The requests of one job that are in memory ahead of dispatch, and which of them goes next.

Canaries first. Then in the order they were read in, but a prefix group has one leader: its siblings wait until
the leader's answer is there, or LEADER_WAIT_S, so that the engine computes the common prefix once. A few groups
may be led at the same time, so that the next group is warm when the one before it ends.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterable

import msgspec

from backburner.policy.plan import LEADER_WAIT_S
from backburner.policy.retry import Tries

LEADERS = 4  # groups whose leader is under way at once
GROUPS_REMEMBERED = 4096


class Ready(msgspec.Struct, frozen=True):
    """A request that may go: its line as the caller wrote it, its prefix group (or none), what it has been through,
    and the engines that it met trouble on."""

    ordinal: int
    line: bytes
    key: str | None
    tries: Tries = Tries()
    group: bytes = b""
    canary: bool = False
    avoid: frozenset[str] = frozenset()


class Held:
    """How many bytes several windows hold together."""

    def __init__(self) -> None:
        self.held_bytes = 0


class Window:
    """`held_bytes` is the size of all lines held, those that wait to be tried again among them. Instants are
    the monotonic clock's.

    Asked for every request, so nothing here looks through all that is held unless a new group is to be led."""

    def __init__(self, together: Held | None = None) -> None:
        self.held_bytes = 0
        self._together = together or Held()
        self._canaries: deque[Ready] = deque()
        self._next: deque[Ready] = deque()
        self._waiting: list[tuple[float, int, Ready]] = []
        self._members: Counter[bytes] = (
            Counter()
        )  # of `_next`, by group, those that may have to wait for a leader
        self._fresh: set[bytes] = set()  # groups of `_members` that nobody leads or led
        self._leaders: dict[bytes, float] = {}  # group -> until when its siblings wait
        self._warm: dict[bytes, None] = {}  # groups whose siblings wait no more, longest known first

    @property
    def held_count(self) -> int:
        return len(self._canaries) + len(self._next) + len(self._waiting)

    @property
    def canaries(self) -> int:
        return len(self._canaries)

    def hold(self, requests: Iterable[Ready]) -> None:
        for request in requests:
            self._weigh(len(request.line))
            if request.canary:
                self._canaries.append(request)
            else:
                self._next.append(request)
                self._count(request)

    def wait(self, request: Ready, due: float) -> None:
        """Holds a request that is to be tried again at `due`."""
        heapq.heappush(self._waiting, (due, request.ordinal, request))
        self._weigh(len(request.line))

    def wake(self, now: float) -> None:
        """Moves what has waited long enough to the front, the first of the input first."""
        woken: list[Ready] = []
        while self._waiting and self._waiting[0][0] <= now:
            woken.append(heapq.heappop(self._waiting)[2])
        woken.sort(key=lambda request: request.ordinal, reverse=True)
        for request in woken:
            if request.canary:
                self._canaries.appendleft(request)
            else:
                self._next.appendleft(request)
                self._count(request)

    def due(self, now: float) -> float | None:
        """When there is something to take that is not there yet, unless an answer comes before."""
        self._settle(now)
        instants = [self._waiting[0][0]] if self._waiting else []
        if self._next:
            instants += self._leaders.values()
        return min(instants, default=None)

    def available(self, now: float) -> int:
        """How many requests `take` can give now."""
        if not self._members:
            return len(self._canaries) + len(self._next)
        self._settle(now)
        kept_back = sum(count for group, count in self._members.items() if group not in self._warm)
        to_lead = min(len(self._fresh), LEADERS - len(self._leaders))
        return len(self._canaries) + len(self._next) - kept_back + to_lead

    def take(self, now: float) -> Ready:
        """The next request; `available` said that there is one."""
        if self._canaries:
            return self._taken(self._canaries.popleft())
        self._settle(now)
        if self._fresh and len(self._leaders) < LEADERS:
            place = next(at for at, request in enumerate(self._next) if self._leads(request))
            self._leaders[self._next[place].group] = now + LEADER_WAIT_S
        else:
            place = next((at for at, request in enumerate(self._next) if self._free(request)), 0)
        request = self._next[place]
        del self._next[place]
        self._uncount(request)
        return self._taken(request)

    def answered(self, group: bytes) -> None:
        """A request of a group has its answer: the prefix is in the engine's cache."""
        if group in self._leaders:
            self._warm_up(group)

    def clear(self) -> None:
        for held in (self._canaries, self._next, self._waiting, self._members, self._fresh, self._leaders):
            held.clear()
        self._weigh(-self.held_bytes)

    def _taken(self, request: Ready) -> Ready:
        self._weigh(-len(request.line))
        return request

    def _weigh(self, more_bytes: int) -> None:
        self.held_bytes += more_bytes
        self._together.held_bytes += more_bytes

    # -- groups

    @staticmethod
    def _grouped(request: Ready) -> bool:
        """Whether it may have to wait for a leader: not when it was tried before."""
        return bool(request.group) and not request.tries.total

    def _leads(self, request: Ready) -> bool:
        return self._grouped(request) and request.group in self._fresh

    def _free(self, request: Ready) -> bool:
        return not self._grouped(request) or request.group in self._warm

    def _count(self, request: Ready) -> None:
        if self._grouped(request):
            self._members[request.group] += 1
            if request.group not in self._leaders and request.group not in self._warm:
                self._fresh.add(request.group)

    def _uncount(self, request: Ready) -> None:
        if self._grouped(request):
            self._fresh.discard(request.group)
            self._members[request.group] -= 1
            if not self._members[request.group]:
                del self._members[request.group]

    def _settle(self, now: float) -> None:
        """Siblings that waited long enough wait no more."""
        for group in [group for group, until in self._leaders.items() if until <= now]:
            self._warm_up(group)

    def _warm_up(self, group: bytes) -> None:
        del self._leaders[group]
        self._warm[group] = None
        if len(self._warm) > GROUPS_REMEMBERED:
            oldest = next(iter(self._warm))
            del self._warm[oldest]
            if oldest in self._members:
                self._fresh.add(oldest)
