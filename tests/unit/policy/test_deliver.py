from backburner.policy.deliver import LIFE_S, LONGEST_S, SPREAD, Again, Done, after_try


def waits(draw: float) -> list[float]:
    """The pauses of a receiver that never answers."""
    found: list[float] = []
    while isinstance(step := after_try(None, len(found) + 1, sum(found), draw), Again):
        found.append(step.wait_s)
    return found


def test_a_silent_receiver_is_tried_for_a_day_ever_less_often() -> None:
    for draw in (0.0, 0.5, 1.0):
        found = waits(draw)
        assert abs(sum(found) - LIFE_S) < 1, "the last try is made when the day is over"
        assert found[:-1] == sorted(found[:-1])
        assert 4 <= found[0] < 6.1
        assert max(found) <= LONGEST_S * (1 + SPREAD) + 1
        assert 15 <= len(found) <= 25


def test_what_the_receiver_says_decides() -> None:
    assert after_try(204, 1, 0, 0.5) == Done(taken=True)
    assert isinstance(after_try(302, 1, 0, 0.5), Again), "a redirect is no answer"
    assert after_try(410, 1, 0, 0.5) == Done(taken=False, why="the receiver answered 410 Gone")
    assert after_try(503, 1, 0, 0.5, retry_after_s=600) == Again(600)
    assert after_try(503, 1, 0, 0.5, retry_after_s=1e9) == Again(LONGEST_S)
    gone = after_try(500, 30, LIFE_S, 0.5)
    assert isinstance(gone, Done) and "24 hours" in gone.why
