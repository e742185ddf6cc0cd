"""Refusals and failures in OpenAI's shape: `{"error": {message, type, param, code}}` (contract 5.3)."""

from backburner.core.errors import Code, Refused, TooLarge, Violation
from backburner.core.exchange import Json
from backburner.dialects.http_status import http_status
from backburner.dialects.report import quoted

NAMED = 5  # violations spelt out in the message
# Stable words of ours, as OpenAI says the same.
_WORDS = {
    "MODEL_NOT_FOUND": "model_not_found",
    "KEY_MISSING": "invalid_api_key",
    "KEY_INVALID": "invalid_api_key",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
    "UNSUPPORTED_FEATURE": "unsupported_feature",
    "ENGINE_REFUSED": "engine_refused",
}
# As the real service says it, whether the thing is not there or somebody else's.
_MISSING = {
    "FILE_NOT_FOUND": ("No such File object: {}", "id"),
    "JOB_NOT_FOUND": ("No batch found with id '{}'.", None),
}
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)
_BAD_KEY = "Incorrect API key provided."


def type_of(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def error_object(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> dict[str, Json]:
    return {"error": {"message": message, "type": type_of(status), "param": param, "code": code}}


def refusal(refused: Refused, name: str = "") -> tuple[int, dict[str, Json]]:
    """HTTP status and body. `name` is the id that the caller asked for, as they wrote it."""
    status = http_status(refused.code)
    if isinstance(refused, TooLarge):
        status = 413
    if refused.code is Code.UNAUTHENTICATED:
        words = _BAD_KEY if refused.reason == "KEY_INVALID" else _NO_KEY
        return 401, error_object(401, words, None, "invalid_api_key")
    if refused.reason in _MISSING:
        words, param = _MISSING[refused.reason]
        return 404, error_object(404, words.format(name), param)
    first = refused.violations[0] if refused.violations else None
    param = (first.path or None) if first else None
    word = (first.word if first else "") or _WORDS.get(refused.reason)
    return status, error_object(status, message(refused), param, word or None)


def message(refused: Refused) -> str:
    """What was refused, the first few places, how many more."""
    places = [sentence(found) for found in refused.violations[:NAMED]]
    if not places:
        return refused.message
    more = len(refused.violations) - len(places)
    tail = f" (and {more} more)" if more else ""
    return f"{refused.message.rstrip('.')}: {'; '.join(places)}{tail}"


def sentence(violation: Violation) -> str:
    """With the line and the caller's label in front, where there are such."""
    where = f"line {violation.line}, " if violation.line is not None else ""
    key = f"custom_id {quoted(violation.key)}, " if violation.key is not None else ""
    return f"{where}{key}{violation.sentence()}"
