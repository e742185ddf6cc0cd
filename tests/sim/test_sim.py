"""Thirty seeds of the whole service, and every seed that ever failed."""

import pytest

from tests.sim.command import replay, told
from tests.sim.planted import BUGS, Bug, caught
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


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen_by_the_checker_that_should(bug: Bug) -> None:
    found = caught(bug)
    assert found is not None, f"no seed sees it: {bug.name}"
    assert found.violation.checker in bug.checkers, found
