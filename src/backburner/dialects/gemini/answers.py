"""An engine's chat completion as a GenerateContentResponse (contract 3.3).

Every candidate has role, parts and a finishReason; where text is missing, cut or not what was asked for, a
finishMessage says so (contract 7.7). `modelVersion` is the model that really answered.
"""

import re

import msgspec

from backburner.core.exchange import Answer, Json
from backburner.dialects.gemini.structured import enum_values
from backburner.dialects.gemini.walk import read
from backburner.dialects.protocol import Stamp
from backburner.dialects.report import Report

_FINISH = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "content_filter": "SAFETY",
}
_ABSENT = msgspec.Raw(b"")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class Wish(msgspec.Struct, frozen=True):
    """What of a request its answer depends on."""

    mime: str = "text/plain"
    choices: tuple[str, ...] = ()  # text/x.enum
    thoughts: bool = False
    logprobs: bool = False
    most_tokens: int | None = None


def wish_of(request: dict[str, Json]) -> Wish:
    config = request.get("generationConfig", {})
    mime = config.get("responseMimeType", "text/plain")
    return Wish(
        mime,
        tuple(enum_values(config)) if mime == "text/x.enum" else (),
        bool(config.get("thinkingConfig", {}).get("includeThoughts")),
        bool(config.get("responseLogprobs")),
        config.get("maxOutputTokens"),
    )


class _Request(msgspec.Struct):
    """The one member that matters here; a long prompt or an image is skipped over, not decoded."""

    generationConfig: msgspec.Raw = _ABSENT  # noqa: N815  the wire's spelling
    generation_config: msgspec.Raw = _ABSENT


class _Line(_Request):
    request: _Request | None = None


_line = msgspec.json.Decoder(_Line)


def wish_of_line(line: bytes) -> Wish:
    """The wish of a good input line, wrapped or bare."""
    found = _line.decode(line)
    request = found.request or found
    raw = request.generationConfig or request.generation_config
    config = msgspec.json.decode(raw) if raw else None
    if not isinstance(config, dict):
        return Wish()
    return wish_of({"generationConfig": read("GenerationConfig", config, Report())})


def response_id(stamp: Stamp) -> str:
    """Job, ordinal and key, for readers that see no metadata (design, section 8)."""
    name = f"{stamp.job}-{stamp.ordinal}"
    return f"{name}-{_UNSAFE.sub('_', stamp.key)[:64]}" if stamp.key else name


def response(answer: Answer, wish: Wish, stamp: Stamp) -> dict[str, Json] | None:
    """The response; None when the engine sent no choice at all."""
    choices = [choice for choice in answer.body.get("choices") or () if isinstance(choice, dict)]
    if not choices:
        return None
    return {
        "candidates": [candidate(choice, wish, at) for at, choice in enumerate(choices)],
        "usageMetadata": usage_metadata(answer),
        "modelVersion": answer.model,
        "responseId": response_id(stamp),
    }


def usage_metadata(answer: Answer) -> dict[str, Json]:
    raw = answer.body.get("usage")
    details = raw.get("completion_tokens_details") if isinstance(raw, dict) else None
    thoughts = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return usage_of(answer.usage.prompt, answer.usage.cached, answer.usage.output, thoughts or 0)


