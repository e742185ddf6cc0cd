"""The prompt of a body rendered as bytes, for its plan key (dialects/prefix.py). Of bodies that may be wrong."""

import hashlib

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.openai.endpoints import COMPLETIONS, RESPONSES

_DIGEST_FROM = 512  # longer media stand in the prompt by their hash


def prompt_text(endpoint: str, body: dict[str, Json]) -> tuple[bytes, bytes]:
    """What begins a prompt and is mostly shared (tools, system message), and the rest."""
    if endpoint == COMPLETIONS:
        return b"", _text(body.get("prompt"))
    start = b"\x1dtools " + msgspec.json.encode(body["tools"]) if body.get("tools") else b""
    messages = body.get("input" if endpoint == RESPONSES else "messages")
    if endpoint == RESPONSES and body.get("instructions"):
        start += b"\x1dsystem" + _text(body["instructions"])
    if not isinstance(messages, list):
        return start, _text(messages)
    first = 0
    if messages and isinstance(messages[0], dict) and messages[0].get("role") in ("system", "developer"):
        start += _message(messages[0])
        first = 1
    return start, b"".join(map(_message, messages[first:]))


def _message(message: Json) -> bytes:
    if not isinstance(message, dict):
        return _text(message)
    content = message.get("content")
    head = b"\x1d" + str(message.get("role") or message.get("type")).encode("utf-8", "replace")
    if "tool_calls" in message or content is None:
        return head + msgspec.json.encode(message)
    return head + _text(content)


def _text(content: Json) -> bytes:
    if isinstance(content, str):
        return b"\x1e" + content.encode("utf-8", "replace")
    if not isinstance(content, list):
        return b"\x1e" + msgspec.json.encode(content)
    return b"".join(map(_part, content))


def _part(part: Json) -> bytes:
    text = part.get("text") if isinstance(part, dict) else part
    if isinstance(text, str):
        return b"\x1e" + text.encode("utf-8", "replace")
    raw = msgspec.json.encode(part)
    if len(raw) > _DIGEST_FROM:
        raw = hashlib.blake2b(raw, digest_size=16).digest()
    return b"\x1e\x1f" + raw
