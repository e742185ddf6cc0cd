"""policy/eta: how long calls take, how fast it goes, when the last one ends, and how sure that is."""

import math
import random

import msgspec
import pytest

from backburner.policy import eta
from backburner.policy.eta_band import SCORES, WIDEST, band, quantiles
from backburner.policy.eta_calls import Call, fit
from backburner.policy.eta_rate import Rate, Sample, rate


def view(
    ended: list[Call],
    *,
    made: int | None = None,
    under_way: list[Call] | None = None,
    queued: int = 0,
    size: float = 100.0,
    speed: Rate | None = None,
) -> eta.View:
    return eta.View(
        ended=ended,
        made=made or len(ended),
        under_way=under_way or [],
        under_way_count=len(under_way or []),
        queued=[size] * min(queued, 16),
        queued_count=queued,
        slots=len(under_way or []),
        rate=speed or Rate(0.0, 0),
    )


def likely_s(found: eta.View) -> float:
    told = eta.estimate(found)
    assert told is not None
    assert told.earliest_s <= told.likely_s <= told.latest_s
    return told.likely_s


def test_nothing_is_said_before_the_first_call_has_ended() -> None:
    assert eta.estimate(view([], queued=10, made=1)) is None


def test_a_job_that_is_done_ends_now() -> None:
    assert likely_s(view([Call(100, 2.0)] * 50)) == 0.0


def test_the_rate_is_that_of_the_last_third_of_what_was_made_since_the_first_look() -> None:
    assert rate([Sample(0, 0), Sample(100, 20), Sample(101, 30)]) == Rate(10.0, 10)
    assert rate([Sample(0, 900), Sample(10, 920), Sample(12, 930)]).per_s == 5.0, "not of an earlier process"
    assert rate([Sample(0, 0)]) == rate([Sample(0, 5), Sample(9, 5)]) == Rate(0.0, 0)


def test_what_is_left_at_the_rate_and_the_last_calls_make_the_likely_time() -> None:
    ended = [Call(100, 2.0 + place % 3) for place in range(200)]  # 3 s each
    flying = [Call(100, 1.5)] * 10
    steady = likely_s(view(ended, under_way=flying, queued=300, speed=Rate(10 / 3, 66)))
    assert steady == pytest.approx(310 / (10 / 3), rel=0.1)
    halved = likely_s(view(ended, made=2000, under_way=flying, queued=300, speed=Rate(10 / 6, 660)))
    assert halved == pytest.approx(2 * steady, rel=0.15), "the engine gives half of what its slots could"


def test_requests_that_are_longer_than_those_done_take_longer() -> None:
    """Short-first: what a count over the rate promises is far too early."""
    chance = random.Random(1)
    ended = [Call(size, size / 100 * chance.lognormvariate(0, 0.3)) for size in (50, 100, 150, 200) * 50]
    flying = [Call(200, 1.0)] * 4
    pace = Rate(4 / 1.3, 66)
    alike = likely_s(view(ended, under_way=flying, queued=400, size=125, speed=pace))
    longer = likely_s(view(ended, under_way=flying, queued=400, size=500, speed=pace))
    assert longer > 2.5 * alike


def test_the_first_wave_is_not_taken_for_the_whole() -> None:
    """Of 64 calls that began together the 8 shortest have ended: the others are known to take longer."""
    chance = random.Random(2)
    took = sorted(chance.lognormvariate(1.0, 0.8) for _ in range(64))
    now = took[7]
    law = fit([Call(100, s) for s in took[:8]], [Call(100, now)] * 56)
    assert math.exp(law.log_median(100)) == pytest.approx(math.exp(1.0), rel=0.35)
    naive = fit([Call(100, s) for s in took[:8]], [])
    assert naive.mean_s(100) < 0.4 * law.mean_s(100), "those that ended alone promise far too much"


def test_with_nothing_queued_the_calls_under_way_decide_by_their_age() -> None:
    ended = [Call(100, s / 10) for s in range(20, 60)]
    few = likely_s(view(ended, under_way=[Call(100, 3.0)]))
    many = likely_s(view(ended, under_way=[Call(100, 3.0)] * 12))
    young = likely_s(view(ended, under_way=[Call(100, 0.1)]))
    assert few < young < 5.0
    assert few < many < 5.0


def test_one_call_that_hangs_far_beyond_all_others_is_bearable() -> None:
    ended = [Call(100, 1.0)] * 100
    told = eta.estimate(view(ended, under_way=[Call(100, 500.0)]))
    assert told is not None
    assert 0 < told.earliest_s < told.latest_s < 5000


@pytest.mark.parametrize("took_s", [0.0, 1e-4, 1e5])
def test_any_scale_of_time_will_do(took_s: float) -> None:
    told = eta.estimate(
        view([Call(0, took_s)] * 30, under_way=[Call(0, 0.0)] * 3, queued=40, speed=Rate(100, 20))
    )
    assert told is not None
    assert all(math.isfinite(x) and x >= 0 for x in msgspec.structs.astuple(told))


def test_from_a_tenth_on_no_interval_is_wider_than_one_to_three_and_says_what_that_costs() -> None:
    calm, wild = band(0.5, 0.1), band(0.5, 1.0)
    assert wild.high / wild.low == pytest.approx(WIDEST)
    assert calm.high / calm.low < WIDEST
    assert wild.low < wild.middle < wild.high
    assert calm.confidence == 0.9
    assert wild.confidence < 0.6
    early = band(0.01, 1.0)
    assert early.high / early.low > WIDEST
    assert early.confidence == 0.9


def test_the_scores_pass_through_their_table_and_lie_between_neighbours() -> None:
    for progress, row in SCORES:
        assert quantiles(progress) == pytest.approx(row)
        assert list(row) == sorted(row)
    (begin, before), (end, after) = SCORES[3], SCORES[4]
    between = quantiles((begin + end) / 2)
    assert all(min(x, y) <= z <= max(x, y) for x, y, z in zip(before, after, between, strict=True))
    assert quantiles(0.0) == SCORES[0][1]
    assert quantiles(1.0) == SCORES[-1][1]
