"""In which order the requests of a job run. Never the order of its results.

Canary first: a small sample over the whole input, so that somebody can look at answers within seconds. Then by
plan key, so that requests with a common prompt prefix run side by side and the engine's prefix cache is warm;
of each group one leads and the others wait for it, or they would all compute the prefix at the same moment.
Figures: anchors/scheduling.md 3.1, 3.7. A plan key is sixteen 4-byte hashes of the prompt cut after 256, 512,
1,024, ... bytes; a zero hash stands for a cut past the end and is shared with nobody.
"""

import math
from collections import Counter
from collections.abc import Sequence

CANARY_SHARE = 0.01
CANARY_LEAST = 4
CANARY_MOST = 1000
HASH_BYTES = 4
FIRST_CUT = 2  # hashes: the cut after 512; a shorter prefix is not worth waiting for
GROUP_LEAST = 4
LEADER_WAIT_S = 2.0


def canary_size(total: int) -> int:
    """1 % of the job, at least 4 and at most 1,000, and never more than there are."""
    return min(total, max(CANARY_LEAST, min(CANARY_MOST, math.ceil(total * CANARY_SHARE))))


def canary(total: int, size: int) -> list[int]:
    """`size` ordinals spread evenly over `total`, the first and the last among them."""
    if size >= total:
        return list(range(total))
    if size == 1:
        return [0]
    return [round(place * (total - 1) / (size - 1)) for place in range(size)]


def refused_whole(refused: int, done: int, size: int) -> bool:
    """Whether a job is refused by what its canary met: every one of at least four requests was refused for
    what it asks, so the others would be too."""
    return size >= CANARY_LEAST and refused == done == size


def groups(plan_keys: Sequence[bytes]) -> list[bytes]:
    """For each of some neighbours in plan order the prefix group it belongs to: the deepest cut of at least
    512 bytes that at least four of them share; empty for one that is in no group."""
    shared: list[Counter[bytes]] = []
    cuts = max((len(key) // HASH_BYTES for key in plan_keys), default=0)
    alive = [key for key in plan_keys if _real(key, FIRST_CUT)]
    for cut in range(FIRST_CUT, cuts + 1):
        alive = [key for key in alive if _real(key, cut)]
        if len(alive) < GROUP_LEAST:
            break
        shared.append(Counter(key[: cut * HASH_BYTES] for key in alive))
    return [_deepest(key, shared) for key in plan_keys]


def _real(key: bytes, cut: int) -> bool:
    """Whether the prompt is long enough to have a hash at this cut."""
    return any(key[(cut - 1) * HASH_BYTES : cut * HASH_BYTES])


def _deepest(key: bytes, shared: Sequence[Counter[bytes]]) -> bytes:
    for place in range(len(shared) - 1, -1, -1):
        cut = FIRST_CUT + place
        if _real(key, cut) and shared[place][key[: cut * HASH_BYTES]] >= GROUP_LEAST:
            return key[: cut * HASH_BYTES]
    return b""
