"""Embedding requests and their vectors."""

import json
from typing import Any

from backburner.core.errors import Code
from backburner.core.exchange import CallKind, Feature
from backburner.core.job import JobKind
from backburner.core.request import OutcomeKind, Usage
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.gemini.embed import embed_call, embeddings_body
from backburner.dialects.protocol import Setting

from .calls import STAMP, answer, call, refused

LINE = b'{"key":"k","request":{"content":{"parts":[{"text":"hi"}]}}}'


def embedded(**more: Any) -> Any:
    return call({"content": {"parts": [{"text": "hi"}]}, **more}, kind=JobKind.EMBED)


def test_one_request_is_one_text() -> None:
    found = embedded()
    assert (found.kind, found.body, found.needs) == (CallKind.EMBED, {"input": ["hi"]}, {Feature.EMBED})


def test_a_title_stands_before_the_text_and_the_task_changes_nothing() -> None:
    assert embedded(taskType="RETRIEVAL_DOCUMENT", title="T").body == {"input": ["T\nhi"]}
    assert embedded(task_type="RETRIEVAL_QUERY").body == {"input": ["hi"]}


def test_parts_are_joined() -> None:
    request = {"content": {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}}
    assert call(request, kind=JobKind.EMBED).body == {"input": ["a\nb"]}


def test_dimensions_are_a_need() -> None:
    found = embedded(output_dimensionality=64)
    assert found.body["dimensions"] == 64
    assert found.needs == {Feature.EMBED, Feature.DIMENSIONS}


def test_only_text_is_embedded() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert "only text" in refused({"content": {"parts": [image]}}, kind=JobKind.EMBED).message


def test_the_vector_comes_back_with_its_tokens() -> None:
    body = {"data": [{"index": 0, "embedding": [0.5, -1.0]}]}
    found = GeminiDialect().answered(LINE, answer(body, Usage(prompt=2)), STAMP)
    assert found.kind is OutcomeKind.ANSWER
    assert json.loads(b"{" + found.body + b"}") == {
        "response": {"embedding": {"values": [0.5, -1.0]}, "tokenCount": "2"}
    }


def test_an_answer_without_a_vector_is_an_error() -> None:
    for body in ({"data": []}, {"data": [{}]}, {"data": [{"embedding": []}]}, {"data": None}):
        found = GeminiDialect().answered(LINE, answer(body), STAMP)
        assert (found.kind, found.code) == (OutcomeKind.ERROR, Code.INTERNAL)


def test_many_vectors_come_in_the_order_of_the_requests() -> None:
    setting = Setting(kind=JobKind.EMBED, model="m", cached=lambda name: None)
    found = embed_call([{"content": {"parts": [{"text": text}]}} for text in "ab"], setting)
    assert not hasattr(found, "message")
    body = {"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}
    assert embeddings_body(answer(body)) == {"embeddings": [{"values": [1.0]}, {"values": [2.0]}]}
