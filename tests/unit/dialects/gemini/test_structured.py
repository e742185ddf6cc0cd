"""Google's Schema as JSON Schema, and the response_format of each MIME type."""

from typing import Any

import jsonschema
import pytest

from backburner.core.exchange import Feature

from .calls import call, user

TEXT = {"text": "hi"}


def asked(**config: Any) -> tuple[Any, frozenset[Feature]]:
    found = call(user(TEXT, generationConfig={"responseMimeType": "application/json", **config}))
    return found.body["response_format"], found.needs


def converted(schema: dict[str, Any]) -> dict[str, Any]:
    wanted, needs = asked(responseSchema=schema)
    assert Feature.JSON_SCHEMA in needs
    assert wanted["type"] == "json_schema"
    found = wanted["json_schema"]["schema"]
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        (
            {"type": "string", "format": "date-time", "title": "T"},
            {"type": "string", "format": "date-time", "title": "T"},
        ),
        ({"type": "INTEGER", "format": "int64"}, {"type": "integer"}),
        ({"type": "STRING", "format": "enum", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "NUMBER", "nullable": True}, {"type": ["number", "null"]}),
        (
            {"type": "STRING", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"type": "STRING", "example": "x", "maxLength": "3"}, {"type": "string", "maxLength": 3}),
        (
            {"type": "ARRAY", "items": {"type": "BOOLEAN"}, "min_items": "1", "maxItems": 2},
            {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2},
        ),
        (
            {"anyOf": [{"type": "STRING"}, {"type": "NULL"}]},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"anyOf": [{"type": "STRING"}], "nullable": True},
            {"anyOf": [{"anyOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
        ({"type": "TYPE_UNSPECIFIED"}, {}),
    ],
)
def test_a_schema_is_converted(schema: dict[str, Any], found: dict[str, Any]) -> None:
    assert converted(schema) == found


def test_properties_come_in_the_order_asked_for() -> None:
    found = converted(
        {
            "type": "OBJECT",
            "properties": {name: {"type": "STRING"} for name in ("c", "snake_case", "b")},
            "property_ordering": ["b", "c"],
            "required": ["snake_case"],
        }
    )
    assert list(found["properties"]) == ["b", "c", "snake_case"]
    assert found["required"] == ["snake_case"]
    assert found["additionalProperties"] is False


def test_references_and_open_objects_are_kept() -> None:
    found = converted(
        {
            "$defs": {"node": {"type": "OBJECT", "properties": {"next": {"$ref": "#/$defs/node"}}}},
            "ref": "#/defs/node",
        }
    )
    assert found["$ref"] == "#/$defs/node"
    assert found["$defs"]["node"]["properties"]["next"] == {"$ref": "#/$defs/node"}
    assert converted({"type": "OBJECT", "additionalProperties": {"type": "STRING"}}) == {
        "type": "object",
        "additionalProperties": {"type": "string"},
    }


@pytest.mark.parametrize("name", ["responseJsonSchema", "response_json_schema", "_responseJsonSchema"])
def test_a_json_schema_is_passed_on_as_it_is(name: str) -> None:
    schema = {"type": "object", "properties": {"max_items": {"type": ["string", "null"]}}, "oneOf": []}
    wanted, needs = asked(**{name: schema})
    assert wanted["json_schema"]["schema"] == schema
    assert Feature.JSON_SCHEMA in needs


@pytest.mark.parametrize(
    "config",
    [
        {"responseSchema": {"type": "STRING", "enum": ["yes", "no"]}},
        {"responseJsonSchema": {"type": "string", "enum": ["yes", "no"]}},
    ],
)
def test_an_enum_is_asked_for_as_a_json_string(config: dict[str, Any]) -> None:
    wanted, needs = asked(**config, responseMimeType="text/x.enum")
    assert wanted["json_schema"]["schema"] == {"type": "string", "enum": ["yes", "no"]}
    assert Feature.JSON_SCHEMA in needs