def usage_of(prompt: int, cached: int, output: int, thoughts: int = 0) -> dict[str, Json]:
    out: dict[str, Json] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": max(0, output - thoughts),
        "totalTokenCount": prompt + output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    if cached:
        out["cachedContentTokenCount"] = cached
        out["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached}]
    if thoughts:
        out["thoughtsTokenCount"] = thoughts
    return out


def candidate(choice: dict[str, Json], wish: Wish, at: int = 0) -> dict[str, Json]:
    """One candidate from one OpenAI choice."""
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    reason, notes = finish(choice.get("finish_reason"), wish)
    parts: list[Json] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if wish.thoughts and isinstance(thought, str) and thought:
        parts.append({"text": thought, "thought": True})
    text = text_of(message)
    calls, broken = function_calls(message.get("tool_calls"))
    if broken:
        reason = "MALFORMED_FUNCTION_CALL"
        notes.append(broken)
    if text:
        shown, complaint = fitted(text, wish, cut=reason == "MAX_TOKENS")
        parts.append({"text": shown})
        notes.append(complaint)
    parts.extend(calls)
    if not text and not calls:
        parts.append({"text": ""})
        notes.append(_empty(message, reason, thought))
    out: dict[str, Json] = {
        "content": {"role": "model", "parts": parts},
        "finishReason": reason,
        "index": choice.get("index", at),
    }
    words = " ".join(note for note in notes if note)
    if words:
        out["finishMessage"] = words
    if wish.logprobs:
        out.update(logprobs_of(choice.get("logprobs")))
    return out


def text_of(message: dict[str, Json]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""


def finish(reason: Json, wish: Wish) -> tuple[str, list[str]]:
    """Gemini's finishReason for OpenAI's, with what there is to say about it."""
    if reason == "length":
        limit = f"maxOutputTokens ({wish.most_tokens})" if wish.most_tokens else "the engine's output limit"
        return "MAX_TOKENS", [f"The answer was cut at {limit}."]
    if reason == "content_filter":
        return "SAFETY", ["The engine's content filter stopped the answer."]
    if reason in _FINISH:
        return _FINISH[reason], []
    if reason is None:
        return "OTHER", ["The engine gave no reason for stopping."]
    return "OTHER", [f"The engine stopped with reason {str(reason)[:60]!r}."]


def _empty(message: dict[str, Json], reason: str, thought: Json) -> str:
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return f"The model refused: {refusal[:300]}"
    if reason == "MAX_TOKENS":
        return "It was cut while the model was thinking." if thought else "No text was produced before that."
    return "The model ended its answer at once, without any text."


def fitted(text: str, wish: Wish, cut: bool) -> tuple[str, str]:
    """The text as the response MIME type has it, and a complaint where it is not what was asked for."""
    if wish.mime == "text/x.enum":
        value = _unquoted(text)
        if value in wish.choices:
            return value, ""
        return value, "" if cut else "The answer is not one of the values of the enum."
    if wish.mime == "application/json" and not cut:
        try:
            msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            return text, f"The answer is not valid JSON: {error}."
    return text, ""


def _unquoted(text: str) -> str:
    try:
        value = msgspec.json.decode(text.strip())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text.strip()
    return value if isinstance(value, str) else text.strip()


def function_calls(calls: Json) -> tuple[list[Json], str]:
    """functionCall parts, and what is wrong with those that cannot be read."""
    parts: list[Json] = []
    broken = ""
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            broken = "The engine sent a function call without a name."
            continue
        arguments = function.get("arguments") or "{}"
        try:
            args = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            args = None
        if not isinstance(args, dict):
            broken = f"The arguments of the call of {function['name']} are not a JSON object."
            continue
        part: dict[str, Json] = {"name": function["name"], "args": args}
        if call.get("id"):
            part["id"] = call["id"]
        parts.append({"functionCall": part})
    return parts, broken


def logprobs_of(logprobs: Json) -> dict[str, Json]:
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    rows = [
        row for row in rows or () if isinstance(row, dict) and isinstance(row.get("logprob"), int | float)
    ]
    if not rows:
        return {}
    total = sum(row["logprob"] for row in rows)
    result: dict[str, Json] = {
        "logProbabilitySum": total,
        "chosenCandidates": [_token(row) for row in rows],
    }
    if any(row.get("top_logprobs") for row in rows):
        result["topCandidates"] = [
            {"candidates": [_token(top) for top in row.get("top_logprobs") or ()]} for row in rows
        ]
    return {"avgLogprobs": total / len(rows), "logprobsResult": result}


def _token(row: dict[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {"token": row.get("token", ""), "logProbability": row.get("logprob")}
    if isinstance(row.get("token_id"), int):
        out["tokenId"] = row["token_id"]
    return out
