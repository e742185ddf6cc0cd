import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.policy.pace import COOLING_S, Pace


def test_room_is_what_is_not_in_flight() -> None:
    pace = Pace(limit=4.0, cap=8)
    for left in (3, 2, 1, 0):
        pace.start()
        assert pace.room(0.0) == left


def test_it_doubles_a_round_until_it_is_refused_and_rises_by_one_a_round_near_where_it_was() -> None:
    pace = Pace(limit=4.0, cap=64)

    def answers(count: int) -> float:
        for _ in range(count):
            while pace.room(0.0):
                pace.start()
            pace.answered()
        return pace.limit

    assert answers(4) == 8.0
    pace.refused(100.0)
    assert pace.limit == pytest.approx(5.6)
    near = answers(9)
    assert near == pytest.approx(7.6, abs=0.3)
    assert near + 0.8 < answers(8) < near + 1.2


def test_it_does_not_rise_while_there_is_nothing_to_do() -> None:
    pace = Pace(limit=8.0, cap=64)
    for _ in range(100):
        pace.start()
        pace.answered()
    assert pace.limit == 8.0


def test_a_refusal_lowers_it_once_per_cooling_time() -> None:
    pace = Pace(limit=10.0, cap=64)
    for _ in range(10):
        pace.start()
    for _ in range(5):  # one burst is one piece of news
        pace.refused(100.0)
    assert pace.limit == 7.0
    pace.refused(100.0 + COOLING_S)
    assert 4.8 < pace.limit < 5.0


def test_trouble_that_says_nothing_about_load_changes_nothing() -> None:
    pace = Pace(limit=4.0, cap=8)
    pace.start()
    pace.failed()
    assert (pace.limit, pace.in_flight, pace.room(0.0)) == (4.0, 0, 4)


events = st.lists(
    st.tuples(
        st.sampled_from(["start", "answered", "failed", "refused"]),
        st.floats(0, 5),
    ),
    max_size=200,
)


@given(st.integers(1, 64), events)
def test_at_least_one_may_go_at_most_the_cap_and_never_more_than_the_limit(
    cap: int, story: list[tuple[str, float]]
) -> None:
    pace, now, in_flight = Pace(limit=float(cap), cap=cap), 0.0, 0
    for what, passed_s in story:
        now += passed_s
        if what == "start" and pace.room(now) > 0:
            pace.start()
            in_flight += 1
        elif what != "start" and in_flight:
            in_flight -= 1
            if what == "refused":
                pace.refused(now)
            else:
                getattr(pace, what)()
        assert pace.in_flight == in_flight
        assert 1.0 <= pace.limit <= cap
        assert 0 <= pace.room(now) <= cap
    assert pace.room(now) >= 1 - in_flight, "something may always go"
