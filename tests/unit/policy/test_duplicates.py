from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.policy.duplicates import Grouping, complete, next_to_run


@given(st.lists(st.integers(1, 30), max_size=8), st.integers(1, 7), st.integers(1, 9))
def test_all_but_one_of_a_group_follow_and_no_leader_has_more_than_it_may(
    sizes: list[int], most: int, page: int
) -> None:
    rows = [(group, 100 * group + n) for group, size in enumerate(sizes) for n in range(size)]
    grouping = Grouping(most)
    pairs = [
        pair for start in range(0, len(rows), page) for pair in grouping.pairs(rows[start : start + page])
    ]
    assert [ordinal for _, ordinal in pairs] == [o for group, o in rows if o != 100 * group]
    assert all(leader < ordinal and leader // 100 == ordinal // 100 for leader, ordinal in pairs)
    leaders = [leader for leader, _ in pairs]
    assert all(leaders.count(leader) <= most for leader in leaders)
    followers = {ordinal for _, ordinal in pairs}
    assert all(leader in followers or leader % 100 == 0 for leader in leaders), (
        "a chain, that one call answers"
    )


def test_the_next_leads_once_then_each_runs_for_itself() -> None:
    assert next_to_run([4, 5, 6], 1) == [4]
    assert next_to_run([5, 6], 2) == [5, 6]
    assert not next_to_run([], 1)


def chat(text: Any = "hi", finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}


def calling(arguments: str) -> dict[str, Any]:
    return chat(None, "tool_calls", tool_calls=[{"function": {"name": "f", "arguments": arguments}}])


JSON = {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}


@pytest.mark.parametrize(
    ("asked", "choices", "whole"),
    [
        ({}, [chat()], True),
        ({}, [chat(), chat("ho")], True),
        ({}, [chat(), chat("ho", "length")], False),
        ({}, [chat(finish="length")], False),
        ({}, [chat(finish="content_filter")], False),
        ({}, [chat(finish=None)], False),
        ({}, [chat("")], False),
        ({}, [chat(None)], False),
        ({}, [chat("I cannot", refusal="I cannot")], False),
        ({}, [calling('{"a": 1}')], True),
        ({}, [calling('{"a": ')], False),
        (JSON, [chat('{"a": 1}')], True),
        (JSON, [chat("a: 1")], False),
        ({}, [], False),
        ({}, ["junk"], False),
    ],
)
def test_only_a_whole_answer_is_for_others_too(asked: Any, choices: Any, whole: bool) -> None:
    assert complete(asked, {"choices": choices}) is whole


def test_a_vector_is_whole_and_none_is_not() -> None:
    assert complete({}, {"data": [{"embedding": [1.0]}]})
    assert not complete({}, {"data": []})
    assert not complete({}, {})
