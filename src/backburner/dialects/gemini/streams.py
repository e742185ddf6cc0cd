"""A streamed answer: OpenAI deltas in, GenerateContentResponse chunks out (contract 3.3).

Text goes out as it comes. What only makes sense whole (function calls, an enum value) is gathered and goes out
with the last chunk of its candidate, which alone carries the finishReason.
"""

from typing import Any

from backburner.core.exchange import Delta, Json
from backburner.core.request import Usage
from backburner.dialects.gemini.answers import Wish, candidate, logprobs_of, response_id, usage_of
from backburner.dialects.protocol import Stamp


class _Gathered:
    """What has come for one candidate so far."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[int, dict[str, Any]] = {}
        self.reason: str | None = None
        self.said = False  # some text has gone out


class StreamShape:
    """Chunks of one streamed answer. `add` and `end` return what may go out now, in order."""

    def __init__(self, wish: Wish, stamp: Stamp) -> None:
        self._wish = wish
        self._id = response_id(stamp)
        self._model = ""
        self._candidates: dict[int, _Gathered] = {}
        self._usage: Usage | None = None

    def add(self, delta: Delta) -> list[dict[str, Json]]:
        self._model = delta.model or self._model
        self._usage = delta.usage or self._usage
        choices = [self._choice(choice) for choice in delta.choices if isinstance(choice, dict)]
        shown = [choice for choice in choices if choice is not None]
        return [self._chunk(shown)] if shown else []

    def end(self) -> list[dict[str, Json]]:
        """The closing chunk: every candidate's finishReason, and the usage."""
        if not self._candidates:
            self._candidates[0] = _Gathered()
        return [self._chunk([self._end(at, held) for at, held in self._candidates.items()])]

    def _choice(self, choice: dict[str, Json]) -> dict[str, Json] | None:
        at = choice.get("index") or 0
        held = self._candidates.setdefault(at, _Gathered())
        piece = choice.get("delta")
        piece = piece if isinstance(piece, dict) else {}
        parts: list[Json] = []
        thought = piece.get("reasoning_content") or piece.get("reasoning")
        if self._wish.thoughts and isinstance(thought, str) and thought:
            parts.append({"text": thought, "thought": True})
        text = piece.get("content")
        if isinstance(text, str) and text:
            held.text += text if self._whole else ""
            if self._wish.mime != "text/x.enum":
                parts.append({"text": text})
                held.said = True
        for call in piece.get("tool_calls") or ():
            _gather_call(held, call)
        held.reason = choice.get("finish_reason") or held.reason
        if not parts:
            return None
        shown: dict[str, Json] = {"content": {"role": "model", "parts": parts}, "index": at}
        if self._wish.logprobs:
            shown.update(logprobs_of(choice.get("logprobs")))
        return shown

    @property
    def _whole(self) -> bool:
        """Whether the text as a whole is needed at the end."""
        return self._wish.mime != "text/plain"

    def _end(self, at: int, held: _Gathered) -> dict[str, Json]:
        """The end of a candidate: the unstreamed answer's own rules, less the text that has gone out."""
        message: dict[str, Json] = {"content": held.text or ("…" if held.said else "")}
        message["tool_calls"] = [held.calls[number] for number in sorted(held.calls)]
        whole = candidate({"message": message, "finish_reason": held.reason, "index": at}, self._wish, at)
        whole.pop("avgLogprobs", None)
        if held.said:
            parts = whole["content"]["parts"]
            whole["content"]["parts"] = [part for part in parts if "text" not in part] or [{"text": ""}]
        return whole

    def _chunk(self, candidates: list[dict[str, Json]]) -> dict[str, Json]:
        out: dict[str, Json] = {"candidates": candidates, "modelVersion": self._model, "responseId": self._id}
        if self._usage is not None:
            usage = self._usage
            out["usageMetadata"] = usage_of(usage.prompt, usage.cached, usage.output)
        return out


def _gather_call(held: _Gathered, call: Json) -> None:
    if not isinstance(call, dict):
        return
    number = call.get("index") or 0
    kept = held.calls.setdefault(number, {"function": {"arguments": ""}})
    if call.get("id"):
        kept["id"] = call["id"]
    function = call.get("function")
    if isinstance(function, dict):
        if function.get("name"):
            kept["function"]["name"] = function["name"]
        kept["function"]["arguments"] += function.get("arguments") or ""
