import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.limits import ATTEMPTS, RETRY_BASE_S, RETRY_CAP_S
from backburner.policy.retry import FREE_DEATHS, OPERATOR_WAIT_S, GiveUp, Retry, Tries, after, interrupted

HALF = 0.5


def trouble(kind: TroubleKind, retry_after_s: float | None = None) -> Trouble:
    return Trouble(kind=kind, message="no", engine="e", retry_after_s=retry_after_s)


def tries_until_given_up(kind: TroubleKind, most: int = 50) -> int | None:
    tries = Tries()
    for count in range(1, most + 1):
        decision = after(trouble(kind), tries, HALF)
        tries = decision.tries
        assert tries.total == count
        if isinstance(decision, GiveUp):
            return count
    return None


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (TroubleKind.REQUEST, 1),
        (TroubleKind.TRANSIENT, ATTEMPTS),
        (TroubleKind.TIMEOUT, ATTEMPTS),
        (TroubleKind.BUSY, None),
        (TroubleKind.OPERATOR, None),
        (TroubleKind.DIED, FREE_DEATHS + 1),
    ],
)
def test_how_often_each_kind_of_trouble_is_tried(kind: TroubleKind, count: int | None) -> None:
    assert tries_until_given_up(kind) == count


def test_every_kind_of_trouble_has_its_rule() -> None:
    for kind in TroubleKind:
        assert isinstance(after(trouble(kind), Tries(), HALF), Retry | GiveUp)


@pytest.mark.parametrize("kind", [TroubleKind.BUSY, TroubleKind.OPERATOR, TroubleKind.DIED])
def test_what_is_not_the_requests_doing_costs_it_no_attempt(kind: TroubleKind) -> None:
    decision = after(trouble(kind), Tries(charged=ATTEMPTS - 1, total=9), HALF)
    assert isinstance(decision, Retry)
    assert decision.tries.charged == ATTEMPTS - 1


def test_a_busy_engine_between_failures_does_not_use_them_up() -> None:
    tries = Tries()
    for _ in range(ATTEMPTS - 1):
        for kind in (TroubleKind.BUSY, TroubleKind.OPERATOR, TroubleKind.TRANSIENT):
            decision = after(trouble(kind), tries, HALF)
            assert isinstance(decision, Retry)
            tries = decision.tries
    assert isinstance(after(trouble(TroubleKind.TRANSIENT), tries, HALF), GiveUp)


def test_the_wait_doubles_up_to_a_cap_and_is_drawn_evenly_from_all_of_it() -> None:
    def wait_s(total: int, chance: float) -> float:
        decision = after(trouble(TroubleKind.BUSY), Tries(total=total), chance)
        assert isinstance(decision, Retry)
        return decision.wait_s

    assert [wait_s(total, 0.0) for total in range(4)] == [RETRY_BASE_S * 2**n for n in range(4)]
    assert wait_s(3, HALF) == RETRY_BASE_S * 4
    assert 0 < wait_s(3, 0.999999) < 0.001
    assert wait_s(10**6, 0.0) == RETRY_CAP_S


def test_a_wait_that_the_engine_named_is_the_wait() -> None:
    for kind in (TroubleKind.BUSY, TroubleKind.TRANSIENT):
        decision = after(trouble(kind, 77.0), Tries(), HALF)
        assert isinstance(decision, Retry)
        assert decision.wait_s == 77.0


def test_the_operator_is_given_time() -> None:
    decision = after(trouble(TroubleKind.OPERATOR), Tries(), HALF)
    assert decision == Retry(OPERATOR_WAIT_S, Tries(0, 1, 0))


def test_after_two_deaths_a_request_is_a_suspect_and_only_a_death_alone_is_charged() -> None:
    tries = Tries()
    for death in range(1, FREE_DEATHS + 1):
        assert not tries.alone
        decision = after(trouble(TroubleKind.DIED), tries, HALF)
        assert decision == Retry(0.0, Tries(0, death, death))
        tries = decision.tries
    assert tries.alone
    assert after(trouble(TroubleKind.DIED), tries, HALF) == GiveUp(Tries(1, FREE_DEATHS + 1, FREE_DEATHS + 1))


def test_a_suspect_stays_one_through_other_trouble() -> None:
    decision = after(trouble(TroubleKind.TRANSIENT), Tries(deaths=FREE_DEATHS), HALF)
    assert decision.tries.alone


def test_a_request_in_flight_when_the_service_goes_down_again_and_again_is_bounded() -> None:
    assert interrupted(0) == Tries()
    assert not interrupted(FREE_DEATHS - 1).alone
    assert interrupted(FREE_DEATHS).alone
    assert interrupted(FREE_DEATHS).charged == 0
    assert not interrupted(FREE_DEATHS + ATTEMPTS - 1).spent
    assert interrupted(FREE_DEATHS + ATTEMPTS).spent


@given(
    st.sampled_from(list(TroubleKind)),
    st.builds(Tries, st.integers(0, ATTEMPTS - 1), st.integers(0, 1000), st.integers(0, 5)),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.floats(0, 3600),
)
def test_a_record_only_grows_and_a_wait_is_never_negative(
    kind: TroubleKind, tries: Tries, chance: float, retry_after_s: float | None
) -> None:
    decision = after(trouble(kind, retry_after_s), tries, chance)
    now = decision.tries
    assert now.total == tries.total + 1
    assert 0 <= now.charged - tries.charged <= 1
    assert 0 <= now.deaths - tries.deaths <= 1
    if isinstance(decision, Retry):
        assert 0 <= decision.wait_s <= max(RETRY_CAP_S, retry_after_s or 0.0)
        assert not decision.tries.spent
