"""Lines of a batch: what identifies them, what they share, and that one wrong line says all that is wrong."""

import json

import pytest

from backburner.dialects.anthropic.dialect import AnthropicDialect

from .calls import FILE, INLINE, asking, check, line_of, only


def test_a_good_line_is_known_by_its_place_and_label() -> None:
    line = line_of(asking(), "request-1")
    found = check(line)
    assert (found.ordinal, found.line, found.offset, found.length) == (4, 5, 1000, len(line))
    assert (found.key, found.echo, found.violations) == ("request-1", b'"custom_id":"request-1"', ())


def test_blank_lines_count_as_lines_only() -> None:
    chunk = b"\n" + line_of(asking(), "a") + b"\r\n  \n" + line_of(asking(), "b")
    found = AnthropicDialect().check_lines(chunk, INLINE, 0, 1, 0)
    assert [(one.ordinal, one.line, one.key) for one in found] == [(0, 2, "a"), (1, 4, "b")]
    assert [chunk[one.offset : one.offset + one.length] for one in found] == [
        line_of(asking(), "a"),
        line_of(asking(), "b"),
    ]


@pytest.mark.parametrize("label", ["", "a b", "ä", "x" * 65, "a.b", 7, None, ["a"], "a\n"])
def test_a_label_has_letters_digits_dashes_and_underscores(label: object) -> None:
    wrong = only(check(line_of(asking(), label)).violations)
    assert wrong.path == "requests[4].custom_id"
    assert "1 to 64 letters" in wrong.reason


@pytest.mark.parametrize("label", ["a", "A-b_9", "x" * 64])
def test_good_labels(label: str) -> None:
    assert check(line_of(asking(), label)).key == label


def test_every_mistake_of_a_line_is_named() -> None:
    found = check(json.dumps({"custom_id": "a b", "params": {"model": "m", "messages": []}, "x": 1}).encode())
    assert {violation.path for violation in found.violations} >= {
        "requests[4].custom_id",
        "requests[4].x",
        "requests[4].params.max_tokens",
        "requests[4].params.messages",
    }


def test_in_a_file_the_line_stands_for_the_place() -> None:
    wrong = only(check(line_of(asking(max_tokens=0)), FILE).violations)
    assert (wrong.path, wrong.line, wrong.key) == ("params.max_tokens", 5, "k")


@pytest.mark.parametrize(
    "line",
    [b"[]", b"7", b'"x"', b"{", b'{"custom_id": "a"}', b'{"params": {}}', b"{}", b"\xff", b'{"a":NaN}'],
)
def test_what_is_no_request_is_said_to_be_none(line: bytes) -> None:
    assert check(line).violations


def test_a_line_nested_without_end_is_refused() -> None:
    deep = b'{"custom_id":"a","params":' + b"[" * 5000 + b"]" * 5000 + b"}"
    assert "nesting" in only(check(deep).violations).reason


def test_the_batch_has_one_model() -> None:
    wrong = only(check(line_of(asking(model="claude-other"))).violations)
    assert wrong.path == "requests[4].params.model"
    assert '"claude-other"' in wrong.reason
    assert '"claude-sonnet-5"' in wrong.reason
    assert wrong.instead == "Make one batch for each model"


def test_a_repeated_label_names_both_places() -> None:
    wrong = AnthropicDialect().repeated_key("k", 5, 2)
    assert wrong.path == "requests[4].custom_id"
    assert "requests.1 too" in wrong.reason


def test_only_greedy_requests_are_the_same_request() -> None:
    first, second = (check(line_of(asking("a", temperature=0), label)) for label in ("x", "y"))
    assert first.fingerprint == second.fingerprint != b""
    assert check(line_of(asking("b", temperature=0))).fingerprint != first.fingerprint
    assert check(line_of(asking("a"))).fingerprint == b""
    assert check(line_of(asking("a", temperature=0.5))).fingerprint == b""


def test_requests_with_a_common_start_have_neighbouring_plan_keys() -> None:
    long = "word " * 300
    blocks = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]
    one, two = (check(line_of(asking(text, system=blocks))).plan_key for text in ("a" * 3000, "b" * 3000))
    assert one != two
    assert one[:12] == two[:12] != bytes(12)
    assert check(line_of(asking("short"))).plan_key == bytes(64)
