"""From a body's wishes to a grammar, and what becomes of a sequence when its leg has ended."""

import json
import random
from typing import Any

import pytest

from backburner.engines.local import tools
from backburner.engines.local.asked import WrongBody
from backburner.engines.local.constraint import Constraint, Verdict, constraint_of
from backburner.engines.local.onward import BROKEN, Onward, onward

from .grammar.sampling import obj, text_of

WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": obj(city={"type": "string"}, unit={"enum": ["C", "F"]})},
}
NOW = {"type": "function", "function": {"name": "now"}}


def schema(of: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": of}}}


def must(body: dict[str, Any]) -> Constraint:
    found = constraint_of(body)
    assert found is not None
    return found


def test_plain_requests_are_free() -> None:
    assert constraint_of({"messages": []}) is None
    assert constraint_of({"response_format": {"type": "text"}}) is None
    assert constraint_of({"tools": [NOW], "tool_choice": "none"}) is None


def test_a_schema_is_compiled_once() -> None:
    assert constraint_of(schema({"type": "null"})) is constraint_of(schema({"type": "null"}))
    assert constraint_of(schema({"type": "null"})) is not constraint_of(schema({"type": "boolean"}))


def test_an_object_of_any_kind() -> None:
    found = must({"response_format": {"type": "json_object"}})
    assert found.verdict('{"a": 1}') is Verdict.WHOLE
    assert found.verdict('{"a": ') is Verdict.OPEN
    assert found.verdict("hello") is Verdict.WRONG


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (schema({"type": "text"}), "schema.type"),
        (schema({"$ref": "#"}), "requires itself"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"tool_choice": "required"}, "tools is empty"),
        ({"tools": [NOW], "tool_choice": "perhaps"}, "tool_choice: expected"),
        ({"tools": [NOW], "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tools are now"),
        ({"tools": [{"type": "search"}]}, "tools[0]: expected a function"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused_in_words(body: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongBody) as caught:
        constraint_of(body)
    assert words in str(caught.value)


def test_a_required_call_is_one_of_the_functions_with_its_own_arguments() -> None:
    found = must({"tools": [WEATHER, NOW], "tool_choice": "required"})
    good = '<tool_call>{"name": "weather", "arguments": {"city": "Bonn", "unit": "C"}}</tool_call>'
    assert found.verdict(good) is Verdict.WHOLE
    assert found.verdict('<tool_call>{"name": "now", "arguments": {}}</tool_call>') is Verdict.WHOLE
    assert found.verdict('<tool_call>{"name": "now", "arguments": {"c') is Verdict.WRONG
    assert found.verdict("It is sunny") is Verdict.WRONG
    chance = random.Random(3)
    for _ in range(20):
        calls = tools.calls_in(text_of(found._grammar, chance))
        assert calls is not None
        assert calls[0]["function"]["name"] in ("weather", "now")
        assert isinstance(json.loads(calls[0]["function"]["arguments"]), dict)


def test_a_named_call_is_that_function() -> None:
    found = must({"tools": [WEATHER, NOW], "tool_choice": {"type": "function", "function": {"name": "now"}}})
    assert found.verdict('<tool_call>{"name": "now", "arguments": {}}</tool_call>') is Verdict.WHOLE
    assert found.verdict('<tool_call>{"name": "w') is Verdict.WRONG


def test_a_call_that_may_be_leaves_text_free() -> None:
    found = must({"tools": [NOW]})
    assert found.free
    assert found.verdict("It is noon. 1 < 2") is Verdict.WHOLE
    assert found.verdict("") is Verdict.WHOLE
    assert found.verdict("<tool_call>{") is Verdict.OPEN


def test_a_call_or_an_answer_in_json() -> None:
    found = must({"tools": [NOW], **schema(obj(a={"type": "null"}))})
    assert found.verdict('{"a": null}') is Verdict.WHOLE
    assert found.verdict("<tool_call>") is Verdict.OPEN
    assert found.verdict("text") is Verdict.WRONG


def test_cut_or_plain_answers_are_no_calls() -> None:
    assert tools.calls_in("<tool_call>{") is None
    assert tools.calls_in("hello") is None
    assert tools.calls_in("<tool_call>{'a'}</tool_call>") is None


# -- what follows a leg -------------------------------------------------------------------------------

TEXT = must(schema(obj(a={"type": "string"})))
LONG = must(schema(obj(a={"type": "string", "maxLength": 300})))
CALLS = must({"tools": [NOW]})


def after(
    constraint: Constraint, text: str, finish: str, used: int = 50, strict: bool = False
) -> Onward | str:
    return onward(constraint, text, finish, used=used, room=100, strict=strict)


def test_what_ended_by_itself_has_ended() -> None:
    assert after(TEXT, '{"a": "x"}', "stop") == "stop"


def test_what_is_whole_when_its_tokens_end_has_ended_by_itself() -> None:
    assert after(TEXT, '{"a": "x"}', "length") == "stop"


def test_what_is_open_goes_on_to_be_closed_in_the_room_that_is_left() -> None:
    further = after(TEXT, '{"a": "once upon a', "length", used=70)
    assert isinstance(further, Onward)
    assert further.tokens == 30
    assert not further.again
    assert further.form is not None
    assert "*" not in further.form  # nothing in it is without end


def test_what_is_open_without_room_was_cut() -> None:
    assert after(TEXT, '{"a": "once', "length", used=100) == "length"


def test_plain_text_beside_a_possible_call_goes_on_freely() -> None:
    assert after(CALLS, "It is", "length") == Onward(None, 50)
    open_call = after(CALLS, '<tool_call>{"na', "length")
    assert isinstance(open_call, Onward)
    assert open_call.form is not None


def test_a_bound_left_out_for_speed_is_checked_and_broken_ones_are_made_again() -> None:
    assert LONG.checked
    assert "{0,300}" not in LONG.form
    assert after(LONG, '{"a": "' + "x" * 300 + '"}', "stop") == "stop"
    broken = after(LONG, '{"a": "' + "x" * 301 + '"}', "stop")
    assert isinstance(broken, Onward)
    assert broken.again
    assert broken.form is not None
    assert "{0,128}" in broken.form
    assert after(LONG, '{"a": "' + "x" * 301, "length") == broken


def test_an_answer_that_breaks_its_form_is_never_passed_off_as_one() -> None:
    assert after(TEXT, '{"b": 1}', "stop") == BROKEN
    assert after(TEXT, "hello", "length") == BROKEN
    assert after(LONG, '{"a": "' + "x" * 301, "length", strict=True) == BROKEN


def test_the_reserve_leaves_half_the_room_at_least() -> None:
    wide = must(schema(obj(**{f"field_{number}": {"type": "string"} for number in range(40)})))
    assert wide.first_tokens(100) == 50
    assert TEXT.first_tokens(1000) > 950
    assert TEXT.first_tokens(1) == 1
