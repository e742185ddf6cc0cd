"""The mistakes that people make, each with its path and what to write instead (contract 7.3; the seeds)."""

from typing import Any

import pytest

from backburner.dialects.gemini.rules import SAFETY_WARNING

from .lines import EMBED, HI, INLINE, VECTOR, check, only, violations

SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}


def config(**members: Any) -> dict[str, Any]:
    return {**HI, "generationConfig": members}


# (request, path, words that must stand in the reason or in what to write instead)
MISTAKES: list[tuple[Any, str, str]] = [
    # fields at the wrong level
    ({**HI, "temperature": 1}, "temperature", "temperature belongs in generationConfig"),
    ({**HI, "max_output_tokens": 5}, "max_output_tokens", "maxOutputTokens belongs in generationConfig"),
    ({**HI, "responseSchema": SCHEMA}, "responseSchema", "belongs in generationConfig"),
    ({**HI, "response_mime_type": "x"}, "response_mime_type", "belongs in generationConfig"),
    ({**HI, "thinking_config": {}}, "thinking_config", "thinkingConfig belongs in generationConfig"),
    ({**HI, "thinkingBudget": 0}, "thinkingBudget", "belongs in generationConfig.thinkingConfig"),
    (
        config(thinkingBudget=0),
        "generationConfig.thinkingBudget",
        "belongs in generationConfig.thinkingConfig",
    ),
    (config(safetySettings=[]), "generationConfig.safetySettings", "safetySettings belongs at the top"),
    (
        config(system_instruction={}),
        "generationConfig.system_instruction",
        "systemInstruction belongs at the top",
    ),
    (config(tools=[]), "generationConfig.tools", "tools belongs at the top"),
    (config(toolConfig={}), "generationConfig.toolConfig", "toolConfig belongs at the top"),
    (config(cachedContent="x"), "generationConfig.cachedContent", "cachedContent belongs at the top"),
    ({**HI, "toolConfig": {"mode": "ANY"}}, "toolConfig.mode", "belongs in toolConfig.functionCallingConfig"),
    # words of the SDKs and of other APIs
    ({**HI, "config": {"temperature": 1}}, "config", "config is the SDK's word"),
    ({"messages": [{"role": "user", "content": "hi"}]}, "messages", 'Write "contents"'),
    ({"prompt": "hi"}, "prompt", 'Write "contents"'),
    ({"content": {"parts": []}}, "content", 'Write "contents"'),
    ({**HI, "max_tokens": 5}, "max_tokens", "maxOutputTokens"),
    ({**HI, "response_format": {}}, "response_format", "responseMimeType"),
    ({**HI, "system": "be kind"}, "system", "systemInstruction"),
    ({**HI, "stream": True}, "stream", "streamGenerateContent"),
    (config(max_tokens=5), "generationConfig.max_tokens", "Write maxOutputTokens"),
    (config(stop=["x"]), "generationConfig.stop", "Write stopSequences"),
    (
        {"contents": [{"role": "user", "content": "hi", "parts": [{"text": "a"}]}]},
        "contents[0].content",
        '"parts"',
    ),
    ({"contents": [{"parts": [{"type": "text", "text": "a"}]}]}, "contents[0].parts[0].type", "no type"),
    (
        {"contents": [{"parts": [{"text": "a"}, {"image_url": {}}]}]},
        "contents[0].parts[1].image_url",
        "inlineData",
    ),
    (
        {**HI, "tools": [{"type": "function", "functionDeclarations": []}]},
        "tools[0].type",
        "functionDeclarations",
    ),
    # the wrong shape
    ({"contents": "hi"}, "contents", 'Write [{"parts": [{"text": "hi"}]}]'),
    (
        {"contents": {"parts": [{"text": "hi"}]}},
        "contents",
        'Put it into a list: [{"parts":[{"text":"hi"}]}]',
    ),
    ({"contents": ["hi"]}, "contents[0]", 'Write {"parts": [{"text": "hi"}]}'),
    ({"contents": [{"parts": "hi"}]}, "contents[0].parts", 'Write [{"text": "hi"}]'),
    ({"contents": [{"parts": {"text": "hi"}}]}, "contents[0].parts", 'Put it into a list: [{"text":"hi"}]'),
    ({"contents": [{"parts": ["hi"]}]}, "contents[0].parts[0]", 'Write {"text": "hi"}'),
    ({**HI, "systemInstruction": "be kind"}, "systemInstruction", 'Write {"parts": [{"text": "be kind"}]}'),
    ({**HI, "systemInstruction": []}, "systemInstruction", 'Write {"parts": [...]}'),
    (config(stopSequences="END"), "generationConfig.stopSequences", 'Write it as a list: ["END"]'),
    ({**HI, "tools": {"googleSearch": {}}}, "tools", 'Put it into a list: [{"googleSearch":{}}]'),
    ({**HI, "generationConfig": []}, "generationConfig", "expected an object (GenerationConfig)"),
    ("hi", "", "expected an object (GenerateContentRequest)"),
    # something missing
    ({}, "contents", "at least one content"),
    ({"contents": []}, "contents", "found an empty list"),
    ({"contents": [{"role": "user"}]}, "contents[0].parts", "at least one part"),
    ({"contents": [{"parts": []}]}, "contents[0].parts", "found an empty list"),
    ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0]", "found none of them"),
    ({"contents": [{"parts": [{"thought": True}]}]}, "contents[0].parts[0]", "found none of them"),
    (
        {"contents": [{"parts": [{"inlineData": {"data": "AAAA"}}]}]},
        "contents[0].parts[0].inlineData.mimeType",
        "none",
    ),
    ({"contents": [{"parts": [{"fileData": {}}]}]}, "contents[0].parts[0].fileData.fileUri", "none"),
    (
        {"contents": [{"parts": [{"text": "a", "fileData": {"fileUri": "files/a"}}]}]},
        "contents[0].parts[0]",
        "found fileData and text",
    ),
    # roles
    (
        {"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]},
        "contents[0].role",
        'Write "role": "model"',
    ),
    ({"contents": [{"role": "system", "parts": [{"text": "a"}]}]}, "contents[0].role", "systemInstruction"),
    ({"contents": [{"role": "tool", "parts": [{"text": "a"}]}]}, "contents[0].role", "functionResponse"),
    # structured output
    (
        config(responseSchema=SCHEMA),
        "generationConfig.responseSchema",
        '"responseMimeType": "application/json"',
    ),
    (
        config(responseJsonSchema={}),
        "generationConfig.responseJsonSchema",
        '"responseMimeType": "application/json"',
    ),
    (
        config(responseMimeType="application/json", responseSchema=SCHEMA, responseJsonSchema={}),
        "generationConfig.responseJsonSchema",
        "both given",
    ),
    (
        config(responseMimeType="application/json", responseJsonSchema='{"type": "object"}'),
        "generationConfig.responseJsonSchema",
        "not its text",
    ),
    (
        config(responseMimeType="application/json", responseSchema={"oneOf": []}),
        "generationConfig.responseSchema.oneOf",
        "responseJsonSchema",
    ),
    (
        config(responseMimeType="application/json", responseSchema={**SCHEMA, "required": ["b"]}),
        "generationConfig.responseSchema.required[0]",
        "not among the properties",
    ),
    (config(responseMimeType="json"), "generationConfig.responseMimeType", "application/json"),
    (config(responseMimeType="text/x.enum"), "generationConfig.responseSchema", '"enum"'),
    # ranges
    (config(temperature=2.1), "generationConfig.temperature", "a number from 0 to 2"),
    (config(topP=1.5), "generationConfig.topP", "a number from 0 to 1"),
    (config(topK=-1), "generationConfig.topK", "at least 0"),
    (config(candidateCount=9), "generationConfig.candidateCount", "from 1 to 8"),
    (config(maxOutputTokens=0), "generationConfig.maxOutputTokens", "at least 1"),
    (config(stopSequences=list("abcdef")), "generationConfig.stopSequences", "at most 5 entries, found 6"),
    (config(responseLogprobs=True, logprobs=21), "generationConfig.logprobs", "from 0 to 20"),
    (config(logprobs=3), "generationConfig.logprobs", "responseLogprobs"),
    (config(presencePenalty=3), "generationConfig.presencePenalty", "from -2 to 2"),
    (
        config(thinkingConfig={"thinkingBudget": -2}),
        "generationConfig.thinkingConfig.thinkingBudget",
        "at least -1",
    ),
    (
        config(thinkingConfig={"thinkingBudget": 5, "thinkingLevel": "LOW"}),
        "generationConfig.thinkingConfig",
        "both given",
    ),
    (
        config(thinkingConfig={"thinkingLevel": "EXTREME"}),
        "generationConfig.thinkingConfig.thinkingLevel",
        "MINIMAL, LOW, MEDIUM, HIGH",
    ),
    # names
    (config(temprature=1), "generationConfig.temprature", "Did you mean temperature?"),
    ({**HI, "generationConfg": {}}, "generationConfg", "Did you mean generation"),
    ({"contents": [{"parts": [{"txt": "hi"}]}]}, "contents[0].parts[0].txt", "Did you mean text?"),
    # model, cache, tools
    ({**HI, "model": "models/other"}, "model", "a job has one model"),
    ({**HI, "cachedContent": "abc"}, "cachedContent", "cachedContents/<id>"),
    (
        {**HI, "cachedContent": "cachedContents/a", "tools": [{"googleSearch": {}}]},
        "tools",
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config",
    ),
    (
        {**HI, "tools": [{"functionDeclarations": [{"name": "a b"}]}]},
        "tools[0].functionDeclarations[0].name",
        "letter",
    ),
    (
        {**HI, "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]},
        "tools[0].functionDeclarations[1].name",
        "declared twice",
    ),
    (
        {**HI, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}},
        "toolConfig.functionCallingConfig.allowedFunctionNames[0]",
        "not a declared function",
    ),
]


