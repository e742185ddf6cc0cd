"""work/window: canaries first, one leader per prefix group, nothing waits for ever, bytes are counted."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backburner.policy.plan import LEADER_WAIT_S
from backburner.policy.retry import Tries
from backburner.work.window import LEADERS, Ready, Window


def ready(ordinal: int, group: bytes = b"", **more: object) -> Ready:
    return Ready(ordinal, b"x" * 10, None, group=group, **more)  # type: ignore[arg-type]


def drained(window: Window, now: float) -> list[int]:
    taken: list[int] = []
    while window.available(now):
        taken.append(window.take(now).ordinal)
    return taken


def test_canaries_go_first_and_the_rest_in_the_order_read() -> None:
    window = Window()
    window.hold([ready(0), ready(1), ready(7, canary=True), ready(2)])
    assert drained(window, 0.0) == [7, 0, 1, 2]
    assert window.held_bytes == 0


def test_of_a_group_one_leads_and_the_others_wait_for_its_answer() -> None:
    window = Window()
    window.hold([ready(n, b"a") for n in range(5)])
    assert drained(window, 0.0) == [0]
    window.answered(b"a")
    assert drained(window, 0.1) == [1, 2, 3, 4]


def test_siblings_wait_no_longer_than_their_time() -> None:
    window = Window()
    window.hold([ready(n, b"a") for n in range(3)])
    assert drained(window, 0.0) == [0]
    assert window.due(0.0) == LEADER_WAIT_S
    assert drained(window, LEADER_WAIT_S) == [1, 2]


def test_the_next_groups_are_led_while_the_first_runs_but_only_a_few() -> None:
    window = Window()
    window.hold([ready(10 * group + n, bytes([65 + group])) for group in range(8) for n in range(2)])
    leaders = drained(window, 0.0)
    assert leaders == [0, 10, 20, 30][:LEADERS]
    window.answered(b"A")
    assert drained(window, 0.1) == [40, 1], "a place for one more leader, then the siblings of the warm group"


def test_requests_in_no_group_wait_for_nobody() -> None:
    window = Window()
    window.hold([ready(0, b"a"), ready(1, b"a"), ready(2)])
    assert drained(window, 0.0) == [0, 2]


def test_a_request_that_is_tried_again_is_no_leader_and_does_not_wait() -> None:
    window = Window()
    window.hold([ready(n, b"a") for n in range(3)])
    leader = window.take(0.0)
    again = ready(leader.ordinal, b"a", tries=Tries(charged=1, total=1))
    window.wait(again, 1.0)
    assert window.due(0.0) == 1.0
    window.wake(1.0)
    assert window.take(1.0).ordinal == leader.ordinal


def test_what_is_held_is_counted_and_forgotten_when_cleared() -> None:
    window = Window()
    window.hold([ready(0), ready(5, canary=True)])
    window.wait(ready(9), 3.0)
    assert window.held_count == 3
    assert window.held_bytes == 30
    window.clear()
    assert window.held_count == 0
    assert window.held_bytes == 0


story = st.lists(
    st.one_of(
        st.tuples(
            st.just("hold"),
            st.lists(st.tuples(st.sampled_from([b"", b"a", b"b", b"c", b"d", b"e", b"f"]), st.booleans())),
        ),
        st.tuples(st.just("take"), st.integers(1, 9)),
        st.tuples(st.just("answered"), st.sampled_from([b"a", b"b", b"c", b"d"])),
        st.tuples(st.just("fails"), st.integers(0, 3)),
        st.tuples(st.just("passes"), st.floats(0, 3)),
    ),
    max_size=30,
)


@given(story)
def test_what_is_said_to_be_available_can_be_taken_once_each_and_in_the_end_all_is(
    events: list[tuple[str, Any]],
) -> None:
    window, now, held, taken = Window(), 0.0, 0, list[Ready]()
    for what, how in events:
        if what == "hold":
            new = [ready(held + n, group, canary=canary) for n, (group, canary) in enumerate(how)]
            held += len(new)
            window.hold(new)
        elif what == "take":
            for _ in range(min(how, window.available(now))):
                taken.append(window.take(now))
        elif what == "answered":
            window.answered(how)
        elif what == "fails" and how < len(taken):
            again = taken.pop(how)
            tries = Tries(charged=again.tries.charged + 1, total=again.tries.total + 1)
            window.wait(msgspec.structs.replace(again, tries=tries), now + how)
        elif what == "passes":
            now += how
            window.wake(now)
        assert window.held_count + len(taken) == held
        assert window.held_bytes == 10 * window.held_count
        assert 0 <= window.available(now) <= window.held_count
    for _ in range(1000):
        if not window.held_count:
            break
        due = window.due(now)
        assert window.available(now) or due is not None, "nothing waits for ever"
        now = now if window.available(now) else max(now, due or 0.0)
        window.wake(now)
        taken += [window.take(now) for _ in range(window.available(now))]
    assert sorted(request.ordinal for request in taken) == list(range(held))
