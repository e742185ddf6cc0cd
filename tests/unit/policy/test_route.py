from collections import Counter

from backburner.policy.route import Way, pick

A, B, C = ("a", "m"), ("b", "m"), ("c", "m")


def way(lane: tuple[str, str], in_flight: int = 0, room: int = 8) -> Way:
    return Way(lane, room, in_flight, 8.0)


def test_the_least_busy_one_has_a_request_of_no_group() -> None:
    assert pick([way(A, 4), way(B, 2), way(C, 3)]) == B


def test_a_full_engine_gets_nothing_and_full_engines_get_nothing_at_all() -> None:
    assert pick([way(A, 0, room=0), way(B, 7, room=1)]) == B
    assert pick([way(A, 8, room=0)]) is None


def test_a_group_has_one_home_also_when_another_engine_comes_and_the_groups_are_spread() -> None:
    groups = [b"group %d" % n for n in range(300)]
    two = {group: pick([way(A), way(B)], group) for group in groups}
    three = {group: pick([way(A), way(B), way(C)], group) for group in groups}
    assert min(Counter(three.values()).values()) > 70
    assert all(three[group] in (two[group], C) for group in groups)


def test_a_home_that_is_much_busier_than_another_is_left() -> None:
    home = pick([way(A), way(B)], b"group")
    ways = [way(A, 2 if home == A else 0), way(B, 2 if home == B else 0)]
    assert pick(ways, b"group") == home
    ways = [way(A, 5 if home == A else 0), way(B, 5 if home == B else 0)]
    assert pick(ways, b"group") != home


def test_an_engine_that_failed_the_request_is_avoided_while_another_has_room() -> None:
    assert pick([way(A), way(B, 7, room=1)], avoid={"a"}) == B
    assert pick([way(A), way(B, 8, room=0)], avoid={"a"}) == A
