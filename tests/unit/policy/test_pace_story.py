"""What paces make of an engine whose slots nobody tells them. The shares of the best fixed limit are over 20 seeds."""

import random
from collections.abc import Callable

from backburner.core.exchange import Capabilities
from backburner.policy.pace import Pace, begun
from tests.unit.policy.pace_story import Story, fixed

SEEDS = range(20)
SLOTS = 96
BEST = max(
    Story(fixed(n), lambda now: SLOTS, False, random.Random(1)).run(600.0) for n in (64, 80, 90, SLOTS)
)


def hidden(*, queues: bool) -> Pace:
    return begun(Capabilities(frozenset(), slots=256, hidden=True, queues=queues), reserved=0)


def shares(
    slots: Callable[[float], int], *, queueing: bool, until: tuple[float, ...]
) -> list[tuple[float, ...]]:
    """By seed: tokens a second in each stretch of time, over those of the best fixed limit for 96 slots."""
    found: list[tuple[float, ...]] = []
    for seed in SEEDS:
        story = Story(hidden(queues=queueing), slots, queueing, random.Random(seed))
        found.append(tuple(story.run(at) / BEST for at in until))
        if not queueing:
            assert story.refusals < 0.03 * story.calls
    return found


def test_a_limit_that_is_refused_beyond_is_found_and_kept_to() -> None:
    for first, after in shares(lambda now: SLOTS, queueing=False, until=(600.0, 1200.0)):
        assert first > 0.9
        assert after > 0.95


def test_an_engine_that_queues_has_enough_to_do_and_no_endless_queue() -> None:
    for seed, (first, after) in enumerate(shares(lambda now: SLOTS, queueing=True, until=(600.0, 1200.0))):
        assert first > 0.8, seed
        assert after > 0.9, seed
    story = Story(hidden(queues=True), lambda now: SLOTS, True, random.Random(0))
    story.run(1800.0)
    assert SLOTS * 0.8 < story.pace.limit < SLOTS * 2


def test_it_follows_when_the_engine_shrinks_to_half_or_grows_to_double() -> None:
    for queueing in (False, True):
        for late in shares(lambda now: SLOTS if now < 600 else 48, queueing=queueing, until=(600.0, 1200.0)):
            assert late[1] > 0.9 * 0.66, "what the best fixed limit of 48 gets"
        for late in shares(
            lambda now: SLOTS if now < 600 else 192, queueing=queueing, until=(600.0, 1200.0, 1500.0)
        ):
            assert late[2] > 0.8 * 1.34, "what the best fixed limit of 192 gets"


def test_known_slots_are_used_from_the_start_and_never_searched() -> None:
    pace = begun(Capabilities(frozenset(), slots=12), reserved=-1)
    assert (pace.limit, pace.cap, pace.reserved, pace.knee) == (12.0, 12, 6, None)
