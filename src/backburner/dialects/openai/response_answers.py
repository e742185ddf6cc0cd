"""An engine's chat completion as a response object: output items, status, usage, and what was asked for again."""

from backburner.core.exchange import Answer, Json
from backburner.core.request import Usage
from backburner.dialects.openai.answers import choices_of, item_suffix, message_of, objects, thought_tokens
from backburner.dialects.protocol import Stamp

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_body(answer: Answer, asked: dict[str, Json], stamp: Stamp) -> dict[str, Json] | None:
    """None when the engine sent no choice at all."""
    choices = choices_of(answer)
    if not choices:
        return None
    message = message_of(choices[0])
    ended = _INCOMPLETE.get(str(choices[0].get("finish_reason")))
    status = "incomplete" if ended else "completed"
    body = skeleton(asked, stamp, answer.model, status)
    body["output"] = output_items(message, choices[0].get("logprobs"), stamp, status)
    body["incomplete_details"] = {"reason": ended} if ended else None
    body["usage"] = response_usage(answer.usage, thought_tokens(answer))
    return body


def skeleton(asked: dict[str, Json], stamp: Stamp, model: str, status: str) -> dict[str, Json]:
    """A response without output: the settings as they were asked for, or as they are by default."""
    reasoning = asked.get("reasoning") or {}
    return {
        "id": f"resp_{item_suffix(stamp)}",
        "object": "response",
        "created_at": int(stamp.created_at),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": asked.get("max_tool_calls"),
        "model": model,
        "output": [],
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": reasoning.get("effort"), "summary": None},
        "service_tier": asked.get("service_tier") or "default",
        "store": False,
        "temperature": asked.get("temperature"),
        "text": asked.get("text") or {"format": {"type": "text"}},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "top_logprobs": asked.get("top_logprobs") or 0,
        "top_p": asked.get("top_p"),
        "truncation": asked.get("truncation") or "disabled",
        "usage": None,
        "user": asked.get("user"),
        "metadata": asked.get("metadata") or {},
    }


def output_items(message: dict[str, Json], logprobs: Json, stamp: Stamp, status: str) -> list[Json]:
    """Thoughts, then text, then calls of functions. Always at least one item."""
    items: list[Json] = []
    suffix = item_suffix(stamp)
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        items.append(reasoning_item(f"rs_{suffix}", thought))
    text = message.get("content")
    calls = objects(message.get("tool_calls"))
    if (isinstance(text, str) and text) or message.get("refusal") or not calls:
        part = text_part(text if isinstance(text, str) else "", logprobs)
        if message.get("refusal"):
            part = {"type": "refusal", "refusal": message["refusal"]}
        items.append(message_item(f"msg_{suffix}", status, [part]))
    items.extend(call_item(f"fc_{suffix}_{at}", call) for at, call in enumerate(calls))
    return items


def reasoning_item(identity: str, thought: str) -> dict[str, Json]:
    content = [{"type": "reasoning_text", "text": thought}]
    return {"id": identity, "type": "reasoning", "summary": [], "content": content}


def message_item(identity: str, status: str, content: list[Json]) -> dict[str, Json]:
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str, logprobs: Json = None) -> dict[str, Json]:
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": rows or []}


def call_item(identity: str, call: dict[str, Json]) -> dict[str, Json]:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return {
        "id": identity,
        "type": "function_call",
        "status": "completed",
        "call_id": call.get("id") or identity,
        "name": function.get("name") or "",
        "arguments": function.get("arguments") or "{}",
    }


def response_usage(usage: Usage, thoughts: int = 0) -> dict[str, Json]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": thoughts},
        "total_tokens": usage.prompt + usage.output,
    }
