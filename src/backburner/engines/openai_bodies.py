"""Our call as one kind of server wants it, and a server's answer as our rooms expect it. Pure.

An answer that cannot be used raises Unreadable: what it says goes into the trouble, so it names what is
missing and quotes nothing.
"""

from typing import Any

import msgspec

from backburner.core.exchange import Call, CallKind, Delta, Json, TroubleKind
from backburner.core.request import Usage
from backburner.engines.server_kinds import ServerKind

_MAXIMUM = "max_completion_tokens"  # as the dialects write it


class Unreadable(Exception):
    """A success in which something is missing. REQUEST where the next one would be the same."""

    def __init__(self, what: str, kind: TroubleKind = TroubleKind.TRANSIENT) -> None:
        super().__init__(what)
        self.what = what
        self.kind = kind


class ErrorInside(Exception):
    """A success that holds an error (OpenRouter, and servers that fail within a stream)."""

    def __init__(self, error: Json) -> None:
        super().__init__("an error inside a success")
        self.error = error


def path_of(call: Call) -> str:
    return "/embeddings" if call.kind is CallKind.EMBED else "/chat/completions"


def request_bytes(call: Call, kind: ServerKind, *, stream: bool = False) -> bytes:
    body = {**call.body, "model": call.model}
    if call.kind is CallKind.EMBED:
        body["encoding_format"] = "float"
    if kind.max_tokens_field != _MAXIMUM and _MAXIMUM in body:
        body[kind.max_tokens_field] = body.pop(_MAXIMUM)
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(body)


def answer_body(call: Call, raw: bytes) -> dict[str, Json]:
    """The completion or embeddings object in `raw`. Raises Unreadable or ErrorInside."""
    body = _decoded(raw)
    if call.kind is CallKind.EMBED:
        _check_embeddings(call, body)
    else:
        _check_choices(body)
    return body


def json_in(raw: bytes) -> Json:
    """Raises Unreadable."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it is no JSON") from None


def json_object_in(raw: bytes) -> dict[str, Json]:
    """Raises Unreadable."""
    body = json_in(raw)
    if not isinstance(body, dict):
        raise Unreadable("it is no JSON object")
    return body


def _decoded(raw: bytes) -> dict[str, Json]:
    body = json_object_in(raw)
    if body.get("error"):
        raise ErrorInside(body["error"])
    return body


def _check_choices(body: dict[str, Json]) -> None:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unreadable("it has no choices")
    if not all(isinstance(each, dict) and isinstance(each.get("message"), dict) for each in choices):
        raise Unreadable("a choice has no message")


def _check_embeddings(call: Call, body: dict[str, Json]) -> None:
    """One vector for each input, put in the order of the inputs."""
    data = body.get("data")
    asked = call.body.get("input")
    count = len(asked) if isinstance(asked, list) else 1
    if not isinstance(data, list) or len(data) != count:
        raise Unreadable(f"it does not have {count} embeddings")
    if not all(isinstance(each, dict) and isinstance(each.get("embedding"), list) for each in data):
        raise Unreadable("an embedding is no list of numbers")
    body["data"] = sorted(data, key=_place)
    wanted = call.body.get("dimensions")
    if wanted and any(len(each["embedding"]) != wanted for each in data):
        raise Unreadable(f"an embedding has not the {wanted} dimensions asked for", TroubleKind.REQUEST)


def _place(embedding: dict[str, Json]) -> int:
    return _count(embedding.get("index"))


def usage_of(body: dict[str, Json]) -> Usage:
    """Tokens of an answer; zeros where the server does not say."""
    usage = _object(body.get("usage"))
    cached = _object(usage.get("prompt_tokens_details")).get("cached_tokens")
    if cached is None:  # older llama.cpp
        cached = _object(body.get("timings")).get("cache_n")
    return Usage(
        prompt=_count(usage.get("prompt_tokens")),
        cached=_count(cached),
        output=_count(usage.get("completion_tokens")),
    )


def delta_of(data: bytes) -> Delta:
    """One chat.completion.chunk. Raises Unreadable or ErrorInside."""
    body = _decoded(data)
    choices = body.get("choices")
    if not isinstance(choices, list):
        raise Unreadable("a piece of it has no choices")
    usage = usage_of(body) if isinstance(body.get("usage"), dict) else None
    return Delta(choices=choices, usage=usage, model=str(body.get("model") or ""))


def ends(delta: Delta) -> bool:
    return any(isinstance(each, dict) and each.get("finish_reason") for each in delta.choices)


def _object(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Json) -> int:
    return value if isinstance(value, int) and value > 0 else 0
