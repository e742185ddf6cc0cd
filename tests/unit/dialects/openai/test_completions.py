"""Completions are asked as chat and answered as completions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import Feature
from backburner.dialects.openai.completions import DEFAULT_TOKENS
from backburner.dialects.openai.endpoints import COMPLETIONS

from .asking import MODEL, answered, body_of, called, completion, refused


def test_the_prompt_is_the_one_user_message() -> None:
    found = called(body_of(COMPLETIONS, prompt="once", max_tokens=5, temperature=0.5), COMPLETIONS)
    assert found.body == {
        "messages": [{"role": "user", "content": "once"}],
        "max_completion_tokens": 5,
        "temperature": 0.5,
    }


def test_no_maximum_means_sixteen_tokens_as_it_always_has() -> None:
    assert called(body_of(COMPLETIONS), COMPLETIONS).body["max_completion_tokens"] == DEFAULT_TOKENS == 16


@pytest.mark.parametrize("prompt", ["once", ["once"]])
def test_one_prompt_in_either_form(prompt: Any) -> None:
    found = called(body_of(COMPLETIONS, prompt=prompt), COMPLETIONS)
    assert found.body["messages"][0]["content"] == "once"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"prompt": ["a", "b"]}, "one request for each prompt"),
        ({"prompt": [1, 2]}, "Send text, not tokens"),
        ({"prompt": {}}, "prompt: expected one prompt"),
        ({"suffix": "end"}, "suffix is not done here"),
        ({"best_of": 3}, "best_of is not done here"),
        ({"logprobs": 9}, "logprobs: expected a whole number from 0 to 5"),
    ],
)
def test_what_chat_cannot_say_is_refused(more: dict[str, Any], said: str) -> None:
    assert said in refused(body_of(COMPLETIONS, **more), COMPLETIONS)


def test_log_probabilities_go_there_and_back() -> None:
    found = called(body_of(COMPLETIONS, logprobs=2), COMPLETIONS)
    assert (found.body["logprobs"], found.body["top_logprobs"]) == (True, 2)
    assert {Feature.LOGPROBS, Feature.TOP_LOGPROBS} <= found.needs
    body = completion("ab c")
    top = [{"token": "ab", "logprob": -0.1}, {"token": "x", "logprob": -3.0}]
    rows = [
        {"token": "ab", "logprob": -0.1, "top_logprobs": top},
        {"token": " c", "logprob": -0.2, "top_logprobs": []},
    ]
    body["choices"][0]["logprobs"] = {"content": rows}
    [choice] = answered(body, body_of(COMPLETIONS, prompt="say ", echo=True), COMPLETIONS)["choices"]
    assert choice["text"] == "say ab c"
    assert choice["logprobs"] == {
        "tokens": ["ab", " c"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"ab": -0.1, "x": -3.0}, None],
        "text_offset": [4, 6],
    }


@given(st.text(min_size=1), st.text())
def test_the_answer_is_the_text(prompt: str, text: str) -> None:
    assert called({"model": MODEL, "prompt": prompt}, COMPLETIONS).body["messages"][0]["content"] == prompt
    found = answered(completion(text, "length"), {"model": MODEL, "prompt": prompt}, COMPLETIONS)
    assert found["object"] == "text_completion"
    assert found["id"].startswith("cmpl-")
    assert found["choices"] == [{"index": 0, "text": text, "logprobs": None, "finish_reason": "length"}]
    assert found["usage"]["completion_tokens"] == 3


def test_an_answer_without_a_choice_is_none() -> None:
    assert answered({"choices": []}, endpoint=COMPLETIONS) is None
