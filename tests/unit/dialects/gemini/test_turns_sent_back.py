"""What the SDKs send back of a model's own turns is understood, odd as some of it is."""

from typing import Any

import pytest

from .lines import violations

USER: dict[str, Any] = {"role": "user", "parts": [{"text": "and now?"}]}
SEARCH = {"toolType": "GOOGLE_SEARCH", "args": {"queries": ["x"]}, "id": "1"}


@pytest.mark.parametrize(
    "part", [{"thought": True}, {"thoughtSignature": "c2ln"}, {"toolCall": SEARCH}, {"tool_call": SEARCH}]
)
def test_a_part_of_a_models_turn_is_taken_back(part: dict[str, Any]) -> None:
    turn = {"role": "model", "parts": [part, {"text": "It was so."}]}
    assert violations({"contents": [USER, turn, USER]}) == ()


@pytest.mark.parametrize("parts", [[{}], [{"thought": True}], [{}, {"text": "x"}]])
def test_a_part_with_nothing_in_it_is_still_refused(parts: list[dict[str, Any]]) -> None:
    assert violations({"contents": [{"role": "user", "parts": parts}]}) != ()
