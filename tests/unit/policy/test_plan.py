"""policy/plan: the canary is spread, groups are deep enough and big enough."""

import itertools
import struct

from hypothesis import given
from hypothesis import strategies as st

from backburner.policy.plan import canary, canary_size, groups


def key(*hashes: int) -> bytes:
    return struct.pack(">16I", *hashes, *(0 for _ in range(16 - len(hashes))))


@given(st.integers(1, 3_000_000))
def test_the_canary_is_a_hundredth_within_its_bounds_and_spread_over_the_job(total: int) -> None:
    size = canary_size(total)
    drawn = canary(total, size)
    assert size == len(drawn) == len(set(drawn))
    assert min(4, total) <= size <= 1000
    assert drawn[0] == 0
    assert drawn[-1] == total - 1
    widest = max((b - a for a, b in itertools.pairwise(drawn)), default=0)
    assert widest <= total / max(1, size - 1) + 1


def test_a_group_is_the_deepest_cut_that_four_share() -> None:
    deep = [key(1, 2, 3, n) for n in range(10, 14)]
    shallow = [key(1, 2, 4), key(1, 2, 5)]
    found = groups([*deep, *shallow])
    assert found[:4] == [deep[0][:12]] * 4
    assert found[4:] == [deep[0][:8]] * 2


def test_three_are_no_group_and_short_prompts_are_in_none() -> None:
    assert groups([key(1, 2, n) for n in range(3)]) == [b""] * 3
    assert groups([key(1)] * 10) == [b""] * 10, "a prefix of 256 bytes is not worth waiting for"
    assert groups([key()] * 10) == [b""] * 10, "zero stands for nothing, and is shared with nobody"


def test_equal_long_prompts_are_one_group_at_their_last_real_cut() -> None:
    same = key(7, 8, 9)
    assert groups([same] * 5) == [same[:12]] * 5
