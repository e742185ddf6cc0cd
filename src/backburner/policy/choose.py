"""Whose request goes next.

The tenant that was given least, by weight, goes first; inside it higher priority, then the job with least
left to do (a 20-line job does not wait behind two million), then the older one. Design, section 7.4.
"""

from collections.abc import Mapping, Sequence

import msgspec


class Offer(msgspec.Struct, frozen=True):
    """A job with `ready` requests that could go now to `lane`, the (engine, model) it runs on; `canaries` of
    them are its canary and go first."""

    job: str
    tenant: str
    lane: tuple[str, str]
    ready: int
    remaining: int
    priority: int
    created_at: float
    canaries: int = 0


class Pick(msgspec.Struct, frozen=True):
    job: str
    count: int


def choose(
    offers: Sequence[Offer],
    room: Mapping[tuple[str, str], int],
    served: Mapping[str, float],
    weights: Mapping[str, float],
    canary_room: Mapping[tuple[str, str], int] | None = None,
) -> list[Pick]:
    """How many requests of which job to start now.

    `room` is the free slots per lane, `served` what each tenant was given so far, in tokens or any other
    unit of which a request is worth one, `weights` their shares (1 where absent). `canary_room` is how many
    canaries per lane may go before everything else.
    """
    free = dict(room)
    given = {offer.tenant: served.get(offer.tenant, 0.0) for offer in offers}
    left = {offer.job: offer.ready for offer in offers}
    for offer, count in _canaries(offers, free, canary_room or {}):
        left[offer.job] -= count
        free[offer.lane] -= count
        given[offer.tenant] += count
    queues: dict[str, list[Offer]] = {}
    for offer in sorted(offers, key=lambda x: (-x.priority, x.remaining, x.created_at, x.job)):
        queues.setdefault(offer.tenant, []).append(offer)
    while queues:
        tenant = min(queues, key=lambda t: (given[t] / weights.get(t, 1.0), t))
        queue = queues[tenant]
        while queue and not (left[queue[0].job] and free.get(queue[0].lane, 0)):
            del queue[0]  # used up, or its lane is full: neither comes back in this round
        if not queue:
            del queues[tenant]
            continue
        offer = queue[0]
        # With one tenant left no one else's turn can come: take all there is room for at once.
        count = min(left[offer.job], free[offer.lane]) if len(queues) == 1 else 1
        left[offer.job] -= count
        free[offer.lane] -= count
        given[tenant] += count
    return [Pick(o.job, o.ready - left[o.job]) for o in offers if left[o.job] < o.ready]


def _canaries(
    offers: Sequence[Offer], free: Mapping[tuple[str, str], int], canary_room: Mapping[tuple[str, str], int]
) -> list[tuple[Offer, int]]:
    """Canaries that go out of turn: of one job per tenant, the oldest that has some left."""
    room = {lane: min(count, free.get(lane, 0)) for lane, count in canary_room.items()}
    firsts: dict[str, Offer] = {}
    for offer in sorted(offers, key=lambda x: (x.created_at, x.job)):
        if offer.canaries:
            firsts.setdefault(offer.tenant, offer)
    found: list[tuple[Offer, int]] = []
    for offer in firsts.values():
        count = min(offer.canaries, room.get(offer.lane, 0))
        if count > 0:
            room[offer.lane] -= count
            found.append((offer, count))
    return found
