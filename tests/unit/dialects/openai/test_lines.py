"""What a line must have, what is said of one that lacks it, and what is kept of a good one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.job import JobKind
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.openai.endpoints import COMPLETIONS, EMBEDDINGS, RESPONSES
from backburner.dialects.openai.lines import first_model
from backburner.dialects.protocol import Source

from .asking import MODEL, body_of, check, line_of, source


def words(line: bytes, of: Source | None = None) -> list[tuple[str, str]]:
    """(code, param) of everything that is wrong."""
    return [(found.word, found.path) for found in check(line, of).violations]


def test_a_good_line() -> None:
    line = line_of()
    found = check(line)
    assert (found.ordinal, found.line, found.offset, found.length) == (4, 7, 1000, len(line))
    assert found.violations == ()
    assert found.key == "r1"
    echo = json.loads(b"{" + found.echo + b"}")
    assert echo["custom_id"] == "r1"
    assert echo["id"].startswith("batch_req_")


def test_a_request_has_one_id_and_no_other_has_it() -> None:
    ids = {
        check(line_of(), of).echo[:60]
        for of in (source(), source(), source(job="job2"), source(endpoint="", job="job3"))
    }
    assert len(ids) == 3
    two = OpenAIDialect().check_lines(line_of() + b"\n" + line_of(), source(), 0, 1, 0)
    assert two[0].echo != two[1].echo


@pytest.mark.parametrize(
    "url", ["/v1/chat/completions", "/chat/completions", "/v1beta/openai/chat/completions"]
)
def test_every_way_to_write_the_url(url: str) -> None:
    assert words(line_of(url=url)) == []


@pytest.mark.parametrize("endpoint", [COMPLETIONS, EMBEDDINGS, RESPONSES])
def test_every_endpoint(endpoint: str) -> None:
    assert words(line_of(endpoint=endpoint), source(endpoint)) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"custom_id": "a", "method": "POST"', ("invalid_json_line", "")),
        (b"[1]", ("invalid_json_line", "")),
        (b"{'custom_id': 'a'}", ("invalid_json_line", "")),
        (b'{"custom_id": "\xff"}', ("invalid_json_line", "")),
        (b'{"a":' * 300 + b"1" + b"}" * 300, ("invalid_json_line", "")),
        (line_of(custom_id=...), ("missing_required_parameter", "custom_id")),
        (line_of(custom_id=5), ("invalid_custom_id", "custom_id")),
        (line_of(method=...), ("missing_required_parameter", "method")),
        (line_of(method="GET"), ("invalid_method", "method")),
        (line_of(url=...), ("missing_required_parameter", "url")),
        (line_of(url="/v1/images"), ("invalid_url", "url")),
        (line_of(url=7), ("invalid_url", "url")),
        (line_of(body_of(EMBEDDINGS), url="/v1/embeddings"), ("url_mismatch", "url")),
        (line_of(body=...), ("missing_required_parameter", "body")),
        (line_of([]), ("invalid_body", "body")),
        (line_of(body_of(model=None)), ("missing_required_parameter", "body.model")),
        (line_of(body_of(model=3)), ("invalid_model", "body.model")),
        (line_of(body_of(model="gpt-5")), ("model_mismatch", "body.model")),
        (line_of({"model": MODEL}), ("missing_required_parameter", "body.messages")),
        (b'{"key": "a", "request": {"contents": []}}', ("missing_required_parameter", "")),
    ],
)
def test_what_is_wrong_has_a_code_and_a_place(line: bytes, expected: tuple[str, str]) -> None:
    assert words(line) == [expected]
    [violation] = check(line).violations
    assert violation.line == 7
    assert violation.reason


def test_everything_wrong_with_a_line_is_said_at_once() -> None:
    line = line_of({"messages": []}, method="GET", url="/v1/nothing", custom_id=1)
    assert {path for _, path in words(line)} == {"custom_id", "method", "url", "body.model"}


def test_a_broken_line_is_called_by_its_id() -> None:
    found = check(b'{"custom_id": "mine", "method": "POST", "body": {')
    assert found.key == "mine"
    assert json.loads(b"{" + found.echo + b"}")["custom_id"] == "mine"


def test_a_line_of_the_gemini_format_is_recognised() -> None:
    [violation] = check(b'{"key": "a", "request": {"contents": []}}').violations
    assert "Gemini" in violation.instead


def test_what_is_wrong_inside_a_body_is_left_to_its_request() -> None:
    assert words(line_of(body_of(temperature=9, messages=[{"role": "nobody"}]))) == []


def test_blank_lines_and_a_byte_order_mark() -> None:
    chunk = b"\xef\xbb\xbf" + line_of() + b"\r\n\n  \n" + line_of(custom_id="r2")
    found = OpenAIDialect().check_lines(chunk, source(), 0, 1, 0)
    assert [(each.key, each.line, each.ordinal) for each in found] == [("r1", 1, 0), ("r2", 4, 1)]
    assert all(chunk[each.offset : each.offset + each.length].endswith(b"}") for each in found)
    assert found[0].offset == 3


def test_no_line_break_of_any_reader_gets_into_an_echo() -> None:
    found = check('{"custom_id": "a\u2028b\x85", "method": "POST", "url": "/v1/x"}'.encode())
    assert len((b"{" + found.echo + b"}").decode().splitlines()) == 1
    assert json.loads(b"{" + found.echo + b"}")["custom_id"] == "a\u2028b\x85"


def test_only_what_must_have_the_same_answer_has_a_fingerprint() -> None:
    greedy = body_of(temperature=0)
    assert check(line_of(greedy)).fingerprint == check(line_of(greedy, custom_id="other")).fingerprint != b""
    assert check(line_of(body_of(seed=3))).fingerprint != b""
    assert check(line_of(body_of(temperature=0.5))).fingerprint == b""
    embedding = line_of(endpoint=EMBEDDINGS)
    assert check(embedding, source(EMBEDDINGS)).fingerprint != b""


def test_prompts_that_share_their_beginning_stand_side_by_side() -> None:
    shared = {"role": "system", "content": "You are a cat. " * 100}
    first, second = (
        check(line_of(body_of(messages=[shared, {"role": "user", "content": text}]))).plan_key
        for text in ("why is the sky blue", "what is rain")
    )
    other = check(line_of(body_of(messages=[{"role": "user", "content": "x" * 2000}]))).plan_key
    assert first == second
    assert first[:8] != other[:8]
    told = {"instructions": shared["content"]}
    [one, two] = [
        check(line_of(body_of(RESPONSES, **told, input=text), RESPONSES), source(RESPONSES)).plan_key
        for text in ("a", "b")
    ]
    assert one == two != bytes(64)


def test_files_that_a_body_names_are_found() -> None:
    part = {"type": "file", "file": {"file_id": "file-abc123"}}
    found = check(line_of(body_of(messages=[{"role": "user", "content": [part]}])))
    assert found.files == ("abc123",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("messages", "input", "prompt", "tools", "instructions", "temperature", "seed")


@given(st.sampled_from(["/v1/chat/completions", COMPLETIONS, RESPONSES]), st.data())
def test_no_body_breaks_the_check(endpoint: str, data: st.DataObject) -> None:
    body = {"model": MODEL, **{name: data.draw(json_values) for name in NAMES}}
    found = check(line_of(body, endpoint), source(endpoint))
    assert found.key == "r1"
    assert len(found.plan_key) == 64


@given(st.text(max_size=30))
def test_an_id_comes_back_as_it_was_sent(custom_id: str) -> None:
    found = check(line_of(custom_id=custom_id))
    assert found.key == custom_id
    assert json.loads(b"{" + found.echo + b"}")["custom_id"] == custom_id


def test_the_model_of_a_batch_is_that_of_its_first_request() -> None:
    lines = b"\n" + b'{"broken\n' + line_of(body_of(model="first")) + b"\n" + line_of(body_of(model="second"))
    assert first_model(lines, whole=True) == "first"
    assert first_model(line_of(), whole=True) == MODEL
    assert first_model(line_of(), whole=False) == "", "a line that may be cut"
    assert first_model(b"{}\n[]\n", whole=True) == ""
    assert source().kind is JobKind.GENERATE
