"""Whatever a grammar made from a schema allows is JSON and satisfies the schema; what cannot be enforced is
refused by name."""

import json
import random
from typing import Any

import jsonschema
import pytest

from backburner.engines.local.grammar.finish import Finisher, Reading
from backburner.engines.local.grammar.nodes import ebnf
from backburner.engines.local.grammar.refusal import WrongSchema
from backburner.engines.local.grammar.schema import grammar_of, object_grammar

from .sampling import SCHEMAS, obj, text_of

DRAWS = 60


def satisfies(text: str, schema: Any) -> None:
    # Draft 4 for the boolean exclusiveMinimum of one sample, which later drafts read as a wrong type.
    if "exclusiveMinimum" in json.dumps(schema) and "true" in json.dumps(schema):
        schema = json.loads(json.dumps(schema))
        old = schema["properties"]["old"]
        old["exclusiveMinimum"] = old.pop("minimum")
    jsonschema.validate(json.loads(text), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_text_of_the_grammar_satisfies_the_schema(name: str) -> None:
    schema = SCHEMAS[name]
    grammar = Finisher(grammar_of(schema)).grammar
    chance = random.Random(name)
    for _ in range(DRAWS):
        text = text_of(grammar, chance)
        satisfies(text, schema)
        assert Reading(grammar, text).complete, text


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_grammar_names_every_rule_that_it_uses(name: str) -> None:
    lines = ebnf(Finisher(grammar_of(SCHEMAS[name])).grammar).splitlines()
    rules = {line.split(" ::= ")[0] for line in lines}
    assert len(rules) == len(lines)
    for line in lines:
        body = line.split(" ::= ")[1]
        for rule in ("value", "object", "ref", "pair"):
            for word in body.replace("(", " ").replace(")", " ").replace("?", " ").replace("*", " ").split():
                if word.startswith(rule):
                    assert word in rules, line


def test_properties_come_in_the_schemas_order() -> None:
    schema = {**obj(b={"type": "null"}, a={"type": "null"}), "required": ["a", "b"]}
    assert text_of(grammar_of(schema), random.Random(1)) == '{"b": null, "a": null}'
    schema["propertyOrdering"] = ["a"]
    assert text_of(grammar_of(schema), random.Random(1)) == '{"a": null, "b": null}'


def test_openapi_nullable_allows_null() -> None:
    grammar = grammar_of({"type": "string", "nullable": True})
    assert Reading(grammar, "null").complete
    assert Reading(grammar, '"x"').complete
    assert not Reading(grammar_of({"type": "string"}), "null").possible


def test_a_json_object_of_any_kind() -> None:
    grammar = Finisher(object_grammar()).grammar
    assert Reading(grammar, '{"a": [1, {"b": null}], "c": "\\n"}').complete
    assert not Reading(grammar, "[1]").possible
    assert not Reading(grammar, '{"a":  1}').possible  # no whitespace to ramble in


REFUSED: dict[str, tuple[Any, str]] = {
    "not": ({"not": {"type": "string"}}, "schema: not cannot be enforced"),
    "if": (obj(a={"if": {}, "then": {}}), "schema.properties.a: if cannot be enforced"),
    "uniqueItems": ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    "contains": ({"type": "array", "contains": {"type": "string"}}, "contains"),
    "patternProperties": ({"patternProperties": {"a": {}}}, "patternProperties"),
    "multipleOf": ({"type": "integer", "multipleOf": 5}, "multipleOf"),
    "lookahead": ({"type": "string", "pattern": "(?=a)b"}, "ASSERT"),
    "back reference": ({"type": "string", "pattern": r"(a)\1"}, "GROUPREF"),
    "flags": ({"type": "string", "pattern": "(?i)a"}, "flags"),
    "bad pattern": ({"type": "string", "pattern": "(a"}, "not a regular expression"),
    "pattern and length": ({"type": "string", "pattern": "a", "maxLength": 3}, "pattern beside"),
    "a type that is none": (obj(a={"type": "text"}), "schema.properties.a.type: expected object"),
    "false": (obj(a=False), "schema.properties.a: expected a schema object"),
    "text": ("string", "expected a schema object"),
    "bounds crossed": ({"type": "integer", "minimum": 3, "maximum": 2}, "no number"),
    "lengths crossed": ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength 3 is more"),
    "length no number": ({"type": "string", "maxLength": "3"}, "maxLength: expected a whole number"),
    "length too great": ({"type": "string", "minLength": 5000}, "at most 1024"),
    "reference to elsewhere": ({"$ref": "https://example.com/schema"}, "inside the schema"),
    "reference to nothing": ({"$ref": "#/$defs/nope"}, "points at nothing"),
    "empty enum": ({"enum": []}, "at least one value"),
    "enum of another type": ({"type": "string", "enum": [1]}, "no value has type 'string'"),
    "required unknown": ({**obj(a={}), "required": ["b"]}, "'b' is not among the properties"),
    "maxProperties": ({**obj(False, a={}, b={}), "maxProperties": 1}, "maxProperties"),
    "parts that disagree": ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "about type"),
    "too deep": (None, "too deep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_enforced_is_refused_by_name(name: str) -> None:
    schema, words = REFUSED[name]
    if name == "too deep":
        schema = {}
        for _ in range(80):
            schema = {"type": "array", "items": schema} if schema else {"type": "string"}
    with pytest.raises(WrongSchema) as caught:
        grammar_of(schema)
    assert words in str(caught.value)


def test_annotations_and_unknown_words_are_passed_over() -> None:
    schema = {"type": "boolean", "title": "t", "x-mine": 1, "default": 3, "examples": [1], "format": "flag"}
    assert text_of(grammar_of(schema), random.Random(3)) in ("true", "false")
