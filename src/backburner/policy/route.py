"""Which of several engines has the next request.

Requests of one prefix group go to one engine, where their prefix is warm: which one is drawn by a hash of the group
and the engine, so that it stays the same when others come and go. Unless that one has much more to do than the least
busy one: affinity without a guard leaves engines idle (anchors/scheduling.md 3.1).
"""

import hashlib
from collections.abc import Collection, Sequence

import msgspec

from backburner.policy.share import Lane

GUARD = 0.25  # of its slots, that an engine may be busier than the least busy one and still have its groups


class Way(msgspec.Struct, frozen=True):
    """A lane that a request could go to: `room` more calls, `in_flight` of `slots` under way."""

    lane: Lane
    room: int
    in_flight: int
    slots: float

    @property
    def load(self) -> float:
        return self.in_flight / max(1.0, self.slots)


def pick(ways: Sequence[Way], group: bytes = b"", avoid: Collection[str] = ()) -> Lane | None:
    """None where no way has room. `avoid` are engines that this request met trouble on: they have it again only
    where no other one has room."""
    free = [way for way in ways if way.room > 0]
    free = [way for way in free if way.lane[0] not in avoid] or free
    if not free:
        return None
    least = min(free, key=lambda way: way.load)
    if not group:
        return least.lane
    home = max(free, key=lambda way: _draw(group, way.lane))
    return home.lane if home.load <= least.load + GUARD else least.lane


def _draw(group: bytes, lane: Lane) -> bytes:
    return hashlib.blake2b(b"\0".join((group, lane[0].encode(), lane[1].encode())), digest_size=8).digest()