@pytest.mark.parametrize(
    ("request_", "path", "words"), MISTAKES, ids=[f"{path}-{words[:20]}" for _, path, words in MISTAKES]
)
def test_a_mistake_is_named_with_its_way_out(request_: Any, path: str, words: str) -> None:
    found = only(violations(request_))
    assert found.path == (f"request.{path}" if path else "request")
    assert words in found.sentence()
    assert (found.line, found.key) == (7, "k")


EMBED_MISTAKES: list[tuple[Any, str, str]] = [
    ({"contents": [{"parts": [{"text": "a"}]}]}, "contents", 'One content per request: write "content"'),
    ({**VECTOR, "config": {}}, "config", "stand beside content"),
    ({**VECTOR, "dimensions": 8}, "dimensions", "Write outputDimensionality"),
    ({**VECTOR, "taskType": "SEARCH"}, "taskType", "RETRIEVAL_QUERY"),
    ({**VECTOR, "outputDimensionality": 0}, "outputDimensionality", "at least 1"),
    ({}, "content", "expected a content"),
    ({"content": {"parts": []}}, "content.parts", "at least one part"),
    ({"content": "hi"}, "content", 'Write {"parts": [{"text": "hi"}]}'),
]


@pytest.mark.parametrize(("request_", "path", "words"), EMBED_MISTAKES)
def test_a_mistake_in_an_embedding_request_is_named(request_: Any, path: str, words: str) -> None:
    found = only(violations(request_, EMBED))
    assert found.path == f"request.{path}"
    assert words in found.sentence()


