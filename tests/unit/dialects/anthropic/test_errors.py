"""Refusals in Anthropic's shape."""

import pytest

from backburner.core.errors import (
    Exhausted,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Violation,
)
from backburner.dialects.anthropic.errors import NAMED, place_of, refusal


@pytest.mark.parametrize(
    ("refused", "http", "kind"),
    [
        (InvalidArgument("x"), 400, "invalid_request_error"),
        (TooLarge("x"), 413, "request_too_large"),
        (Unauthenticated("x", reason="KEY_MISSING"), 401, "authentication_error"),
        (PermissionDenied("x"), 403, "permission_error"),
        (NotFound("x"), 404, "not_found_error"),
        (Exhausted("x"), 429, "rate_limit_error"),
        (Unavailable("x"), 529, "overloaded_error"),
    ],
)
def test_kinds(refused: Refused, http: int, kind: str) -> None:
    status, body = refusal(refused, "req_1")
    assert status == http
    assert (body["type"], body["request_id"], body["error"]["type"]) == ("error", "req_1", kind)
    assert body["error"]["details"]["error_code"] == refused.reason.lower()


def test_keys_are_refused_in_the_known_words() -> None:
    assert (
        refusal(Unauthenticated("x", reason="KEY_INVALID"), "r")[1]["error"]["message"] == "invalid x-api-key"
    )


def test_every_wrong_place_is_named() -> None:
    count = NAMED + 5
    found = [
        Violation(f"requests[{n}].params.max_tokens", "is missing", "Write it", key=f"k{n}")
        for n in range(count)
    ]
    _, body = refusal(InvalidArgument("25 of 30 requests are wrong", violations=found), "r")
    words = body["error"]["message"]
    assert words.startswith(
        '25 of 30 requests are wrong: requests.0.params.max_tokens (custom_id "k0"): is missing'
    )
    assert "k19" in words
    assert "k20" not in words
    assert words.endswith("and 5 more, in error.details.violations")
    rows = body["error"]["details"]["violations"]
    assert len(rows) == count
    assert rows[24] == {
        "path": "requests.24.params.max_tokens",
        "message": "is missing",
        "instead": "Write it",
        "custom_id": "k24",
    }


def test_places_are_written_with_dots() -> None:
    assert place_of("requests[0].params.messages[12].content") == "requests.0.params.messages.12.content"
    assert place_of("") == ""
