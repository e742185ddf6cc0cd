"""Refusals in the native API's words: {"error": {"code", "message", "reason", "violations"}}."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.native.bodies import ErrorBody, ErrorDetail
from backburner.api.native.shapes import violation_body
from backburner.core.errors import Code, Refused

HTTP: dict[Code, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.FAILED_PRECONDITION: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class NoSuchMethod(Refused):
    """`allowed` are the HTTP methods that the path does have."""

    code = Code.NOT_FOUND
    reason = "NO_SUCH_METHOD"

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


def error_body(refused: Refused) -> bytes:
    violations = [violation_body(found) for found in refused.violations]
    detail = ErrorDetail(refused.code.name, refused.message, refused.reason, violations)
    return msgspec.json.encode(ErrorBody(detail))


def refused_response(refused: Refused) -> Response:
    headers: dict[str, str] = {}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    status = HTTP.get(refused.code, 500)
    if isinstance(refused, NoSuchMethod) and refused.allowed:
        headers["allow"] = ", ".join(refused.allowed)
        status = 405
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return answers.json(error_body(refused), status, headers)


def broken_response() -> Response:
    words = "Backburner met a bug of its own; the server's log has the details"
    return answers.json(msgspec.json.encode(ErrorBody(ErrorDetail("INTERNAL", words, "INTERNAL", []))), 500)
