"""JSON as the documented commands send it, and where it breaks."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.dialects.gemini.lenient_json import LENIENT_BYTES, decode
from backburner.dialects.strict_json import JsonError, decode_strict

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_strict_json_keeps_its_meaning(value: object) -> None:
    assert decode(json.dumps(value).encode()) == value


@given(values)
def test_a_trailing_comma_does_not_change_the_rest(value: object) -> None:
    """Forces the lenient reader over any JSON: it must agree with the strict one."""
    assert decode(f"[{json.dumps(value)},]".encode()) == [value]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("{'batch': {'display_name': 'a'}}", {"batch": {"display_name": "a"}}),
        ("{'file_name': files/123456}", {"file_name": "files/123456"}),
        ("{'fileName': https://h/v1beta/files/a-1}", {"fileName": "https://h/v1beta/files/a-1"}),
        ("{batch: {'a': [1, 2.5, true, null,],},}", {"batch": {"a": [1, 2.5, True, None]}}),
        (r"{'a': 'it\'s \u00e9 \ud83d\ude00', 'b': 'say \"x\"'}", {"a": "it's é 😀", "b": 'say "x"'}),
        ("\ufeff{'a': 1}", {"a": 1}),
        ("  {\n 'a' :\t-1e3 }\r\n", {"a": -1000.0}),
    ],
)
def test_what_google_takes_is_taken(body: str, value: object) -> None:
    assert decode(body.encode()) == value


@pytest.mark.parametrize(
    ("body", "column", "expected", "found"),
    [
        ("{'a': 'x}", 10, "the closing '", "the end"),
        ("{'a' 1}", 6, "':' after \"a\"", "1"),
        ("{'a': files/1}", 7, "a value", "f"),
        ("{'a': 1} x", 10, "the end of the body", "x"),
        ("['a' 'b']", 6, "',' or ']'", "'"),
        ("{'a': 1e999}", 7, "a number that fits 64 bits", "1"),
        ("", 1, "a value", "the end"),
        (r"{'a': '\ud800'}", 15, "a whole surrogate pair", "}"),
        (r"{'a': '\q'}", 8, "an escape", "\\"),
    ],
)
def test_a_mistake_has_its_place(body: str, column: int, expected: str, found: str) -> None:
    with pytest.raises(JsonError) as error:
        decode(body.encode())
    assert error.value.column == column
    assert expected in error.value.expected
    assert error.value.found == (found if found == "the end" else repr(found))


def test_the_line_of_a_mistake_is_counted() -> None:
    with pytest.raises(JsonError) as error:
        decode(b"{\n  'a': 1,\n  'b': }\n")
    assert (error.value.line, error.value.column) == (3, 8)
    assert "line 3, column 8" in error.value.sentence()


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b'{"a": 1e400}',
        b"[" * 5000 + b"]" * 5000,
        b"{'a': " * 300 + b"1",
        b'{"a": "\\ud800"}',
        b"1" + b"0" * 5000,
        *(b"\x00", b"nul", b"-", b'"', b"{", b"'", b"{'\\u12"),
    ],
)
def test_hostile_bodies_are_refused_in_words(body: bytes) -> None:
    with pytest.raises(JsonError) as error:
        decode(body)
    assert "expected" in error.value.sentence()


@given(st.binary(max_size=60))
def test_no_body_raises_anything_else(body: bytes) -> None:
    try:
        decode(body)
    except JsonError as error:
        assert error.line >= 1
        assert error.column >= 1


@given(st.text(alphabet="{}[]'\",:\\u0aeE1-. \nfiles/", max_size=60))
def test_no_text_of_json_marks_raises_anything_else(body: str) -> None:
    try:
        decode(body.encode())
    except JsonError as error:
        assert error.expected


def test_lenient_reading_is_linear_and_bounded() -> None:
    quarter, whole = (
        b"{'a': [" + b"'xy', " * (size // 6) + b"]}" for size in (LENIENT_BYTES // 5, LENIENT_BYTES - 64)
    )
    started = time.perf_counter()
    decode(quarter)
    first = time.perf_counter() - started
    started = time.perf_counter()
    decode(whole)
    assert time.perf_counter() - started < 5 * first * 3 + 0.05  # five times the size; thrice for noise
    with pytest.raises(JsonError):
        decode(b"{'a': '" + b"x" * LENIENT_BYTES + b"'}")


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (b"{'key': 1}", "json.dumps"),
        (b'{"a": None}', "json.dumps"),
        (b'{"a": True}', "json.dumps"),
        (b'{"a": NaN}', "NaN"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"a": "\xe4"}', "UTF-8"),
    ],
)
def test_common_slips_say_what_to_do(line: bytes, instead: str) -> None:
    with pytest.raises(JsonError) as error:
        decode_strict(line)
    assert instead in error.value.instead
