"""How full the disk may get: who stops at which level of free space.

Three steps, so that what was accepted can still be finished with what is kept back: first nothing new is taken, then
no new calls are made, last no results are written. What is below is for the commits of calls under way.
"""

import msgspec

SMALL_DISK = 1 / 8  # of a disk this small the reserve is a share
WORK = 1 / 2  # of the reserve: below it no new calls
PUBLISH = 1 / 4  # of the reserve: below it no results are written


class Levels(msgspec.Struct, frozen=True):
    """Free bytes below which intake, dispatch and publishing stop."""

    intake: int = 0
    work: int = 0
    publish: int = 0


def levels(reserve_bytes: int, total_bytes: int) -> Levels:
    """`reserve_bytes` is what the operator wants kept free, 0 for nothing; `total_bytes` the size of the disk."""
    reserve = min(reserve_bytes, int(total_bytes * SMALL_DISK))
    return Levels(reserve, int(reserve * WORK), int(reserve * PUBLISH))
