"""How fast a job goes: requests a second over the last third of its work, because capacity drifts."""

from collections.abc import Sequence

import msgspec

RECENT = 1 / 3


class Sample(msgspec.Struct, frozen=True):
    """How many requests had their outcome at an instant (seconds, any clock that does not jump)."""

    at: float
    done: int


class Rate(msgspec.Struct, frozen=True):
    """Requests a second, and how many requests it was measured on; 0 while nothing can be said."""

    per_s: float
    made: int


def rate(samples: Sequence[Sample]) -> Rate:
    """`samples` in order."""
    if len(samples) < 2:
        return Rate(0.0, 0)
    first, newest = samples[0], samples[-1]
    wanted = first.done + (newest.done - first.done) * (1 - RECENT)
    since = next((sample for sample in reversed(samples[:-1]) if sample.done <= wanted), first)
    passed_s, made = newest.at - since.at, newest.done - since.done
    return Rate(made / passed_s, made) if passed_s > 0 and made > 0 else Rate(0.0, 0)
