"""A streamed answer: OpenAI deltas in, Anthropic's events out, in the order that the API documents.

message_start, ping, then for each block content_block_start, its deltas and content_block_stop, then message_delta
and message_stop. Text and thinking go out as they come. Tool calls only make sense whole and go out at the end. The
prompt's tokens are known only then too: message_delta carries the usage, which the SDKs take over.
"""

from typing import Any

import msgspec

from backburner.core.exchange import Delta, Json
from backburner.core.request import Usage
from backburner.dialects.anthropic.answers import (
    Failure,
    Wish,
    ending_of,
    opening,
    thought_of,
    tool_uses,
    usage_of,
)
from backburner.dialects.protocol import Stamp

_EMPTY = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class StreamShape:
    """Events of one streamed answer. `add` and `end` return what may go out now, in order."""

    def __init__(self, wish: Wish, stamp: Stamp, model: str) -> None:
        self._wish = wish
        self._stamp = stamp
        self._model = model
        self._usage = Usage()
        self._begun = False
        self._open = ""  # the kind of the block that is open
        self._index = -1
        self._calls: dict[int, dict[str, Any]] = {}
        self._choice: dict[str, Any] = {}
        self._refusal = ""

    def add(self, delta: Delta) -> list[dict[str, Json]]:
        self._model = delta.model or self._model
        self._usage = delta.usage or self._usage
        events: list[dict[str, Json]] = []
        for choice in delta.choices:
            if isinstance(choice, dict) and not choice.get("index"):
                events += self._piece(choice)
        return [*self._start(), *events] if events else []

    def end(self) -> list[dict[str, Json]] | Failure:
        """The closing events, or why the answer cannot be closed as a whole message."""
        said = [self._calls[number] for number in sorted(self._calls)]
        calls = tool_uses(said, self._choice.get("finish_reason"), self._wish)
        if isinstance(calls, Failure):
            return calls
        ending = ending_of(self._choice, self._wish, called=bool(calls), refusal=self._refusal)
        if isinstance(ending, Failure):
            return ending
        events = [*self._start(), *self._close()]
        for call in calls:
            events += self._tool(call)
        usage = usage_of(self._usage, self._wish.tier)
        events.append({"type": "message_delta", "delta": ending, "usage": usage})
        events.append({"type": "message_stop"})
        return events

    def _start(self) -> list[dict[str, Json]]:
        if self._begun:
            return []
        self._begun = True
        usage = usage_of(Usage(), self._wish.tier)
        ending = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
        begun = {**opening(self._stamp, self._model), "content": [], **ending, "usage": usage}
        return [{"type": "message_start", "message": begun}, {"type": "ping"}]

    def _piece(self, choice: dict[str, Any]) -> list[dict[str, Json]]:
        piece = choice.get("delta")
        said: dict[str, Any] = piece if isinstance(piece, dict) else {}
        self._choice.update({name: value for name, value in choice.items() if value is not None})
        events: list[dict[str, Json]] = []
        if self._wish.thoughts and (thought := thought_of(said)):
            events += self._grow("thinking", {"type": "thinking_delta", "thinking": thought})
        text = said.get("content")
        if isinstance(text, str) and text:
            events += self._grow("text", {"type": "text_delta", "text": text})
        if isinstance(said.get("refusal"), str):
            self._refusal += said["refusal"]
        for call in said.get("tool_calls") or ():
            self._gather(call)
        return events

    def _grow(self, kind: str, delta: dict[str, Json]) -> list[dict[str, Json]]:
        events: list[dict[str, Json]] = []
        if self._open != kind:
            events += self._close()
            events.append(self._begin(_EMPTY[kind]))
            self._open = kind
        return [*events, {"type": "content_block_delta", "index": self._index, "delta": delta}]

    def _begin(self, block: dict[str, Json]) -> dict[str, Json]:
        self._index += 1
        return {"type": "content_block_start", "index": self._index, "content_block": block}

    def _close(self) -> list[dict[str, Json]]:
        if not self._open:
            return []
        self._open = ""
        return [{"type": "content_block_stop", "index": self._index}]

    def _tool(self, call: dict[str, Any]) -> list[dict[str, Json]]:
        partial = msgspec.json.encode(call["input"]).decode()
        return [
            self._begin({**call, "input": {}}),
            {
                "type": "content_block_delta",
                "index": self._index,
                "delta": {"type": "input_json_delta", "partial_json": partial},
            },
            {"type": "content_block_stop", "index": self._index},
        ]

    def _gather(self, call: Json) -> None:
        if not isinstance(call, dict):
            return
        kept = self._calls.setdefault(call.get("index") or 0, {"function": {"arguments": ""}})
        if call.get("id"):
            kept["id"] = call["id"]
        function = call.get("function")
        if isinstance(function, dict):
            if function.get("name"):
                kept["function"]["name"] = function["name"]
            kept["function"]["arguments"] += function.get("arguments") or ""
