"""A streamed answer: an engine's deltas in, OpenAI's chunks out. Each kind of endpoint has its own shape."""

from typing import Protocol

from backburner.core.exchange import Answer, Delta, Json
from backburner.core.request import Usage
from backburner.dialects.openai.answers import choices_of, encoded, made_id, message_of, objects, usage_of
from backburner.dialects.openai.completions import old_logprobs
from backburner.dialects.protocol import Stamp

DONE = b"data: [DONE]\n\n"


def event(value: Json, name: str = "") -> bytes:
    """One server-sent event."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + encoded(value) + b"\n\n"


def number_of(piece: dict[str, Json]) -> int:
    """The index of a choice or of a call; 0 where the engine says none."""
    found = piece.get("index")
    return found if isinstance(found, int) else 0


class Shape(Protocol):
    """Events of one streamed answer. `add` and `end` return what may go out now."""

    def add(self, delta: Delta) -> bytes: ...

    def end(self) -> bytes: ...


class ChatChunks:
    """chat.completion.chunk: the engine's choices as they come. Usage has a chunk of its own at the end, when it
    was asked for, and is null in all others then."""

    def __init__(self, asked: dict[str, Json], stamp: Stamp, tier: str = "") -> None:
        self._with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        self._head: dict[str, Json] = {
            "id": made_id("chatcmpl", stamp),
            "object": "chat.completion.chunk",
            "created": int(stamp.created_at),
            "model": asked.get("model"),
        }
        self._tier = {"service_tier": tier} if tier else {}
        self._usage = Usage()
        self._begun: set[int] = set()

    def add(self, delta: Delta) -> bytes:
        if delta.model:
            self._head["model"] = delta.model
        self._usage = delta.usage or self._usage
        choices = [self._choice(choice) for choice in delta.choices if isinstance(choice, dict)]
        return self._chunk(choices) if choices else b""

    def _choice(self, choice: dict[str, Json]) -> dict[str, Json]:
        at = number_of(choice)
        piece = choice.get("delta")
        piece = piece if isinstance(piece, dict) else {}
        if at not in self._begun:  # the first piece says who speaks
            self._begun.add(at)
            piece = {"role": "assistant", "content": "", **piece}
        return {"logprobs": None, "finish_reason": None, **choice, "index": at, "delta": piece}

    def _chunk(self, choices: list[dict[str, Json]]) -> bytes:
        usage = {"usage": None} if self._with_usage else {}
        return event({**self._head, **self._tier, "choices": choices, **usage})

    def end(self) -> bytes:
        if not self._with_usage:
            return DONE
        return event({**self._head, **self._tier, "choices": [], "usage": usage_of(self._usage)}) + DONE


class TextChunks:
    """text_completion: the same for completions."""

    def __init__(self, asked: dict[str, Json], stamp: Stamp, tier: str = "") -> None:
        self._with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        self._head: dict[str, Json] = {
            "id": made_id("cmpl", stamp),
            "object": "text_completion",
            "created": int(stamp.created_at),
            "model": asked.get("model"),
        }
        self._usage = Usage()
        self._chars: dict[int, int] = {}

    def add(self, delta: Delta) -> bytes:
        if delta.model:
            self._head["model"] = delta.model
        self._usage = delta.usage or self._usage
        choices = [self._choice(choice) for choice in delta.choices if isinstance(choice, dict)]
        usage = {"usage": None} if self._with_usage else {}
        return event({**self._head, "choices": choices, **usage}) if choices else b""

    def _choice(self, choice: dict[str, Json]) -> dict[str, Json]:
        at = number_of(choice)
        piece = choice.get("delta")
        text = piece.get("content") if isinstance(piece, dict) else None
        text = text if isinstance(text, str) else ""
        before = self._chars.get(at, 0)
        self._chars[at] = before + len(text)
        return {
            "index": at,
            "text": text,
            "logprobs": old_logprobs(choice.get("logprobs"), before),
            "finish_reason": choice.get("finish_reason"),
        }

    def end(self) -> bytes:
        if not self._with_usage:
            return DONE
        return event({**self._head, "choices": [], "usage": usage_of(self._usage)}) + DONE


def delta_of(answer: Answer) -> Delta:
    """A whole answer as one piece, for a caller who asked for a stream of what was not streamed."""
    choices: list[Json] = []
    for at, choice in enumerate(choices_of(answer)):
        message = message_of(choice)
        calls = [{"index": number, **call} for number, call in enumerate(objects(message.get("tool_calls")))]
        piece = {name: value for name, value in message.items() if value is not None and name != "tool_calls"}
        choices.append(
            {
                "index": choice.get("index", at),
                "delta": piece | ({"tool_calls": calls} if calls else {}),
                "logprobs": choice.get("logprobs"),
                "finish_reason": choice.get("finish_reason"),
            }
        )
    return Delta(choices=choices, usage=answer.usage, model=answer.model)
