"""Refusals on the wire: HTTP status, words, details."""

import pytest

from backburner.core.errors import (
    AlreadyExists,
    Code,
    Conflict,
    Exhausted,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refused,
    Unauthenticated,
    Unavailable,
    Violation,
)
from backburner.dialects.gemini.status import error_of, status


@pytest.mark.parametrize(
    ("refused", "http", "word"),
    [
        (InvalidArgument("x"), 400, "INVALID_ARGUMENT"),
        (PermissionDenied("x"), 403, "PERMISSION_DENIED"),
        (NotFound("x"), 404, "NOT_FOUND"),
        (AlreadyExists("x"), 409, "ALREADY_EXISTS"),
        (Conflict("x"), 400, "FAILED_PRECONDITION"),
        (Exhausted("x"), 429, "RESOURCE_EXHAUSTED"),
        (Unavailable("x"), 503, "UNAVAILABLE"),
    ],
)
def test_each_refusal_has_its_http_status_and_word(refused: Refused, http: int, word: str) -> None:
    found, body = status(refused)
    assert found == http
    assert (body["error"]["code"], body["error"]["status"], body["error"]["message"]) == (http, word, "x")


def test_every_code_has_an_http_status() -> None:
    assert all(error_of(code, "x")["error"]["code"] for code in Code)
    assert error_of(Code.CANCELLED, "x")["error"]["code"] == 499


def details(refused: Refused, input_name: str | None = None) -> dict[str, dict[str, object]]:
    _, body = status(refused, input_name=input_name)
    return {detail["@type"].rpartition(".")[2]: detail for detail in body["error"]["details"]}


def test_the_reason_is_there_for_programs() -> None:
    found = details(NotFound("x", reason="JOB_NOT_FOUND"))["ErrorInfo"]
    assert (found["reason"], found["domain"]) == ("JOB_NOT_FOUND", "backburner")


def test_a_delay_is_told() -> None:
    assert details(Exhausted("x", retry_after_s=2.5))["RetryInfo"]["retryDelay"] == "2.5s"
    assert "RetryInfo" not in details(Exhausted("x"))


LINES = [
    Violation(f"request.a{n}", "expected b, found c", "Write d", line=n, key=f"k{n}") for n in range(1, 6)
]


def test_violations_of_a_file_name_file_line_key_and_path() -> None:
    refused = InvalidArgument("5 of 9 requests are wrong", violations=LINES)
    _, body = status(refused, input_name="files/x")
    words = body["error"]["message"]
    assert words.startswith(
        '5 of 9 requests are wrong: input file files/x, line 1, key "k1", request.a1: expected b'
    )
    assert "line 3" in words
    assert "line 4" not in words
    assert words.endswith("(and 2 more, in details)")
    rows = details(refused, "files/x")["BadRequest"]["fieldViolations"]
    assert isinstance(rows, list)
    assert len(rows) == 5
    assert rows[4] == {
        "field": "request.a5",
        "description": 'input file files/x, line 5, key "k5": expected b, found c. Write d',
    }


def test_violations_of_a_body_say_so() -> None:
    refused = InvalidArgument(
        "the request is not valid", violations=[Violation("contents", "expected a list")]
    )
    _, body = status(refused)
    assert body["error"]["message"] == "the request is not valid: request body, contents: expected a list"
    whole = InvalidArgument("no", violations=[Violation("", "not valid JSON")])
    assert status(whole)[1]["error"]["message"] == "no: request body: not valid JSON"
    assert details(whole)["BadRequest"]["fieldViolations"] == [
        {"field": "body", "description": "request body: not valid JSON"}
    ]


def test_a_missing_and_a_wrong_key_are_answered_as_the_real_service_does() -> None:
    http, body = status(Unauthenticated("x"))
    assert (http, body["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert "unregistered callers" in body["error"]["message"]
    http, body = status(Unauthenticated("x", reason="KEY_INVALID"))
    assert (http, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert body["error"]["message"] == "API key not valid. Please pass a valid API key."
    assert body["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_anything_else_has_the_same_shape() -> None:
    assert error_of(Code.INTERNAL, "oops") == {
        "error": {"code": 500, "message": "oops", "status": "INTERNAL"}
    }
