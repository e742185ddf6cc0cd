"""What a refusal or a loss on an OpenAI-compatible server means to us, and in which words it is told.

The upstream's own words are kept, up to 300 characters: they say what is wrong with the request, but they
may quote it, and prompts have no place in our messages. Our key is taken out of them.
"""

import re
from collections.abc import Mapping

from backburner.core.exchange import Json, Trouble, TroubleKind
from backburner.engines.openai_bodies import Unreadable, json_in
from backburner.outbound.http import Lost, NoReply
from backburner.outbound.retry_after import retry_after_s

WORDS_CHARS = 300
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def trouble_of_reply(
    engine: str, status: int, headers: Mapping[str, str], body: bytes, now_at: float, api_key: str | None
) -> Trouble:
    """The trouble that a reply other than a success is."""
    error = _error_in(body)
    words = _words(error, body).replace(api_key, "***") if api_key else _words(error, body)
    kind = _kind(status, error, words)
    wait_s = _google_delay_s(error)
    return Trouble(
        kind=kind,
        message=_sentence(engine, status, error, words),
        engine=engine,
        status=status,
        retry_after_s=retry_after_s(headers, now_at) if wait_s is None else wait_s,
    )


def trouble_of_loss(engine: str, loss: NoReply, deadline_s: float) -> Trouble:
    """The trouble that no reply is."""
    match loss.lost:
        case Lost.LATE:
            kind, words = TroubleKind.TIMEOUT, f"did not answer within {deadline_s:g} s"
        case Lost.TOO_LARGE:  # the next answer would be as large
            kind, words = TroubleKind.REQUEST, f"gave no usable answer: {loss.words}. Ask for less at once"
        case Lost.CUT:
            kind, words = TroubleKind.TRANSIENT, f"gave no answer: {loss.words}"
        case Lost.UNREACHABLE:  # it was never asked, so this is nothing that the request did
            kind, words = TroubleKind.BUSY, f"gave no answer: {loss.words}"
    return Trouble(kind=kind, message=f"The engine {engine} {words}", engine=engine)


def unreadable(engine: str, lack: Unreadable) -> Trouble:
    """A success that is none."""
    message = f"The engine {engine} gave an answer that cannot be used: {lack.what}"
    return Trouble(kind=lack.kind, message=message, engine=engine, status=200)


def status_in(error: Json) -> int:
    """The HTTP status that an error inside a success stands for; 500 where it names none."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _kind(status: int, error: Json, words: str) -> TroubleKind:
    code = error.get("code") if isinstance(error, dict) else None
    match status:
        case 408:
            return TroubleKind.TIMEOUT
        case 429 if code == "insufficient_quota":  # money, not haste: waiting does not mend it
            return TroubleKind.OPERATOR
        case 429 | 503 | 529:  # 529: some hosted APIs, when everybody asks at once
            return TroubleKind.BUSY
        # 405: the path is another's; 501: the server was started without this
        case 401 | 402 | 403 | 405 | 501:
            return TroubleKind.OPERATOR
        case 404:
            return _kind_of_missing(error, words)
        case _ if status >= 500:
            return TroubleKind.TRANSIENT
        case _ if 300 <= status < 400:
            return TroubleKind.OPERATOR
        case _:
            return TroubleKind.REQUEST


def _kind_of_missing(error: Json, words: str) -> TroubleKind:
    """404: a model or a path that is not there is the operator's, anything else the request names its own."""
    code = error.get("code") if isinstance(error, dict) else None
    if code == "model_not_found" or "model" in words.lower() or _no_such_path(error, words):
        return TroubleKind.OPERATOR
    return TroubleKind.REQUEST


def _no_such_path(error: Json, words: str) -> bool:
    """What a web framework says, before any server of models had a word."""
    return error is None or words in ("", "Not Found", "Method Not Allowed")


def _sentence(engine: str, status: int, error: Json, words: str) -> str:
    if len(words) > WORDS_CHARS:
        words = words[: WORDS_CHARS - 1] + "…"
    match status:
        case 401 | 403:
            said = f"The engine {engine} refuses our key or what it may do ({status})"
        case 404 | 405 if _no_such_path(error, words):
            said = f"The engine {engine} has nothing at this path ({status}): its base URL may be wrong"
        case _ if 300 <= status < 400:
            said = f"The engine {engine} sends us elsewhere ({status}): its base URL may be wrong"
        case _:
            said = f"The engine {engine} answered {status}"
    return f"{said}: {words}" if words else said


def _error_in(body: bytes) -> Json:
    """The error object of a reply, or its text, or None: `{"error": ...}`, Google's `[{"error": ...}]`,
    FastAPI's `{"detail": ...}`, a bare `{"message": ...}`."""
    try:
        found = json_in(body)
    except Unreadable:
        return None
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return None
    if "error" in found:
        return found["error"]
    return found.get("detail", found)


def _words(error: Json, body: bytes) -> str:
    if isinstance(error, dict):
        words = error.get("message") or error.get("error") or ""
    elif isinstance(error, list):  # FastAPI: a list of what is wrong where
        words = "; ".join(_located(each) for each in error)
    elif isinstance(error, str):
        words = error
    else:
        text = body[: 4 * WORDS_CHARS].decode(errors="replace").strip()
        words = "" if text.startswith("<") else text  # a proxy's HTML page tells nobody anything
    return " ".join(str(words).split())


def _located(each: Json) -> str:
    if not isinstance(each, dict):
        return str(each)
    place = ".".join(str(name) for name in each.get("loc", ()) if name != "body")
    return f"{place}: {each.get('msg', '')}" if place else str(each.get("msg", ""))


def _google_delay_s(error: Json) -> float | None:
    """`retryDelay` of a google.rpc.RetryInfo among an error's details."""
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            match = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
            if match:
                return float(match[1])
    return None
