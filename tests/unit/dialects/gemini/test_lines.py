"""Lines: their three forms, their label, their bytes, and what identifies them."""

import json
from typing import Any

import pytest

from backburner.core.job import JobKind
from backburner.core.limits import LINE_BYTES
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.prefix import EMPTY
from backburner.dialects.protocol import Source

from .lines import EMBED, FILE, HI, INLINE, VECTOR, check, only


def many(chunk: bytes, source: Source = FILE, offset: int = 0) -> list[Any]:
    return GeminiDialect().check_lines(chunk, source, 10, 1, offset)


def test_ordinals_lines_and_offsets_count_on() -> None:
    line = json.dumps(HI).encode()
    chunk = line + b"\r\n\n  \n" + line + b"\n" + line
    found = many(chunk, offset=500)
    assert [(one.ordinal, one.line, one.offset, one.length) for one in found] == [
        (10, 1, 500, len(line)),
        (11, 4, 500 + len(line) + 6, len(line)),
        (12, 5, 500 + 2 * len(line) + 7, len(line)),
    ]
    assert all(chunk[one.offset - 500 :][: one.length] == line for one in found)
    assert not any(one.violations for one in found)


def test_blank_input_has_no_lines() -> None:
    assert many(b"") == many(b"\n\r\n \t\n") == []


def test_a_byte_order_mark_at_the_start_is_passed_over() -> None:
    line = json.dumps(HI).encode()
    [found] = many(b"\xef\xbb\xbf" + line + b"\n")
    assert (found.offset, found.length, found.violations) == (3, len(line), ())
    [later] = many(b"\xef\xbb\xbf" + line + b"\n", offset=9)
    assert "byte order mark" in only(later.violations).reason


@pytest.mark.parametrize(
    ("line", "key", "echo"),
    [
        ('{"key": "a", "request": %s}', "a", '"key":"a"'),
        ('{"request": %s}', None, ""),
        ("%s", None, ""),
        ('{"key": null, "request": %s, "metadata": null}', None, ""),
        ('{"key": 5, "request": %s}', "5", '"key":5'),
        ('{"key": "é\\u00e9\\n", "request": %s}', "éé\n", '"key":"é\\u00e9\\n"'),
        ('{"request": %s, "metadata": {"key": "a"}}', "a", '"key":"a","metadata":{"key": "a"}'),
        ('{"request": %s, "metadata": {"key": 5}}', "5", '"key":"5","metadata":{"key": 5}'),
        ('{"request": %s, "metadata": {"n": 1e2}}', None, '"metadata":{"n": 1e2}'),
        ('{"request": %s, "key": "a", "metadata": {"key": "b"}}', "a", '"key":"a","metadata":{"key": "b"}'),
    ],
)
def test_the_label_of_a_file_line_comes_back_as_written(line: str, key: str | None, echo: str) -> None:
    found = check(line % json.dumps(HI))
    assert not found.violations
    assert (found.key, found.echo.decode()) == (key, echo)
    json.loads(b"{" + found.echo + b"}")


@pytest.mark.parametrize(
    ("line", "key", "echo"),
    [
        (
            '{"request": %s, "metadata": {"key": "a", "n": {"x": [1]}}}',
            "a",
            '"metadata":{"key": "a", "n": {"x": [1]}}',
        ),
        ('{"request": %s}', None, ""),
    ],
)
def test_an_inline_request_gives_back_its_metadata(line: str, key: str | None, echo: str) -> None:
    found = check(line % json.dumps(HI), INLINE)
    assert (found.key, found.echo.decode()) == (key, echo)


def test_the_echo_is_one_line_for_every_reader() -> None:
    found = check(b'{"key": "a",\r"metadata": {"a":\r1},\r"request": ' + json.dumps(HI).encode() + b"}")
    assert found.echo == b'"key":"a","metadata":{"a":1}'


def test_a_key_of_another_kind_is_refused() -> None:
    for value in ([1], {"a": 1}, True, 1.5):
        found = check({"key": value, "request": HI})
        assert only(found.violations).path == "key"
        assert found.echo == b""


