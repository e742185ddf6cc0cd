"""Thirty seeds of the whole service, and every seed that ever failed."""

import pytest

from tests.sim.command import replay, told
from tests.sim.regressions import REGRESSIONS


@pytest.mark.parametrize("seed", sorted({*range(30), *REGRESSIONS}))
def test_every_promise_holds_under_faults(seed: int) -> None:
    report = replay(seed)
    assert not report.violations, told(report)


@pytest.mark.parametrize("seed", [3, 13])
def test_a_seed_is_the_same_run_each_time(seed: int) -> None:
    first = replay(seed)
    assert first.lives > 1
    assert replay(seed) == first
