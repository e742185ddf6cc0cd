from typing import Any

import pytest

from backburner.engines.local.asked import Settings, WrongBody, settings_of
from backburner.engines.local.prompt import messages_of


def settings(**body: Any) -> Settings:
    return settings_of(body, temperature=0.2, top_p=0.9)


def test_a_bare_request_gets_the_models_own_sampling() -> None:
    found = settings()
    assert (found.temperature, found.top_p, found.greedy, found.candidates) == (0.2, 0.9, False, 1)
    assert found.output_tokens == 0
    assert found.seed is None


@pytest.mark.parametrize("body", [{"temperature": 0}, {"top_p": 0}, {"top_k": 1}])
def test_what_leaves_one_token_only_is_greedy(body: dict[str, Any]) -> None:
    assert settings(**body).greedy


def test_everything_asked_for_is_taken() -> None:
    found = settings(
        temperature=1.5,
        top_p=0.5,
        top_k=40,
        seed=-7,
        max_completion_tokens=9,
        stop=["a", "", "b"],
        n=3,
        presence_penalty=-1,
        frequency_penalty=1.5,
        logprobs=True,
    )
    assert (found.temperature, found.top_p, found.top_k, found.output_tokens) == (1.5, 0.5, 40, 9)
    assert (found.stops, found.candidates, found.logprobs) == (("a", "b"), 3, True)
    assert (found.presence_penalty, found.frequency_penalty) == (-1.0, 1.5)
    assert found.seed is not None
    assert found.seed >= 0


def test_equal_seeds_stay_equal_and_others_differ() -> None:
    assert settings(seed=5).seed == settings(seed=5).seed != settings(seed=-5).seed


def test_the_older_spelling_of_the_limit_and_a_single_stop() -> None:
    assert settings(max_tokens=7).output_tokens == 7
    assert settings(max_tokens=7, max_completion_tokens=8).output_tokens == 8
    assert settings(stop="x").stops == ("x",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"temperature": 3}, "temperature: expected a number from 0 to 2, found 3"),
        ({"temperature": "hot"}, "temperature: expected a number"),
        ({"n": 0}, "n: expected a whole number from 1"),
        ({"n": 1.5}, "n: expected a whole number, found 1.5"),
        ({"stop": ["a"] * 65}, "stop: expected at most 64 strings"),
        ({"stop": [1]}, "stop: expected at most 64 strings"),
        ({"top_logprobs": 3}, "top_logprobs"),
    ],
)
def test_what_cannot_be_is_refused_in_words(body: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongBody) as caught:
        settings(**body)
    assert words in str(caught.value)


CALL = {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TOOL = {"type": "function", "function": {"name": "f", "description": "does f"}}


def test_messages_become_what_a_template_knows() -> None:
    found = messages_of(
        {
            "messages": [
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "x", "content": "42"},
            ]
        }
    )
    assert found == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'},
        {"role": "user", "content": "<tool_response>\n42\n</tool_response>"},
    ]


def test_functions_are_told_in_the_system_message() -> None:
    question = {"role": "user", "content": "go"}
    alone = messages_of({"messages": [question], "tools": [TOOL]})
    assert [one["role"] for one in alone] == ["system", "user"]
    assert "does f" in alone[0]["content"]
    beside = messages_of({"messages": [{"role": "system", "content": "be kind"}, question], "tools": [TOOL]})
    assert beside[0]["content"].startswith("be kind\n\n")
    assert "does f" in beside[0]["content"]
    forbidden = messages_of({"messages": [question], "tools": [TOOL], "tool_choice": "none"})
    assert forbidden == [question]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "at least one message"),
        ([{"role": "king", "content": "x"}], "messages[0].role: expected system"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "reads text only"),
    ],
)
def test_messages_that_cannot_be_put_into_a_prompt(messages: list[Any], words: str) -> None:
    with pytest.raises(WrongBody) as caught:
        messages_of({"messages": messages})
    assert words in str(caught.value)
