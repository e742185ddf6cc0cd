"""Lines that want to break something: each gets its line named, and none raises."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.core.exchange import Call
from backburner.core.job import JobKind
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Refusal, Setting

from .lines import EMBED, FILE, HI, INLINE, VECTOR, check, only

GOOD = json.dumps(HI).encode()


def nested(levels: int) -> bytes:
    return b'{"key":"a","request":' + b'{"labels":' * levels + b"1" + b"}" * levels + b"}"


# line -> what its complaint must say (path or reason)
HOSTILE: dict[bytes, str] = {
    b"{": "the rest of the JSON value",
    b"\x00": "UTF-16",
    b'{"key":"a"\x00}': "expected",
    b'{"key":"a","request":' + GOOD + b"} trailing": "the end of the line",
    b'{"key":"a","request":' + GOOD + b'}{"key":"b"}': "the end of the line",
    b'{"key":"a","request":' + GOOD + b",}": "another member",
    b'{"key":"\\ud800","request":' + GOOD + b"}": "surrogate",
    b'{"key":"a","request":{"contents":[{"parts":[{"text":"\\udc00 lone"}]}]}}': "surrogate",
    b'{"key":"a","request":{"contents":[{"parts":[{"text":"\xff"}]}]}}': "UTF-8",
    b'{"key":"\xff","request":' + GOOD + b"}": "UTF-8",
    b'{"request":' + GOOD + b',"metadata":{"a":"\xed\xa0\x80"}}': "UTF-8",
    b'{"key":"a","request":{"contents":[{"parts":[{"text":"a\nb"}]}]}}'.replace(
        b"\n", b"\t"
    ): "escaped control",
    b'{"key":"a","request":{"generationConfig":{"temperature":1e400}}}': "64 bits",
    b'{"key":"a","request":{"generationConfig":{"seed":1' + b"0" * 400 + b"}}}": "whole number",
    b'{"key":"a","request":{"generationConfig":{"seed":1' + b"0" * 5000 + b"}}}": "64 bits",
    b'{"key":"a","request":{"generationConfig":{"temperature":NaN}}}': "NaN",
    b'{"key":"a","request":{"generationConfig":{"temperature":-Infinity}}}': "expected",
    b'{"key":"a","request":{"generationConfig":{"temperature":0x10}}}': "expected",
    nested(150): "contents",
    nested(300): "levels of nesting",
    nested(100_000): "levels of nesting",
    b"[" * 100_000: "levels of nesting",
    b'{"key":"a","request":' + GOOD + b',"request":' + GOOD + b"}": "twice",
    b'{"request":{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{},"generation_config":{}}}': "twice",
    b'{"key":["a"],"request":' + GOOD + b"}": "expected a string",
    b'{"key":1.5,"request":' + GOOD + b"}": "expected a string",
    b'{"key":"a","request":null}': "expected an object",
    b'{"key":"a","request":[]}': "expected an object",
    b'{"key":"a","request":"{}"}': "expected an object",
    b'{"key":"a","request":' + GOOD + b',"metadata":[1]}': "expected an object",
    b"[]": "one JSON object",
    b'"text"': "one JSON object",
    b"17": "one JSON object",
    b"null": "one JSON object",
    b"{}": "request",
    b"{'key': 'a'}": "double quote",
    b"\xff\xfe{\x00": "UTF-16",
    b'{"key":"a","request":{"contents":[null]}}': "found null",
    b'{"key":"a","request":{"' + b"x" * 100_000 + b'":1}}': "unknown field",
    b'{"key":"a","request":{"\\u0000\\n":1}}': "unknown field",
}


@pytest.mark.parametrize("source", [FILE, INLINE, EMBED], ids=["file", "inline", "embed"])
@pytest.mark.parametrize(("line", "words"), HOSTILE.items(), ids=[line[:40] for line in HOSTILE])
def test_a_hostile_line_is_refused_in_words(line: bytes, words: str, source: Any) -> None:
    found = check(line, source)
    assert found.violations
    told = " ".join(f"{violation.path} {violation.sentence()}" for violation in found.violations)
    if source is FILE:
        assert words in told
    assert len(told) < 20_000
    assert all(violation.line == (None if source is INLINE else 7) for violation in found.violations)
    json.loads(b"{" + found.echo + b"}")


def test_a_column_counts_in_the_whole_line_and_in_characters() -> None:
    found = only(check('{"key":"é","request":{"contents":[{"parts":[{"text":"ü \\q"}]}]}}').violations)
    assert "column 57" in found.reason
    assert found.key == "é"


def anything_of(words: list[str]) -> st.SearchStrategy[Any]:
    leaves = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(words)
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4)
        ),
        max_leaves=15,
    )


NAMES = re.findall(
    r"\w+",
    "key request metadata contents content parts text role user model inlineData inline_data mimeType data fileData "
    "fileUri functionCall functionResponse name args response generationConfig generation_config temperature topP "
    "responseSchema responseJsonSchema type OBJECT properties items required anyOf enum systemInstruction tools "
    "functionDeclarations parameters toolConfig functionCallingConfig allowedFunctionNames cachedContent "
    "thinkingConfig thinkingLevel safetySettings taskType title outputDimensionality custom_id config",
)
SETTING = Setting(kind=JobKind.GENERATE, model="m", cached=lambda name: None)


def consistent(found: CheckedLine, line: bytes, kind: JobKind) -> None:
    json.loads(b"{" + found.echo + b"}")
    if found.violations:
        return
    call = GeminiDialect().to_call(line, Setting(kind=kind, model="m", cached=SETTING.cached))
    assert isinstance(call, Call | Refusal)
    if isinstance(call, Refusal):
        assert call.message


@settings(max_examples=400, deadline=None)
@given(anything_of(NAMES))
def test_no_json_value_raises_and_what_is_good_can_be_called(value: Any) -> None:
    line = json.dumps(value).encode()
    for source in (FILE, EMBED):
        for found in GeminiDialect().check_lines(line, source, 0, 1, 0):
            consistent(found, line, source.kind)


@settings(max_examples=200, deadline=None)
@given(
    anything_of(NAMES),
    st.sampled_from(["generationConfig", "contents", "tools", "systemInstruction", "toolConfig"]),
)
def test_no_value_of_a_member_raises(value: Any, member: str) -> None:
    line = json.dumps({"key": "a", "request": {**HI, member: value}}).encode()
    [found] = GeminiDialect().check_lines(line, FILE, 0, 1, 0)
    consistent(found, line, JobKind.GENERATE)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_raise(chunk: bytes) -> None:
    found = GeminiDialect().check_lines(chunk, FILE, 0, 1, 0)
    assert [one.ordinal for one in found] == list(range(len(found)))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.binary(max_size=3))
def test_no_damage_to_a_good_line_raises(at: int, piece: bytes) -> None:
    line = json.dumps(
        {"key": "a", "request": {**HI, "generationConfig": {"temperature": 0.5}}, "metadata": {"a": 1}}
    )
    damaged = line[:at].encode() + piece + line[at + len(piece) :].encode()
    for found in GeminiDialect().check_lines(damaged, FILE, 0, 1, 0):
        json.loads(b"{" + found.echo + b"}")


def test_a_good_embedding_line_is_good() -> None:
    assert not check({"key": "a", "request": VECTOR}, EMBED).violations
