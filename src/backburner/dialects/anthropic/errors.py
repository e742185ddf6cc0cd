"""Refusals in Anthropic's shape: HTTP status, `{"type": "error", "error": {...}, "request_id"}`.

Every wrong place is named, with the caller's custom_id, in the message as far as a person wants to read and in
`error.details.violations` all of them (up to the bound of the service). Places are written as Anthropic writes them:
`requests.0.params.max_tokens`. `error.details.error_code` is our reason, a stable word for a program.
"""

import re

from backburner.core.errors import Code, Refused, TooLarge, Violation
from backburner.core.exchange import Json
from backburner.dialects.report import quoted

NAMED = 20  # violations spelt out in the message
_KINDS = {
    Code.OK: (200, "api_error"),
    Code.CANCELLED: (499, "api_error"),
    Code.UNKNOWN: (500, "api_error"),
    Code.INVALID_ARGUMENT: (400, "invalid_request_error"),
    Code.DEADLINE_EXCEEDED: (504, "timeout_error"),
    Code.NOT_FOUND: (404, "not_found_error"),
    Code.ALREADY_EXISTS: (409, "conflict_error"),
    Code.PERMISSION_DENIED: (403, "permission_error"),
    Code.RESOURCE_EXHAUSTED: (429, "rate_limit_error"),
    Code.FAILED_PRECONDITION: (400, "invalid_request_error"),
    Code.ABORTED: (409, "api_error"),
    Code.OUT_OF_RANGE: (400, "invalid_request_error"),
    Code.UNIMPLEMENTED: (501, "invalid_request_error"),
    Code.INTERNAL: (500, "api_error"),
    Code.UNAVAILABLE: (529, "overloaded_error"),
    Code.DATA_LOSS: (500, "api_error"),
    Code.UNAUTHENTICATED: (401, "authentication_error"),
}
_KEYS = {
    "KEY_MISSING": "x-api-key header is required",
    "KEY_INVALID": "invalid x-api-key",
}
_INDEX = re.compile(r"\[(\d+)\]")


def error_object(code: Code, message: str, request_id: str) -> dict[str, Json]:
    error = {"type": _KINDS[code][1], "message": message}
    return {"type": "error", "error": error, "request_id": request_id}


def outcome_error(code: Code, message: str, request_id: str) -> dict[str, Json]:
    """The same for one request of a batch. There a precondition is the operator's (an upstream key): no mistake of
    whoever made the batch."""
    shown = Code.INTERNAL if code is Code.FAILED_PRECONDITION else code
    return error_object(shown, message, request_id)


def refusal(refused: Refused, request_id: str) -> tuple[int, dict[str, Json]]:
    """HTTP status and body of a refusal."""
    http, _ = _KINDS[refused.code]
    body = error_object(refused.code, _message(refused), request_id)
    if isinstance(refused, TooLarge):
        http, body["error"]["type"] = 413, "request_too_large"
    details: dict[str, Json] = {"error_code": refused.reason.lower()}
    if refused.violations:
        details["violations"] = [_row(violation) for violation in refused.violations]
    body["error"]["details"] = details
    return http, body


def place_of(path: str) -> str:
    """`requests[0].params.max_tokens` as Anthropic writes it."""
    return _INDEX.sub(r".\1", path).removeprefix(".")


def _message(refused: Refused) -> str:
    if refused.code is Code.UNAUTHENTICATED:
        return _KEYS.get(refused.reason, refused.message)
    if not refused.violations:
        return refused.message
    places = [_sentence(violation) for violation in refused.violations[:NAMED]]
    more = len(refused.violations) - len(places)
    tail = f"; and {more} more, in error.details.violations" if more else ""
    return f"{refused.message.rstrip('.')}: {'; '.join(places)}{tail}"


def _sentence(violation: Violation) -> str:
    where = place_of(violation.path)
    whose = f" (custom_id {quoted(violation.key, 64)})" if violation.key else ""
    instead = f". {violation.instead}" if violation.instead else ""
    return f"{where}{whose}: {violation.reason}{instead}" if where else f"{violation.reason}{instead}"


def _row(violation: Violation) -> dict[str, Json]:
    row: dict[str, Json] = {"path": place_of(violation.path), "message": violation.reason}
    if violation.instead:
        row["instead"] = violation.instead
    if violation.key:
        row["custom_id"] = violation.key
    return row
