"""An engine's chat completion as a Message (contract 6.1; anthropic 2.11 types).

`model` is the model that really answered. What the engine sent and a Message has no words for (a broken tool call,
an answer that the engine broke off) is a Failure with its reason, never a message that looks whole.
"""

from typing import Any

import msgspec

from backburner.core.exchange import Answer, Json
from backburner.core.request import Usage
from backburner.dialects.protocol import Stamp

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_ABSENT = msgspec.Raw(b"")


class Wish(msgspec.Struct, frozen=True):
    """What of a request its answer depends on. `tier` is the service tier that the usage names."""

    thoughts: bool = False
    one_call: bool = False
    stops: tuple[str, ...] = ()
    tier: str = "batch"


class Failure(msgspec.Struct, frozen=True):
    """An answer that cannot be shown as a Message, in words."""

    message: str


class _Params(msgspec.Struct):
    """The members that matter here; a long prompt or an image is skipped over, not decoded."""

    thinking: msgspec.Raw = _ABSENT
    tool_choice: msgspec.Raw = _ABSENT
    stop_sequences: msgspec.Raw = _ABSENT


class _Line(msgspec.Struct):
    params: _Params


_line = msgspec.json.Decoder(_Line)


def wish_of(params: dict[str, Json], tier: str) -> Wish:
    thinking: dict[str, Json] = params.get("thinking") or {}
    return Wish(
        thinking.get("type") in ("enabled", "adaptive") and thinking.get("display") != "omitted",
        bool((params.get("tool_choice") or {}).get("disable_parallel_tool_use")),
        tuple(params.get("stop_sequences") or ()),
        tier,
    )


def wish_of_line(line: bytes) -> Wish:
    """The wish of a good line of a batch."""
    found = _line.decode(line).params
    members = {name: getattr(found, name) for name in ("thinking", "tool_choice", "stop_sequences")}
    return wish_of({name: msgspec.json.decode(raw) for name, raw in members.items() if raw}, "batch")


def message_id(stamp: Stamp) -> str:
    return f"msg_{stamp.job}_{stamp.ordinal}"


def message(answer: Answer, wish: Wish, stamp: Stamp) -> dict[str, Json] | Failure:
    """The Message, or why there is none."""
    choices = answer.body.get("choices")
    first: Json = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return Failure("the engine's answer holds no choice")
    found = content_of(first, wish)
    if isinstance(found, Failure):
        return found
    blocks, ending = found
    raw = answer.body.get("usage")
    details = raw.get("completion_tokens_details") if isinstance(raw, dict) else None
    thoughts = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return {
        **opening(stamp, answer.model),
        "content": blocks,
        **ending,
        "usage": usage_of(answer.usage, wish.tier, thoughts),
    }


def opening(stamp: Stamp, model: str) -> dict[str, Json]:
    return {"id": message_id(stamp), "type": "message", "role": "assistant", "model": model}


def usage_of(usage: Usage, tier: str, thoughts: Json = None) -> dict[str, Json]:
    """Anthropic counts what came from the cache apart from the rest of the prompt."""
    out: dict[str, Json] = {
        "input_tokens": max(0, usage.prompt - usage.cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "service_tier": tier,
    }
    if isinstance(thoughts, int):
        out["output_tokens_details"] = {"thinking_tokens": thoughts}
    return out


def content_of(choice: dict[str, Any], wish: Wish) -> tuple[list[Json], dict[str, Json]] | Failure:
    """The content blocks of a choice, and how it ended."""
    said = choice.get("message")
    said = said if isinstance(said, dict) else {}
    blocks: list[Json] = []
    thought = thought_of(said)
    if wish.thoughts and thought:
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    if text := text_of(said):
        blocks.append({"type": "text", "text": text})
    calls = tool_uses(said.get("tool_calls"), choice.get("finish_reason"), wish)
    if isinstance(calls, Failure):
        return calls
    ending = ending_of(choice, wish, called=bool(calls), refusal=said.get("refusal"))
    if isinstance(ending, Failure):
        return ending
    return [*blocks, *calls], ending


def thought_of(said: dict[str, Json]) -> str:
    thought = said.get("reasoning_content") or said.get("reasoning")
    return thought if isinstance(thought, str) else ""


def text_of(said: dict[str, Json]) -> str:
    content = said.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""


def ending_of(
    choice: dict[str, Any], wish: Wish, *, called: bool, refusal: Json = None
) -> dict[str, Json] | Failure:
    """stop_reason, stop_sequence and stop_details of OpenAI's finish_reason."""
    reason = choice.get("finish_reason")
    if reason is not None and reason not in _STOPS:
        return Failure(f"the engine broke its answer off with the reason {str(reason)[:60]!r}")
    stop = "tool_use" if called and reason != "length" else _STOPS.get(reason or "stop", "end_turn")
    sequence = None
    # vLLM and SGLang say which stop sequence it was; other engines do not, and then nobody can
    matched = choice.get("stop_reason") or choice.get("matched_stop")
    if stop == "end_turn" and isinstance(matched, str) and matched in wish.stops:
        stop, sequence = "stop_sequence", matched
    details: Json = None
    if isinstance(refusal, str) and refusal:
        stop = "refusal"
        details = {"type": "refusal", "category": None, "explanation": refusal[:1000]}
    elif stop == "refusal":
        words = "The engine's content filter stopped the answer."
        details = {"type": "refusal", "category": None, "explanation": words}
    return {"stop_reason": stop, "stop_sequence": sequence, "stop_details": details}


def tool_uses(calls: Json, reason: Json, wish: Wish) -> list[Json] | Failure:
    """tool_use blocks. Of several calls the first counts where the caller wanted no more than one; a call that was
    cut by the maximum of tokens has no whole input and is left out, as its stop_reason says."""
    blocks: list[Json] = []
    made: list[Any] = calls if isinstance(calls, list) else []
    for number, call in enumerate(made):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            return Failure("the engine sent a tool call without a name")
        arguments = function.get("arguments") or "{}"
        try:
            given = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            given = None
        if isinstance(given, dict):
            name = call.get("id") or f"toolu_{number}"
            blocks.append({"type": "tool_use", "id": name, "name": function["name"], "input": given})
        elif reason != "length":
            return Failure(f"the input of the call of {function['name']} is no JSON object")
    return blocks[:1] if wish.one_call else blocks
