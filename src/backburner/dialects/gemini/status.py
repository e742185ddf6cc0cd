"""Refusals as google.rpc.Status (contract 0.3, 0.7): HTTP status, message, details.

Every violation says where it is: `request body`, or `input file files/x, line 4, key "a"`. The message names
the first few and how many there are; BadRequest.fieldViolations has them all (up to the bound of the service).
"""

from collections.abc import Sequence

from backburner.core.errors import Code, Refused, Violation
from backburner.core.exchange import Json
from backburner.dialects.http_status import http_status
from backburner.dialects.report import quoted

NAMED = 3  # violations spelt out in the message
_GOOGLE = "type.googleapis.com/google.rpc."
_DOMAIN = "backburner"
_NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API."
)
_BAD_KEY = "API key not valid. Please pass a valid API key."


def status(refused: Refused, *, input_name: str | None = None) -> tuple[int, dict[str, Json]]:
    """HTTP status and body of a refusal. `input_name` is the job's input file (`files/x`), where there is one."""
    if refused.code is Code.UNAUTHENTICATED:
        return _key_refused(refused)
    http = http_status(refused.code)
    details: list[Json] = [
        {"@type": _GOOGLE + "ErrorInfo", "reason": refused.reason, "domain": _DOMAIN},
    ]
    if refused.violations:
        details.append(bad_request(refused.violations, input_name))
    if refused.retry_after_s is not None:
        details.append(
            {"@type": _GOOGLE + "RetryInfo", "retryDelay": f"{max(0.0, refused.retry_after_s):g}s"}
        )
    return http, body(http, refused.code, message(refused, input_name), details)


def body(http: int, code: Code, words: str, details: Sequence[Json] = ()) -> dict[str, Json]:
    error: dict[str, Json] = {"code": http, "message": words, "status": code.name}
    if details:
        error["details"] = list(details)
    return {"error": error}


def message(refused: Refused, input_name: str | None = None) -> str:
    """One message for a person: what was refused, the first few places, how many more."""
    places = [f"{place(found, input_name)}{_colon(found)}" for found in refused.violations[:NAMED]]
    if not places:
        return refused.message
    more = len(refused.violations) - len(places)
    tail = f" (and {more} more, in details)" if more else ""
    return f"{refused.message.rstrip('.')}: {'; '.join(places)}{tail}"


def _colon(violation: Violation) -> str:
    words = violation.sentence()
    return f", {words}" if violation.path else f": {words}"


def place(violation: Violation, input_name: str | None) -> str:
    """`request body`, or the line of the input file and its key."""
    if violation.line is None:
        key = f", key {quoted(violation.key)}" if violation.key is not None else ""
        return f"request body{key}"
    words = f"input file {input_name}, line {violation.line}" if input_name else f"line {violation.line}"
    return f"{words}, key {quoted(violation.key)}" if violation.key is not None else words


def bad_request(violations: Sequence[Violation], input_name: str | None) -> dict[str, Json]:
    rows = [
        {
            "field": found.path or (f"line {found.line}" if found.line else "body"),
            "description": f"{place(found, input_name)}: {_words(found)}",
        }
        for found in violations
    ]
    return {"@type": _GOOGLE + "BadRequest", "fieldViolations": rows}


def _words(violation: Violation) -> str:
    return f"{violation.reason}. {violation.instead}" if violation.instead else violation.reason


def _key_refused(refused: Refused) -> tuple[int, dict[str, Json]]:
    """As the real service answers: a wrong key is 400, no key is 403, and neither is 401 (contract 0.3)."""
    if refused.reason == "KEY_INVALID":
        details: list[Json] = [
            {
                "@type": _GOOGLE + "ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            },
            {"@type": _GOOGLE + "LocalizedMessage", "locale": "en-US", "message": _BAD_KEY},
        ]
        return 400, body(400, Code.INVALID_ARGUMENT, _BAD_KEY, details)
    return 403, body(403, Code.PERMISSION_DENIED, _NO_KEY)


def error_of(code: Code, words: str) -> dict[str, Json]:
    """The same body for what is not a Refused, a bug of ours for example."""
    return body(http_status(code), code, words)
