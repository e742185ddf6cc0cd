"""Requests as engine calls: what is asked for, what is needed, what is refused by name."""

from typing import Any

import pytest

from backburner.core.errors import Code
from backburner.core.exchange import CallKind, Feature

from .calls import call, refused, user

TEXT = {"text": "hi"}


def config(**members: Any) -> dict[str, Any]:
    return user(TEXT, generationConfig=members)


def test_a_plain_request_asks_for_nothing_else() -> None:
    found = call(user(TEXT))
    assert found.body == {"messages": [{"role": "user", "content": "hi"}]}
    assert (found.kind, found.model) == (CallKind.CHAT, "engine-model")
    assert found.needs == {Feature.CHAT}
    assert found.media == ()


@pytest.mark.parametrize(
    ("members", "body", "needs"),
    [
        ({"temperature": 0.5, "topP": 0.9}, {"temperature": 0.5, "top_p": 0.9}, set()),
        ({"temperature": 0}, {"temperature": 0}, set()),
        ({"topK": 5.0}, {"top_k": 5}, {Feature.TOP_K}),
        ({"maxOutputTokens": "5"}, {"max_completion_tokens": 5}, set()),
        ({"stopSequences": ["X"]}, {"stop": ["X"]}, set()),
        ({"stopSequences": []}, {}, set()),
        ({"seed": 7}, {"seed": 7}, {Feature.SEED}),
        ({"candidateCount": 1}, {}, set()),
        ({"candidateCount": 3}, {"n": 3}, {Feature.CANDIDATES}),
        ({"presencePenalty": 0.1, "frequencyPenalty": 0}, {"presence_penalty": 0.1}, {Feature.PENALTIES}),
        ({"responseLogprobs": True}, {"logprobs": True}, {Feature.LOGPROBS}),
        (
            {"responseLogprobs": True, "logprobs": 3},
            {"logprobs": True, "top_logprobs": 3},
            {Feature.LOGPROBS, Feature.TOP_LOGPROBS},
        ),
        (
            {"responseMimeType": "application/json"},
            {"response_format": {"type": "json_object"}},
            {Feature.JSON_OBJECT},
        ),
        ({"responseModalities": ["TEXT"], "mediaResolution": "MEDIA_RESOLUTION_LOW"}, {}, set()),
        ({"thinkingConfig": {"thinking_level": "minimal", "include_thoughts": True}}, {}, set()),
        ({"thinkingConfig": {"thinkingBudget": 0}}, {}, set()),
        ({"thinkingConfig": {"thinkingBudget": -1}}, {}, set()),
        ({"thinkingConfig": {"thinkingBudget": 512}}, {"reasoning_effort": "low"}, {Feature.THINKING}),
        ({"thinkingConfig": {"thinkingBudget": 24576}}, {"reasoning_effort": "high"}, {Feature.THINKING}),
        ({"thinkingConfig": {"thinkingLevel": "MEDIUM"}}, {"reasoning_effort": "medium"}, {Feature.THINKING}),
    ],
)
def test_what_is_configured_is_asked_for(
    members: dict[str, Any], body: dict[str, Any], needs: set[Feature]
) -> None:
    found = call(config(**members))
    assert {name: value for name, value in found.body.items() if name != "messages"} == body
    assert found.needs == {Feature.CHAT} | needs


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (config(responseModalities=["TEXT", "IMAGE"]), "responseModalities IMAGE"),
        (config(speechConfig={"languageCode": "de"}), "speechConfig"),
        (config(imageConfig={"aspectRatio": "1:1"}), "imageConfig"),
        (user(TEXT, tools=[{"codeExecution": {}}]), "code_execution"),
        (user(TEXT, tools=[{"url_context": {}}]), "url_context"),
        (user(TEXT, tools=[{"googleMaps": {}}]), "google_maps"),
        (user(TEXT, tools=[{"fileSearch": {}}]), "file_search"),
        (user({"toolCall": {"toolType": "URL_CONTEXT"}}), "toolCall"),
        (
            user({"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}}),
            "names no file",
        ),
        (user({"fileData": {"fileUri": "gs://b/a.png", "mimeType": "image/png"}}), "nothing is fetched"),
        (user({"fileData": {"fileUri": "files/abc"}}), "no mimeType"),
        (user({"inlineData": {"mimeType": "application/zip", "data": "AAAA"}}), "application/zip"),
        (
            user(
                TEXT, systemInstruction={"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}
            ),
            "system",
        ),
    ],
)
def test_what_nobody_behind_us_can_do_is_refused_by_name(request_: Any, words: str) -> None:
    found = refused(request_)
    assert found.code is Code.INVALID_ARGUMENT
    assert words in found.message


def test_a_web_search_is_a_need_and_not_dropped() -> None:
    for tool in ({"googleSearch": {}}, {"google_search_retrieval": {}}):
        found = call(user(TEXT, tools=[tool]))
        assert found.needs == {Feature.CHAT, Feature.WEB_SEARCH}


FUNCTION = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "OBJECT", "properties": {"a_b": {"type": "INTEGER"}}},
}


def test_functions_are_declared() -> None:
    found = call(user(TEXT, tools=[{"functionDeclarations": [FUNCTION, {"name": "g"}]}]))
    assert found.needs == {Feature.CHAT, Feature.TOOLS}
    assert "tool_choice" not in found.body
    assert found.body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "parameters": {
                    "type": "object",
                    "properties": {"a_b": {"type": "integer"}},
                    "additionalProperties": False,
                },
            },
        },
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]


@pytest.mark.parametrize(
    ("mode", "choice", "names"),
    [
        ("AUTO", None, ["f", "g"]),
        ("ANY", "required", ["g"]),
        ("NONE", "none", ["f", "g"]),
        ("VALIDATED", None, ["g"]),
    ],
)
def test_the_calling_mode_is_kept(mode: str, choice: str | None, names: list[str]) -> None:
    calling = {"mode": mode, "allowedFunctionNames": ["g"]}
    found = call(
        user(
            TEXT,
            tools=[
                {
                    "functionDeclarations": [
                        FUNCTION,
                        {"name": "g", "parametersJsonSchema": {"type": "object"}},
                    ]
                }
            ],
            toolConfig={"functionCallingConfig": calling},
        )
    )
    assert found.body.get("tool_choice") == choice
    assert [tool["function"]["name"] for tool in found.body["tools"]] == names


CACHED = {
    "contents": [{"role": "user", "parts": [{"text": "a long book"}]}],
    "system_instruction": {"parts": [{"text": "be brief"}]},
    "tools": [{"functionDeclarations": [{"name": "f"}]}],
}


def test_cached_content_stands_before_the_request() -> None:
    found = call(user(TEXT, cachedContent="cachedContents/x"), {"x": CACHED})
    assert found.body["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "a long book"},
        {"role": "user", "content": "hi"},
    ]
    assert Feature.TOOLS in found.needs


def test_cached_content_that_is_gone_is_said() -> None:
    found = refused(user(TEXT, cachedContent="cachedContents/x"))
    assert found.code is Code.NOT_FOUND
    assert "cachedContents/x" in found.message


def test_a_cache_of_nothing_to_answer_is_refused() -> None:
    found = refused({"cachedContent": "cachedContents/x"}, {"x": {"tools": CACHED["tools"]}})
    assert "nothing to answer" in found.message
