"""What tokens cost: hosted price lists, written as they are printed."""

import pytest

from backburner.core.request import Usage
from backburner.policy.price import NANOS, Price, Prices, amount, cost_nanos, nanos

MILLION = 1_000_000
HOSTED = Price(input=0.30, output=2.50, cached=0.03, batch_discount=0.5)


def test_a_call_that_somebody_waits_for_costs_the_full_price() -> None:
    usage = Usage(prompt=2 * MILLION, output=MILLION)
    assert amount(cost_nanos(HOSTED, usage, batch=False)) == pytest.approx(0.60 + 2.50)
    assert amount(cost_nanos(HOSTED, usage, batch=True)) == pytest.approx((0.60 + 2.50) / 2)


def test_cached_tokens_are_part_of_the_prompt_and_have_their_own_price() -> None:
    usage = Usage(prompt=2 * MILLION, cached=MILLION)
    assert amount(cost_nanos(HOSTED, usage, batch=False)) == pytest.approx(0.30 + 0.03)
    without = Price(input=0.30, output=2.50)
    assert amount(cost_nanos(without, usage, batch=False)) == pytest.approx(0.60)


def test_whether_the_discount_stacks_with_the_cached_price_is_a_question_of_the_house() -> None:
    usage = Usage(prompt=MILLION, cached=MILLION)
    stacks = cost_nanos(HOSTED, usage, batch=True)
    apart = Price(input=0.30, output=2.50, cached=0.03, batch_discount=0.5, discount_cached=False)
    assert amount(stacks) == pytest.approx(0.015)
    assert amount(cost_nanos(apart, usage, batch=True)) == pytest.approx(0.03)


def test_the_first_pattern_that_fits_decides_and_the_rest_is_free() -> None:
    prices = Prices({"hosted/gemini-*-pro": Price(input=5.0), "hosted/*": Price(input=1.0)})
    assert prices.of("hosted", "gemini-3-pro").input == 5.0
    assert prices.of("hosted", "gemini-3-flash").input == 1.0
    assert prices.of("local", "SmolLM2-135M-Instruct") == Price()
    assert not Prices({})


def test_small_calls_add_up_to_the_last_digit() -> None:
    one = Usage(prompt=7, output=3)
    each = cost_nanos(HOSTED, one, batch=True)
    together = cost_nanos(HOSTED, Usage(prompt=7 * 1000, output=3 * 1000), batch=True)
    assert 1000 * each == together
    assert nanos(1.5) == 3 * NANOS // 2
