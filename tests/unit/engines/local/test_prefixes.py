"""What is said to be reused was certainly reused: the account errs to one side."""

from backburner.engines.local.prefixes import Prefixes

SHARED = list(range(100, 200))  # three full blocks of 32, and four tokens


def test_a_prefix_is_there_once_it_has_been_computed() -> None:
    prefixes = Prefixes(100)
    cached, names = prefixes.enter([*SHARED, 1], 10)
    assert (cached, len(names)) == (0, 3)
    assert prefixes.enter([*SHARED, 2], 10)[0] == 0  # the first one still computes it
    prefixes.computed(names)
    assert prefixes.enter([*SHARED, 3], 10)[0] == 96


def test_only_whole_blocks_from_the_very_beginning_count() -> None:
    prefixes = Prefixes(100)
    prefixes.computed(prefixes.enter(SHARED, 10)[1])
    assert prefixes.enter([7, *SHARED], 10)[0] == 0
    assert prefixes.enter(SHARED[:40], 10)[0] == 32
    assert prefixes.enter(SHARED[:31], 10)[0] == 0
    assert prefixes.enter([*SHARED[:64], 7, *SHARED[65:]], 10)[0] == 64


def test_a_whole_prompt_is_never_reused_to_its_last_token() -> None:
    prefixes = Prefixes(100)
    prefixes.computed(prefixes.enter(SHARED[:96], 10)[1])
    assert prefixes.enter(SHARED[:96], 10)[0] == 95  # the last one must be computed to go on from


def test_what_may_have_been_given_up_does_not_count() -> None:
    prefixes = Prefixes(100)  # 90 of them relied on
    prefixes.computed(prefixes.enter(SHARED, 10)[1])
    prefixes.enter(list(range(1000, 1000 + 40 * 32)), 32 * 40)
    assert prefixes.enter(SHARED, 10)[0] == 96  # used again just now, so it stays
    prefixes.enter(list(range(5000, 5000 + 40 * 32)), 32 * 46)
    assert prefixes.enter(SHARED, 10)[0] == 0


def test_a_pool_of_unknown_size_is_not_relied_on() -> None:
    prefixes = Prefixes(0)
    prefixes.computed(prefixes.enter(SHARED, 10)[1])
    assert prefixes.enter(SHARED, 10)[0] == 0


def test_what_a_prompt_will_take_leaves_out_what_is_there() -> None:
    prefixes = Prefixes(100)
    assert prefixes.wanted(SHARED, 28) == 4
    prefixes.computed(prefixes.enter(SHARED, 28)[1])
    assert prefixes.wanted(SHARED, 28) == 1
    assert prefixes.wanted(SHARED, 29) == 2
