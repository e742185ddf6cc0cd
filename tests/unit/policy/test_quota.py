"""Quotas: exact at the bound, and a refusal that says which one, how full, and when to come again."""

import pytest

from backburner.policy.quota import Bucket, Quota, queued, storage, tokens


def test_a_quota_is_reached_exactly_at_its_bound() -> None:
    quota = Quota(queued_requests=100, tokens_per_day=1000, storage_mb=2)
    assert queued(quota, 60, 40, 5.0) is None
    assert queued(quota, 60, 41, 5.0) is not None
    assert storage(quota, 1_500_000, 500_000) is None
    assert storage(quota, 1_500_000, 500_001) is not None
    assert tokens(quota, 999, 0.0) is None
    assert tokens(quota, 1000, 0.0) is not None


def test_without_a_bound_everything_goes() -> None:
    none = Quota()
    assert queued(none, 10**9, 10**9, 5.0) is None
    assert storage(none, 10**15, 1) is None
    assert tokens(none, 10**15, 0.0) is None


def test_a_refusal_says_which_quota_how_full_it_is_and_when_to_come_again() -> None:
    found = queued(Quota(queued_requests=1000), 990, 20, 7.5)
    assert found is not None
    assert (found.quota, found.retry_after_s) == ("queued_requests", 7.5)
    assert "1,000" in found.words
    assert "990" in found.words
    noon = 20_000 * 86_400 + 43_200.0
    found = tokens(Quota(tokens_per_day=5), 6, noon)
    assert found is not None
    assert found.retry_after_s == 43_200, "until midnight UTC"
    found = storage(Quota(storage_mb=1), 900_000, 200_000)
    assert found is not None
    assert found.retry_after_s is None, "no time makes room for more"


def test_a_minute_s_worth_may_go_at_once_and_then_one_by_one() -> None:
    bucket = Bucket(30, now=100.0)
    assert [bucket.take(100.0) for _ in range(30)] == [0.0] * 30
    assert bucket.take(100.0) == pytest.approx(2.0)
    assert bucket.take(101.9) > 0
    assert bucket.take(102.1) == 0.0
    assert bucket.take(1000.0) == 0.0
    assert [bucket.take(1000.0) for _ in range(29)] == [0.0] * 29, "no more than a minute's worth is saved up"
    assert bucket.take(1000.0) > 0


def test_a_very_low_rate_still_lets_one_through() -> None:
    bucket = Bucket(0.5, now=0.0)
    assert bucket.take(0.0) == 0.0
    assert bucket.take(0.0) == pytest.approx(120.0)
