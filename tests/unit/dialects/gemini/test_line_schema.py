"""The JSON Schema of a line accepts what the checker accepts, and refuses the mistakes it can know."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from backburner.core.errors import NotFound
from backburner.core.job import JobKind
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.gemini.line_schema import line_schema

from .lines import EMBED, FILE, VECTOR, check
from .test_hostile_lines import NAMES, anything_of
from .test_walk import REQUEST, snaked

GENERATE = jsonschema.Draft202012Validator(line_schema("generate"))
EMBEDDING = jsonschema.Draft202012Validator(line_schema("embed"))


def test_the_schemas_are_schemas() -> None:
    for kind in JobKind:
        jsonschema.Draft202012Validator.check_schema(line_schema(kind.value))
    with pytest.raises(NotFound):
        line_schema("images")


@pytest.mark.parametrize("request_", [REQUEST, snaked(REQUEST)])
def test_both_spellings_fit(request_: dict[str, Any]) -> None:
    GENERATE.validate(request_)
    GENERATE.validate({"key": "a", "request": request_, "metadata": {"b": 1}})


def test_an_embedding_line_fits() -> None:
    EMBEDDING.validate(
        {"key": "a", "request": {**VECTOR, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 8}}
    )


@pytest.mark.parametrize(
    "line",
    [
        {"key": ["a"], "request": {"contents": []}},
        {"contents": "hi"},
        {"contents": [{"parts": []}]},
        {"contents": [], "temperature": 1},
        {"contents": [], "generationConfig": {"temperature": 3}},
        {"contents": [], "generationConfig": {"stopSequences": list("abcdef")}},
        {"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]},
        {"contents": [], "generationConfig": {"responseSchema": {"type": "TEXT"}}},
        17,
    ],
)
def test_the_schema_refuses_what_it_can(line: Any) -> None:
    assert not GENERATE.is_valid(line)
    assert check(json.dumps(line)).violations


@settings(max_examples=300, deadline=None)
@given(anything_of(NAMES))
def test_what_the_checker_takes_the_schema_takes(value: Any) -> None:
    line = json.dumps(value).encode()
    for source, schema in ((FILE, GENERATE), (EMBED, EMBEDDING)):
        for found in GeminiDialect().check_lines(line, source, 0, 1, 0):
            if not found.violations:
                schema.validate(value)
