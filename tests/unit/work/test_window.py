"""work/window: canaries first, one leader per prefix group, nothing waits for ever, bytes are counted."""

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
