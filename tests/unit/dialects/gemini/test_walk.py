"""Both spellings at every level, and the caller's own data untouched."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.dialects.gemini.fields import Kind, snake
from backburner.dialects.gemini.schema import MESSAGES
from backburner.dialects.gemini.walk import read, standard_base64
from backburner.dialects.report import Report


def good(message: str, value: Any) -> dict[str, Any]:
    report = Report()
    found = read(message, value, report)
    assert report.clean, report.violations()
    return found


def wrong(message: str, value: Any) -> dict[str, str]:
    report = Report()
    read(message, value, report)
    return {violation.path: violation.sentence() for violation in report.violations()}


OWN = {"snake_case": {"camelCase": 1}, "max_output_tokens": [1]}
REQUEST = {
    "systemInstruction": {"parts": [{"text": "s"}]},
    "contents": [
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAEC"}}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "f", "args": OWN}, "thoughtSignature": "__79"}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": OWN}}]},
        {"parts": [{"fileData": {"fileUri": "files/a", "mimeType": "image/png"}, "partMetadata": OWN}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": OWN}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}],
    "cachedContent": "cachedContents/x",
    "labels": OWN,
    "generationConfig": {
        "maxOutputTokens": 5,
        "responseMimeType": "application/json",
        "responseJsonSchema": OWN,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 0},
        "responseSchema": {
            "type": "OBJECT",
            "properties": {"snake_case": {"type": "STRING", "maxLength": 3}, "camelCase": {"anyOf": []}},
            "propertyOrdering": ["snake_case"],
        },
    },
}
OPAQUE = {
    "args",
    "response",
    "partMetadata",
    "labels",
    "parametersJsonSchema",
    "responseJsonSchema",
    "properties",
}


def snaked(value: Any, opaque: bool = False) -> Any:
    """The same request in snake_case, the caller's own keys as they are."""
    if isinstance(value, list):
        return [snaked(item) for item in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for name, item in value.items():
        if name == "properties":
            out[name] = {key: snaked(inner) for key, inner in item.items()}
        else:
            out[snake(name)] = item if name in OPAQUE else snaked(item)
    return out


def test_both_spellings_mean_the_same_and_own_keys_stay() -> None:
    assert (
        "max_output_tokens"
        in json.dumps(snaked(REQUEST)["generation_config"]).split("response_json_schema")[0]
    )
    assert good("GenerateContentRequest", REQUEST) == REQUEST
    assert good("GenerateContentRequest", snaked(REQUEST)) == REQUEST


@pytest.mark.parametrize(
    "name",
    ["responseJsonSchema", "response_json_schema", "_responseJsonSchema", "response_json_schema_ordered"],
)
def test_all_spellings_of_the_json_schema_are_one(name: str) -> None:
    assert good("GenerationConfig", {name: OWN}) == {"responseJsonSchema": OWN}


def test_every_field_of_every_message_has_its_snake_spelling() -> None:
    for message in MESSAGES.values():
        for name, field in message.fields.items():
            assert message.lookup[name] == message.lookup[snake(name)] == (name, field)
            assert field.kind is not Kind.MESSAGE or field.message in MESSAGES


def test_null_is_absent() -> None:
    assert good("GenerationConfig", {"temperature": None, "topK": 1}) == {"topK": 1}


def test_a_field_in_both_spellings_at_once_is_refused() -> None:
    [(path, words)] = wrong("GenerationConfig", {"topP": 0.1, "top_p": 0.2}).items()
    assert path == "top_p"
    assert "twice" in words


@pytest.mark.parametrize(
    ("value", "found"),
    [(5, 5), ("5", 5), (5.0, 5), ("-0", 0)],
)
def test_whole_numbers_come_in_three_forms(value: Any, found: int) -> None:
    assert good("GenerationConfig", {"seed": value}) == {"seed": found}


@pytest.mark.parametrize("value", [5.5, "x", "5.0.1", True, [5], 2**31, "9" * 400, {}])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    assert "whole number" in wrong("GenerationConfig", {"seed": value})["seed"]


def test_64_bit_numbers_of_a_schema_may_be_strings() -> None:
    assert good("Schema", {"minItems": "3", "max_items": 4}) == {"minItems": 3, "maxItems": 4}


@pytest.mark.parametrize("value", ["nan", "inf", "Infinity", "1e999", "", "x", True, "1" * 50])
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert "a number" in wrong("GenerationConfig", {"temperature": value})["temperature"]


def test_a_number_may_be_a_string() -> None:
    assert good("GenerationConfig", {"temperature": "0.5", "topK": 5.0}) == {"temperature": 0.5, "topK": 5.0}


@pytest.mark.parametrize("value", ["STRING", "string", "String", 1])
def test_enums_come_by_name_in_any_case_or_by_number(value: Any) -> None:
    assert good("Schema", {"type": value}) == {"type": "STRING"}


def test_the_service_tier_is_lower_case() -> None:
    assert good("GenerateContentRequest", {"serviceTier": "FLEX"}) == {"serviceTier": "flex"}


def test_an_unknown_enum_value_lists_the_known_ones() -> None:
    words = wrong("Schema", {"type": "TEXT"})["type"]
    assert "STRING, NUMBER, INTEGER" in words
    assert "UNSPECIFIED" not in words


@given(st.binary(max_size=40), st.booleans(), st.booleans())
def test_base64_is_taken_in_both_alphabets_padded_or_not(data: bytes, urlsafe: bool, padded: bool) -> None:
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    text = text if padded else text.rstrip("=")
    found = standard_base64(text)
    assert found is not None
    assert base64.b64decode(found, validate=True) == data
    assert good("Blob", {"data": text}) == {"data": text}


@pytest.mark.parametrize("text", ["a", "ab=c", "ab===", "a b=", "é", "data:image/png;base64,AAAA", "====="])
def test_what_is_no_base64_is_refused(text: str) -> None:
    assert "base64" in wrong("Blob", {"data": text})["data"]


def test_a_data_url_is_told_apart() -> None:
    assert "up to the comma" in wrong("Blob", {"data": "data:image/png;base64,AAAA"})["data"]


def test_every_violation_has_its_path() -> None:
    found = wrong(
        "GenerateContentRequest",
        {
            "contents": [{"parts": [{"text": 1}]}, {"parts": [{"text": "a"}, {"inline_data": {"data": 5}}]}],
            "generation_config": {"responseSchema": {"properties": {"a b": {"type": "X"}}}},
        },
    )
    assert set(found) == {
        "contents[0].parts[0].text",
        "contents[1].parts[1].inline_data.data",
        'generation_config.responseSchema.properties["a b"].type',
    }


def test_violations_are_bounded() -> None:
    assert len(wrong("GenerationConfig", {f"x{n}": 1 for n in range(500)})) == 50


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {"type": "STRING"}
    for _ in range(400):
        schema = {"type": "ARRAY", "items": schema}
    [words] = wrong("Schema", schema).values()
    assert "nested deeper" in words
