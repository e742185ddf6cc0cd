"""The requests of one job that are in memory ahead of dispatch, and which of them goes next.

Canaries first. Then in the order they were read in, but a prefix group has one leader: its siblings wait until
the leader's answer is there, or LEADER_WAIT_S, so that the engine computes the common prefix once. A few groups
may be led at the same time, so that the next group is warm when the one before it ends.
"""

import heapq
from collections import deque
from collections.abc import Iterable

import msgspec

from backburner.policy.plan import LEADER_WAIT_S
from backburner.policy.retry import Tries

LEADERS = 4  # groups whose leader is under way at once
GROUPS_REMEMBERED = 4096


class Ready(msgspec.Struct, frozen=True):
    """A request that may go: its line as the caller wrote it, its prefix group (or none), and what it has been
    through."""

    ordinal: int
    line: bytes
    key: str | None
    tries: Tries = Tries()
    group: bytes = b""
    canary: bool = False


class Window:
    """`held_bytes` is the size of all lines held, those that wait to be tried again among them. Instants are
    the monotonic clock's."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self._canaries: deque[Ready] = deque()
        self._next: deque[Ready] = deque()
        self._waiting: list[tuple[float, int, Ready]] = []
        self._led: dict[bytes, float] = {}  # group -> when its siblings may go

    @property
    def held_count(self) -> int:
        return len(self._canaries) + len(self._next) + len(self._waiting)

    @property
    def canaries(self) -> int:
        return len(self._canaries)

    def hold(self, requests: Iterable[Ready]) -> None:
        for request in requests:
            (self._canaries if request.canary else self._next).append(request)
            self.held_bytes += len(request.line)

    def wait(self, request: Ready, due: float) -> None:
        """Holds a request that is to be tried again at `due`."""
        heapq.heappush(self._waiting, (due, request.ordinal, request))
        self.held_bytes += len(request.line)

    def wake(self, now: float) -> None:
        """Moves what has waited long enough to the front, the first of the input first."""
        woken: list[Ready] = []
        while self._waiting and self._waiting[0][0] <= now:
            woken.append(heapq.heappop(self._waiting)[2])
        woken.sort(key=lambda request: request.ordinal)
        self._canaries.extendleft(reversed([request for request in woken if request.canary]))
        self._next.extendleft(reversed([request for request in woken if not request.canary]))

    def due(self, now: float) -> float | None:
        """When there is something to take that is not there yet, unless an answer comes before."""
        instants = [self._waiting[0][0]] if self._waiting else []
        if self._next:
            instants += [at for at in self._led.values() if at > now]
        return min(instants, default=None)

    def available(self, now: float) -> int:
        """How many requests `take` can give now."""
        if not self._led and not any(request.group for request in self._next):
            return self.held_count - len(self._waiting)
        count = len(self._canaries)
        new: set[bytes] = set()
        for request in self._next:
            if self._free(request, now):
                count += 1
            elif request.group not in self._led:
                new.add(request.group)
        return count + min(len(new), max(0, LEADERS - self._leading(now)))

    def take(self, now: float) -> Ready:
        """The next request; `available` said that there is one."""
        if self._canaries:
            return self._taken(self._canaries.popleft())
        if self._leading(now) < LEADERS:
            for place, request in enumerate(self._next):
                if request.group and request.group not in self._led and not request.tries.total:
                    self._lead(request.group, now + LEADER_WAIT_S)
                    return self._cut(place)
        place = next((at for at, request in enumerate(self._next) if self._free(request, now)), 0)
        return self._cut(place)

    def _free(self, request: Ready, now: float) -> bool:
        """Whether a request waits for nobody: it is in no group, was tried before, or its group is warm."""
        return not request.group or request.tries.total > 0 or self._led.get(request.group, now + 1) <= now

    def _leading(self, now: float) -> int:
        return sum(at > now for at in self._led.values())

    def _lead(self, group: bytes, until: float) -> None:
        self._led[group] = until
        if len(self._led) > GROUPS_REMEMBERED:
            del self._led[next(iter(self._led))]

    def answered(self, group: bytes) -> None:
        """A request of a group has its answer: the prefix is in the engine's cache."""
        if group in self._led:
            self._led[group] = 0.0

    def _cut(self, place: int) -> Ready:
        request = self._next[place]
        del self._next[place]
        return self._taken(request)

    def _taken(self, request: Ready) -> Ready:
        self.held_bytes -= len(request.line)
        return request

    def clear(self) -> None:
        self._canaries.clear()
        self._next.clear()
        self._waiting.clear()
        self.held_bytes = 0
