import random
from decimal import Decimal

import pytest

from backburner.engines.local.grammar.finish import Reading
from backburner.engines.local.grammar.nodes import Grammar, Node
from backburner.engines.local.grammar.ranges import integers, numbers

from .sampling import text_of


def holds(node: Node | None, text: str) -> bool:
    return node is not None and Reading(Grammar(node), text).complete


@pytest.mark.parametrize("seed", range(60))
def test_exactly_the_integers_between_the_bounds(seed: int) -> None:
    chance = random.Random(seed)
    low, high = sorted(
        chance.choice((5, 30, 300, 3000)) * chance.randint(-9, 9) + chance.randint(-9, 9) for _ in "ab"
    )
    node = integers(low, high)
    for number in {*range(low - 15, low + 15), *range(high - 15, high + 15), 0, 1, -1, low // 2, high * 2}:
        assert holds(node, str(number)) is (low <= number <= high), (low, high, number)


def test_open_ends() -> None:
    assert holds(integers(7, None), "123456")
    assert not holds(integers(7, None), "6")
    assert holds(integers(None, -3), "-40")
    assert not holds(integers(None, -3), "-2")
    assert integers(3, 2) is None


@pytest.mark.parametrize(
    ("low", "high"),
    [("0", "1"), ("-12.5", "37.25"), ("0.1", "0.9"), ("-0.005", "0.005"), ("-3", "-1"), ("99.5", "1000")],
)
def test_numbers_stay_inside_their_bounds(low: str, high: str) -> None:
    chance = random.Random(low)
    for open_low in (False, True):
        node = numbers(Decimal(low), Decimal(high), open_low=open_low, open_high=open_low)
        assert node is not None
        drawn = [Decimal(text_of(Grammar(node), chance)) for _ in range(200)]
        assert min(drawn) >= Decimal(low)
        assert max(drawn) <= Decimal(high)
        if open_low:
            assert Decimal(low) not in drawn
            assert Decimal(high) not in drawn
        assert len(set(drawn)) > 5


def test_the_bounds_themselves_are_numbers_between_them() -> None:
    node = numbers(Decimal("0"), Decimal("1"), open_low=False, open_high=False)
    assert holds(node, "0.00")
    assert holds(node, "1.00")
    assert not holds(node, "1.01")
