"""Embeddings: texts in, vectors out, as numbers or as the bytes that OpenAI's SDKs unpack."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import CallKind, Feature
from backburner.dialects.openai.endpoints import EMBEDDINGS

from .asking import answered, body_of, called, refused


def vectors(*values: list[float]) -> dict[str, Any]:
    return {"data": [{"index": at, "embedding": value} for at, value in enumerate(values)]}


@pytest.mark.parametrize(("given_", "sent"), [("a", ["a"]), (["a", "b"], ["a", "b"])])
def test_one_text_or_several(given_: Any, sent: list[str]) -> None:
    found = called(body_of(EMBEDDINGS, input=given_, encoding_format="base64"), EMBEDDINGS)
    assert found.kind is CallKind.EMBED
    assert found.body == {"input": sent}
    assert found.needs == {Feature.EMBED}


def test_dimensions_must_be_supported() -> None:
    found = called(body_of(EMBEDDINGS, dimensions=64), EMBEDDINGS)
    assert found.body["dimensions"] == 64
    assert Feature.DIMENSIONS in found.needs


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"input": []}, "input: expected a string or a list of strings, found an empty list"),
        ({"input": [1, 2]}, "Send text"),
        ({"input": [[1]]}, "Send text"),
        ({"input": ["a"] * 2049}, "at most 2048 inputs"),
        ({"encoding_format": "int8"}, "encoding_format: expected one of float, base64"),
        ({"dimensions": 0}, "dimensions: expected a whole number of at least 1"),
    ],
)
def test_what_is_wrong_is_refused(more: dict[str, Any], said: str) -> None:
    assert said in refused(body_of(EMBEDDINGS, **more), EMBEDDINGS)


def test_the_answer() -> None:
    found = answered(vectors([0.5, 1.0], [0.25, 0.0]), body_of(EMBEDDINGS, input=["a", "b"]), EMBEDDINGS)
    assert found == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, 1.0]},
            {"object": "embedding", "index": 1, "embedding": [0.25, 0.0]},
        ],
        "model": "SmolLM2-135M-Instruct",
        "usage": {"prompt_tokens": 10, "total_tokens": 10},
    }


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_base64_is_32_bit_floats(vector: list[float]) -> None:
    asked = body_of(EMBEDDINGS, encoding_format="base64")
    [row] = answered(vectors(vector), asked, EMBEDDINGS)["data"]
    assert list(struct.unpack(f"<{len(vector)}f", base64.b64decode(row["embedding"]))) == vector


def test_a_missing_vector_is_no_answer() -> None:
    assert answered(vectors([1.0]), body_of(EMBEDDINGS, input=["a", "b"]), EMBEDDINGS) is None
    assert answered({"data": [{}]}, endpoint=EMBEDDINGS) is None
    assert answered({}, endpoint=EMBEDDINGS) is None
