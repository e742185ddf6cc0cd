"""A chat body goes to the engine as it came; what it needs of the engine is said, what is wrong is refused."""

from typing import Any

import pytest

from backburner.core.exchange import CallKind, Feature

from .asking import body_of, called, refused

PDF = {"type": "file", "file": {"file_id": "file-abc", "filename": "a.pdf"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def user(*parts: Any) -> dict[str, Any]:
    return body_of(messages=[{"role": "user", "content": list(parts)}])


def test_a_body_passes_unchanged() -> None:
    asked = body_of(
        temperature=0.5,
        max_tokens=7,
        stop=["x"],
        messages=[
            {"role": "system", "content": "be brief", "name": "s"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, IMAGE]},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "42"},
        ],
        min_p=0.1,
        metadata={"a": "b"},
    )
    found = called({**asked, "stream": False, "service_tier": "flex", "user": None})
    assert found.kind is CallKind.CHAT
    assert found.model == "engine-model"
    assert found.body == {name: value for name, value in asked.items() if name != "model"}


@pytest.mark.parametrize(
    ("more", "feature"),
    [
        ({"seed": 1}, Feature.SEED),
        ({"n": 2}, Feature.CANDIDATES),
        ({"presence_penalty": 0.5}, Feature.PENALTIES),
        ({"top_k": 5}, Feature.TOP_K),
        ({"logit_bias": {"5": 1}}, Feature.LOGIT_BIAS),
        ({"logprobs": True}, Feature.LOGPROBS),
        ({"logprobs": True, "top_logprobs": 2}, Feature.TOP_LOGPROBS),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, Feature.TOOLS),
        ({"response_format": {"type": "json_object"}}, Feature.JSON_OBJECT),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
            Feature.JSON_SCHEMA,
        ),
        ({"response_format": {"type": "structural_tag"}}, Feature.OWN),
        ({"reasoning_effort": "high"}, Feature.THINKING),
        ({"web_search_options": {}}, Feature.WEB_SEARCH),
        ({"guided_json": {}}, Feature.OWN),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, Feature.IMAGES),
        ({"messages": [{"role": "user", "content": [PDF]}]}, Feature.DOCUMENTS),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}],
                    }
                ]
            },
            Feature.AUDIO,
        ),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 500}}}}, Feature.THINKING),
    ],
)
def test_what_a_body_needs(more: dict[str, Any], feature: Feature) -> None:
    assert feature in called(body_of(**more)).needs
    assert feature not in called(body_of()).needs


@pytest.mark.parametrize(
    "more",
    [
        {"n": 1},
        {"presence_penalty": 0, "frequency_penalty": 0},
        {"reasoning_effort": "none"},
        {"response_format": {"type": "text"}},
        {"logprobs": False, "top_logprobs": 0},
        {"tools": []},
        {"seed": None, "logit_bias": {}, "top_k": 0},
        {"parallel_tool_calls": True, "verbosity": "low", "store": True, "prediction": {}},
    ],
)
def test_what_asks_for_nothing_needs_nothing(more: dict[str, Any]) -> None:
    assert called(body_of(**more)).needs == {Feature.CHAT}


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1024, "low"), (8192, "medium"), (9000, "high"), (-1, None)]
)
def test_googles_thinking_budget(budget: int, effort: str | None) -> None:
    extra = {"google": {"thinking_config": {"thinking_budget": budget}}}
    found = called(body_of(extra_body=extra))
    assert found.body.get("reasoning_effort") == effort
    assert "extra_body" not in found.body


def test_a_file_of_ours_is_filled_in_before_the_call() -> None:
    found = called(user({"type": "text", "text": "read"}, PDF))
    [ref] = found.media
    assert ref.file_id == "abc"
    assert found.body["messages"][0]["content"][1] == {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": ref.placeholder},
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"messages": []}, "messages: expected a list of messages, found an empty list"),
        ({"messages": "hi"}, 'messages: expected a list of messages, found the string "hi"'),
        ({"messages": [5]}, "messages[0]: expected a message"),
        ({"messages": [{"role": "model", "content": "x"}]}, "messages[0].role: expected one of system"),
        ({"messages": [{"role": "user"}]}, "messages[0].content: expected a string or a list of parts"),
        ({"messages": [{"role": "user", "parts": []}]}, "Google's parts are content here"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id: is required"),
        ({"messages": [{"role": "user", "content": [{"type": "input_text"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": []}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content[0].image_url"),
        ({"temperature": 3}, "temperature: expected a number from 0 to 2, found the number 3"),
        ({"temperature": True}, "temperature: expected a number"),
        ({"top_p": "1"}, 'top_p: expected a number from 0 to 1, found the string "1"'),
        ({"n": 0}, "n: expected a whole number from 1 to 128"),
        ({"max_tokens": 0}, "max_tokens: expected a whole number of at least 1"),
        ({"stop": [1]}, "stop: expected a list of strings"),
        ({"tools": [{"type": "function"}]}, "tools[0]: expected a function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name: is required"),
        ({"tool_choice": "any"}, "tool_choice: expected none, auto, required"),
        ({"response_format": "json"}, "response_format: expected an object"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: expected an object"),
        ({"modalities": ["text", "audio"]}, "modalities: answers are text here"),
        ({"functions": []}, "functions gave way to tools"),
        ({"temprature": 1}, "Did you mean temperature?"),
        ({"service_tier": "cheap"}, "service_tier: expected one of auto"),
        ({"extra_body": {"google": {"cached_content": "cachedContents/a"}}}, "cached content"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(more: dict[str, Any], said: str) -> None:
    assert said in refused(body_of(**more))


def test_everything_wrong_is_said_at_once() -> None:
    said = refused(body_of(temperature=9, n=-1, messages=[{"role": "x", "content": 5}]))
    for place in ("temperature", "n:", "messages[0].role", "messages[0].content"):
        assert place in said