def test_all_mistakes_of_a_request_are_named_at_once() -> None:
    request = {
        "contents": [{"role": "bot", "parts": "x"}],
        "temperature": 1,
        "generationConfig": {"topK": "a", "n": 2},
    }
    assert {violation.path for violation in violations(request)} == {
        "request.contents[0].role",
        "request.contents[0].parts",
        "request.temperature",
        "request.generationConfig.topK",
        "request.generationConfig.n",
    }


def test_a_mistake_inside_and_one_beside_the_request_are_both_named() -> None:
    found = check({"key": "k", "request": {"contents": "hi"}, "safetySettings": []}).violations
    assert {violation.path for violation in found} == {"safetySettings", "request.contents"}


def test_inline_requests_are_named_by_their_place_in_the_body() -> None:
    found = only(check({"request": {**HI, "temperature": 1}, "metadata": {"key": "a"}}, INLINE).violations)
    assert found.path == "batch.inputConfig.requests.requests[4].request.temperature"
    assert (found.line, found.key) == (None, "a")


@pytest.mark.parametrize("model", ["models/gemini-2.5-flash", "gemini-2.5-flash"])
def test_a_request_may_repeat_the_model_of_its_job(model: str) -> None:
    assert not violations({**HI, "model": model})


def test_safety_settings_are_accepted_with_a_warning() -> None:
    found = check({"request": {**HI, "safetySettings": [{"category": 7, "threshold": "OFF"}]}})
    assert not found.violations
    assert found.warnings == (SAFETY_WARNING,)
