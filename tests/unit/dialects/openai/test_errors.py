"""Refusals in OpenAI's shape."""

import pytest

from backburner.core.errors import (
    Code,
    Exhausted,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
    Violation,
)
from backburner.dialects.http_status import http_status
from backburner.dialects.openai.errors import NAMED, refusal

KINDS = {400: "invalid_request_error", 429: "rate_limit_error", 503: "server_error"}


@pytest.mark.parametrize(
    ("refused", "status", "word"),
    [
        (InvalidArgument("no"), 400, None),
        (NotFound("the model x is not served here", reason="MODEL_NOT_FOUND"), 404, "model_not_found"),
        (TooLarge("big"), 413, None),
        (Exhausted("later"), 429, "rate_limit_exceeded"),
        (Unavailable("down"), 503, None),
        (Unsupported("cannot"), 400, "unsupported_feature"),
        (PermissionDenied("foreign page", reason="FOREIGN_HOST"), 403, None),
    ],
)
def test_status_type_and_code(refused: Refused, status: int, word: str | None) -> None:
    found, body = refusal(refused)
    assert found == status
    assert body == {
        "error": {
            "message": refused.message,
            "type": KINDS.get(status, "invalid_request_error"),
            "param": None,
            "code": word,
        }
    }


@pytest.mark.parametrize("reason", ["KEY_MISSING", "KEY_INVALID"])
def test_a_key_that_is_missing_or_wrong_is_401(reason: str) -> None:
    status, body = refusal(Unauthenticated("", reason=reason))
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert "key" in body["error"]["message"]


def test_what_is_not_there_is_said_in_the_services_words_with_the_id_as_it_was_asked() -> None:
    missing = PermissionDenied("You do not have permission", reason="FILE_NOT_FOUND")
    status, body = refusal(missing, "file-x")
    assert (status, body["error"]["message"]) == (404, "No such File object: file-x")
    assert body["error"]["param"] == "id"
    status, body = refusal(NotFound("", reason="JOB_NOT_FOUND"), "batches/x")
    assert (status, body["error"]["message"]) == (404, "No batch found with id 'batches/x'.")


def test_places_are_named_and_counted() -> None:
    many = [Violation(f"a[{n}]", "is wrong", "", n, f"k{n}") for n in range(NAMED + 2)]
    _, body = refusal(InvalidArgument("refused.", violations=many))
    assert body["error"]["param"] == "a[0]"
    assert 'refused: line 0, custom_id "k0", a[0]: is wrong;' in body["error"]["message"]
    assert body["error"]["message"].endswith("(and 2 more)")


def test_every_code_has_a_status() -> None:
    assert all(200 <= http_status(code) < 600 for code in Code)
