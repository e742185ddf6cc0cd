"""An engine's chat completion as the caller gets it: itself, with what OpenAI's clients count on filled in."""

import re

import msgspec

from backburner.core.exchange import Answer, Json
from backburner.core.request import Usage
from backburner.dialects.protocol import Stamp

# Line breaks to Python's splitlines, with which many read JSONL; harmless when written as escapes.
_BREAKS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def encoded(value: Json) -> bytes:
    """JSON on one line, whatever the reader takes for a line break."""
    return one_line(msgspec.json.encode(value))


def one_line(found: bytes) -> bytes:
    for raw, escaped in _BREAKS:
        if raw in found:
            found = found.replace(raw, escaped)
    return found


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects in a list that an engine sent, whatever else is in it."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def choices_of(answer: Answer) -> list[dict[str, Json]]:
    return objects(answer.body.get("choices"))


def message_of(choice: dict[str, Json]) -> dict[str, Json]:
    found = choice.get("message")
    return found if isinstance(found, dict) else {}


def chat_body(answer: Answer, stamp: Stamp) -> dict[str, Json] | None:
    """The chat.completion object; None when the engine sent no choice at all."""
    choices = choices_of(answer)
    if not choices:
        return None
    identity = answer.body.get("id")
    return {
        **answer.body,
        "id": identity if isinstance(identity, str) and identity else made_id("chatcmpl", stamp),
        "object": "chat.completion",
        "created": created_of(answer, stamp),
        "model": answer.model,
        "choices": [_choice(choice, at) for at, choice in enumerate(choices)],
        "usage": usage_object(answer),
    }


def _choice(choice: dict[str, Json], at: int) -> dict[str, Json]:
    told = {"role": "assistant", "content": None, "refusal": None, **message_of(choice)}
    return {"logprobs": None, **choice, "index": choice.get("index", at), "message": told}


def created_of(answer: Answer, stamp: Stamp) -> int:
    found = answer.body.get("created")
    return found if isinstance(found, int) and found > 0 else int(stamp.created_at)


def made_id(kind: str, stamp: Stamp) -> str:
    return f"{kind}-{stamp.job}-{stamp.ordinal}"


def usage_object(answer: Answer) -> dict[str, Json]:
    """The engine's own usage, or one made of what is known."""
    told = answer.body.get("usage")
    return usage_of(answer.usage) | (told if isinstance(told, dict) else {})


def usage_of(usage: Usage) -> dict[str, Json]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KINDS = {b'"chat.completion"': "chatcmpl", b'"text_completion"': "cmpl"}


def renamed(body: bytes, was: Stamp, now: Stamp) -> bytes:
    """The answer of one request as that of another: an answer and the items of a response have ids of their own."""
    members = _members(body)
    kind = bytes(members.get("object", b""))
    if kind in _KINDS:
        members["id"] = msgspec.Raw(msgspec.json.encode(made_id(_KINDS[kind], now)))
        return msgspec.json.encode(members)
    if kind == b'"response"':
        before, after = item_suffix(was).encode(), item_suffix(now).encode()
        return re.sub(rb'"(resp|rs|msg|fc)_%s(?=["_])' % re.escape(before), rb'"\1_' + after, body)
    return body


def item_suffix(stamp: Stamp) -> str:
    """What the ids of a response and of its items end with."""
    return f"{stamp.job}{stamp.ordinal}"


def thought_tokens(answer: Answer) -> int:
    told = answer.body.get("usage")
    details = told.get("completion_tokens_details") if isinstance(told, dict) else None
    found = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return found if isinstance(found, int) else 0
