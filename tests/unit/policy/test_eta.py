"""policy/eta: the rate of the last third, an interval around the likely time, and silence without evidence."""

from backburner.policy.eta import BAND, Sample, band, estimate, long_call_s, rate


def test_nothing_is_said_before_the_first_outcome() -> None:
    assert estimate([], 100, 1.0) is None
    assert estimate([Sample(0, 0), Sample(10, 0)], 100, 1.0) is None


def test_the_rate_is_that_of_the_last_third() -> None:
    slow_then_fast = [Sample(0, 0), Sample(100, 20), Sample(101, 30)]
    assert rate(slow_then_fast) == 10.0


def test_the_likely_time_is_what_is_left_at_that_rate_and_a_long_call() -> None:
    steady = [Sample(float(second), second * 10) for second in range(11)]
    found = estimate(steady, 200, 0.0)
    assert found is not None
    assert found.likely_s == 10.0
    assert found.earliest_s < found.likely_s < found.latest_s
    later = estimate(steady, 200, 5.0)
    assert later is not None
    assert later.likely_s > found.likely_s


def test_a_job_that_is_done_ends_now() -> None:
    found = estimate([Sample(0, 0), Sample(10, 50)], 50, 5.0)
    assert found is not None
    assert found.latest_s == 0.0


def test_the_band_passes_through_its_table_and_lies_between_neighbours() -> None:
    for progress, low, high in BAND:
        assert band(progress) == (low, high)
    low, high = band(0.3)
    assert min(BAND[3][1], BAND[4][1]) <= low <= max(BAND[3][1], BAND[4][1])
    assert min(BAND[3][2], BAND[4][2]) <= high <= max(BAND[3][2], BAND[4][2])


def test_the_longest_call_is_looked_for_deeper_the_more_are_under_way() -> None:
    calls = [float(n) for n in range(1, 101)]
    assert long_call_s(calls, 1) < long_call_s(calls, 63) <= 100.0
    assert long_call_s([], 8) == 0.0
