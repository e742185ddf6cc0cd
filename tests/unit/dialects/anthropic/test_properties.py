"""Whatever comes: hostile requests are answered in words, good ones lose nothing on the way, answers never break."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.core.exchange import Answer, Call
from backburner.core.job import JobKind
from backburner.core.request import Usage
from backburner.dialects.anthropic.dialect import AnthropicDialect
from backburner.dialects.protocol import Setting

from .calls import INLINE, PNG, STAMP, asking, call, check, line_of, message

SETTING = Setting(kind=JobKind.GENERATE, model="engine", cached={}.get)
NAMES = st.sampled_from(
    (
        "model",
        "max_tokens",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "stream",
        "content",
        "role",
        "type",
        "text",
        "source",
        "data",
        "tool_use_id",
        "id",
        "name",
        "input",
        "input_schema",
        "output_config",
        "format",
        "schema",
        "media_type",
        "budget_tokens",
        "user",
        "assistant",
        "image",
        "document",
        "base64",
        "tool_use",
        "tool_result",
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | NAMES
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=200)
@given(VALUES)
def test_any_params_are_answered_in_words(params: Any) -> None:
    line = line_of(params)
    if not check(line).violations:
        AnthropicDialect().to_call(line, SETTING)


@settings(max_examples=300)
@given(NAMES, VALUES)
def test_a_good_request_with_one_odd_member(name: str, value: Any) -> None:
    line = line_of({**asking("a", {"role": "assistant", "content": "b"}, "c"), name: value})
    found = check(line)
    if not found.violations:
        AnthropicDialect().to_call(line, SETTING)
        made = Answer(body={"choices": [{"message": {"content": "x"}}]}, usage=Usage(), engine="e", model="m")
        AnthropicDialect().answered(line, made, STAMP)


@given(st.binary(max_size=60))
def test_any_bytes_are_answered_in_words(line: bytes) -> None:
    AnthropicDialect().check_lines(line, INLINE, 0, 1, 0)


@settings(max_examples=200)
@given(VALUES)
def test_any_answer_of_an_engine_becomes_an_outcome(value: Any) -> None:
    bodies = [
        {"choices": value},
        {"choices": [value]},
        {"choices": [{"message": value, "finish_reason": "stop"}]},
    ]
    for body in bodies:
        made = Answer(body=body, usage=Usage(), engine="e", model="m")
        outcome = AnthropicDialect().answered(line_of(asking()), made, STAMP)
        json.loads(b"{" + outcome.body + b"}")


BLOCKS = st.lists(
    st.one_of(
        WORDS.map(lambda words: {"type": "text", "text": words}),
        st.just({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
        WORDS.map(
            lambda words: {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": words},
            }
        ),
    ),
    min_size=1,
    max_size=4,
)
TURN = st.tuples(WORDS | BLOCKS, WORDS)


def texts_in(content: Any) -> list[str]:
    """Every text and picture of a request's content, in order."""
    if isinstance(content, str):
        return [content]
    return [block["text"] if block["type"] == "text" else block["source"]["data"] for block in content]


def texts_out(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [
        piece["text"] if piece["type"] == "text" else piece["image_url"]["url"].partition(",")[2]
        for piece in content
    ]


@settings(max_examples=100)
@given(st.lists(TURN, max_size=4), WORDS | BLOCKS, WORDS | st.none())
def test_nothing_is_lost_and_nothing_changes_its_place(
    turns: list[Any], last: Any, system: str | None
) -> None:
    talk = [
        {"role": role, "content": said}
        for turn in turns
        for role, said in zip(("user", "assistant"), turn, strict=True)
    ]
    talk.append({"role": "user", "content": last})
    made = call(asking(*talk, **({"system": system} if system else {})))
    out = [(one["role"], text) for one in made.body["messages"] for text in texts_out(one["content"])]
    expected = [("system", system)] if system else []
    expected += [(one["role"], text) for one in talk for text in texts_in(one["content"])]
    assert out == expected


@settings(max_examples=100)
@given(WORDS, st.dictionaries(WORDS, SCALARS | st.lists(SCALARS, max_size=3), max_size=4))
def test_a_tool_call_comes_back_as_it_was_made(text: str, arguments: dict[str, Any]) -> None:
    """An answer with a tool call, sent back as the next request's history, is the same chat message again."""
    function = {"name": "f", "arguments": json.dumps(arguments)}
    said = {"role": "assistant", "content": text}
    body = {
        "choices": [
            {
                "finish_reason": "tool_calls",
                "message": {**said, "tool_calls": [{"id": "t1", "type": "function", "function": function}]},
            }
        ]
    }
    answer = message(body)
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "done"}
    back = call(
        asking(
            "q", {"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [result]}
        )
    )
    assert isinstance(back, Call)
    again = back.body["messages"][1]
    assert again["content"] == text
    [made] = again["tool_calls"]
    assert (made["id"], made["function"]["name"]) == ("t1", "f")
    assert json.loads(made["function"]["arguments"]) == arguments
