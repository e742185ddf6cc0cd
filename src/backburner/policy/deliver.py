"""When an event is sent again to a receiver that did not take it: pure.

At first after seconds, for a receiver that restarts, then less and less often, for a day. The last try is made when the
day is over, whatever the steps say.
"""

import msgspec

FIRST_S = 5.0
FACTOR = 3.0
LONGEST_S = 2 * 3600.0
SPREAD = 0.2  # so that what failed together does not come back together
LIFE_S = 24 * 3600.0
TAKEN = range(200, 300)
GONE = 410  # the receiver's own word for never again (Standard Webhooks)


class Again(msgspec.Struct, frozen=True):
    """The event is sent again after `wait_s`."""

    wait_s: float


class Done(msgspec.Struct, frozen=True):
    """Nothing more is sent. `taken`: the receiver has it."""

    taken: bool
    why: str = ""


def after_try(
    status: int | None, tries: int, age_s: float, draw: float, retry_after_s: float | None = None
) -> Again | Done:
    """What follows the `tries`-th try, made when the event was `age_s` old. `status` is the receiver's answer, None
    without one; `draw` is a number from 0 to 1 by chance."""
    if status in TAKEN:
        return Done(taken=True)
    if status == GONE:
        return Done(taken=False, why="the receiver answered 410 Gone")
    left_s = LIFE_S - age_s
    if left_s <= 0:
        return Done(taken=False, why="the receiver did not take it within 24 hours")
    step_s = min(FIRST_S * FACTOR ** (min(tries, 20) - 1), LONGEST_S)
    wait_s = step_s * (1 - SPREAD + 2 * SPREAD * draw)
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, LONGEST_S))
    return Again(min(wait_s, left_s))
