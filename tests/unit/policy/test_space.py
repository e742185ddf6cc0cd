"""Who stops at which level of free space."""

from backburner.policy.space import Levels, levels

GB, MB = 10**9, 10**6


def test_intake_stops_first_then_calls_then_results() -> None:
    found = levels(256 * MB, 100 * GB)
    assert found == Levels(256 * MB, 128 * MB, 64 * MB)


def test_on_a_small_disk_the_reserve_is_a_share_of_it() -> None:
    assert levels(256 * MB, 64 * MB).intake == 8 * MB


def test_without_a_reserve_nothing_stops() -> None:
    assert levels(0, 100 * GB) == Levels(0, 0, 0)