def test_metadata_must_be_an_object() -> None:
    assert only(check({"request": HI, "metadata": "a"}).violations).path == "metadata"


def test_a_line_of_the_openai_format_is_told_so() -> None:
    found = check({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {}})
    assert "OpenAI" in only(found.violations).instead
    assert found.key == "a"


def test_a_key_beside_a_bare_request_is_shown_its_place() -> None:
    found = check({"key": "a", **HI})
    violation = only(found.violations)
    assert (violation.path, violation.key) == ("key", "a")
    assert '{"key": "...", "request"' in violation.instead


def test_a_label_without_a_request_is_refused() -> None:
    assert only(check({"key": "a"}).violations).path == "request"


def test_a_broken_line_keeps_its_key() -> None:
    found = check('{"key": "a\\"b", "request": {"contents": [}}')
    assert only(found.violations).key == 'a"b'
    assert found.echo == b'"key":"a\\"b"'


def test_a_line_over_the_limit_is_refused_unread() -> None:
    found = check(b'{"key":"a","request":"' + b"x" * LINE_BYTES + b'"}')
    assert "32 MiB" in only(found.violations).reason


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('{"key": "a", "key": "b", "request": %s}', "key"),
        ('{"request": %s, "request": {}}', "request"),
        ('{"request": {"contents": [], "contents": [{"parts": [{"text": "a"}]}]}}', "request.contents"),
        ('{"contents": [], "contents": [{"parts": [{"text": "a"}]}]}', "contents"),
    ],
)
def test_a_member_given_twice_is_refused(line: str, path: str) -> None:
    found = check(line % json.dumps(HI) if "%s" in line else line)
    assert path in {violation.path for violation in found.violations if "twice" in violation.reason}


def test_a_name_that_also_stands_deeper_is_no_repetition() -> None:
    request = {"contents": [{"parts": [{"functionCall": {"name": "f", "args": {"key": 1, "contents": 2}}}]}]}
    assert not check({"key": "a", "request": request, "metadata": {"key": "b", "request": 1}}).violations
    assert not check({"key": "a", "request": {"contents": [{"parts": [{"text": '"key" "key"'}]}]}}).violations


@pytest.mark.parametrize(
    ("config", "repeatable"),
    [
        (None, False),
        ({}, False),
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 0.5}, False),
        ({"temperature": 1, "seed": 7}, True),
        ({"generation_config": 1}, False),
    ],
)
def test_only_requests_that_must_be_answered_alike_have_a_fingerprint(config: Any, repeatable: bool) -> None:
    request = {**HI, "generationConfig": config} if config != {"generation_config": 1} else HI
    found = check({"key": "a", "request": request})
    assert len(found.fingerprint) == (16 if repeatable else 0)


def test_the_fingerprint_is_of_the_request_and_not_of_its_label() -> None:
    cold = {**HI, "generationConfig": {"temperature": 0}}
    one, two = check({"key": "a", "request": cold}), check({"key": "b", "request": cold})
    other = check({"key": "a", "request": {**cold, "contents": [{"parts": [{"text": "ho"}]}]}})
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_embedding_requests_always_have_a_fingerprint() -> None:
    found = check({"key": "a", "request": VECTOR}, EMBED)
    assert len(found.fingerprint) == 16
    assert found.plan_key == EMPTY


def test_the_files_and_caches_of_a_line_are_listed_once() -> None:
    parts = [
        {"fileData": {"fileUri": "files/abc", "mimeType": "image/png"}},
        {"file_data": {"file_uri": "http://h:8/v1beta/files/def", "mime_type": "image/png"}},
        {"fileData": {"fileUri": "files/abc", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "gs://bucket/x.png", "mimeType": "image/png"}},
        {"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": "files/ghi"}}]}},
    ]
    found = check({"contents": [{"parts": parts}], "cachedContent": "cachedContents/xyz"})
    assert not found.violations
    assert found.files == ("abc", "def", "ghi")
    assert found.caches == ("xyz",)


def test_lines_of_a_validated_file_need_no_model() -> None:
    assert not check(HI, Source("input.jsonl", JobKind.GENERATE, "")).violations
