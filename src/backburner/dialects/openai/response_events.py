"""A streamed response: OpenAI's named events, from response.created to response.completed.

One message (with what the model thought before it) and its calls of functions, in the order in which they begin.
"""

from backburner.core.exchange import Delta, Json
from backburner.core.request import Usage
from backburner.dialects.openai.answers import item_suffix, objects
from backburner.dialects.openai.response_answers import (
    call_item,
    message_item,
    reasoning_item,
    response_usage,
    skeleton,
    text_part,
)
from backburner.dialects.openai.streams import event, number_of
from backburner.dialects.protocol import Stamp

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Item:
    """One output item in the making: a message, thoughts or a call."""

    def __init__(self, kind: str, identity: str, place: int) -> None:
        self.kind = kind
        self.id = identity
        self.place = place
        self.text = ""
        self.call: dict[str, Json] = {}

    def done(self, status: str) -> dict[str, Json]:
        if self.kind == "reasoning":
            return reasoning_item(self.id, self.text)
        if self.kind == "message":
            return message_item(self.id, status, [text_part(self.text)])
        function = {"name": self.call.get("name"), "arguments": self.text}
        return call_item(self.id, {"id": self.call.get("id"), "function": function})


class ResponseEvents:
    def __init__(self, asked: dict[str, Json], stamp: Stamp, tier: str = "") -> None:
        self._asked = asked | ({"service_tier": tier} if tier else {})
        self._stamp = stamp
        self._suffix = item_suffix(stamp)
        self._model = str(asked.get("model", ""))
        self._number = 0
        self._items: list[_Item] = []
        self._calls: dict[int, _Item] = {}
        self._usage = Usage()
        self._finish = ""
        self._begun = False

    def add(self, delta: Delta) -> bytes:
        self._model = delta.model or self._model
        self._usage = delta.usage or self._usage
        out = [] if self._begun else self._begin()
        for choice in delta.choices[:1]:
            if not isinstance(choice, dict) or number_of(choice):
                continue
            self._finish = str(choice.get("finish_reason") or self._finish)
            piece = choice.get("delta")
            out += self._piece(piece if isinstance(piece, dict) else {})
        return b"".join(out)

    def end(self) -> bytes:
        out = [] if self._begun else self._begin()
        if not self._items:
            out += self._open("message", "msg")
        ended = _INCOMPLETE.get(self._finish)
        status = "incomplete" if ended else "completed"
        for item in self._items:
            out += self._close(item, status)
        body = self._response(status)
        body["output"] = [item.done(status) for item in self._items]
        body["incomplete_details"] = {"reason": ended} if ended else None
        body["usage"] = response_usage(self._usage)
        out.append(self._event(f"response.{status}", {"response": body}))
        return b"".join(out)

    def _begin(self) -> list[bytes]:
        self._begun = True
        body = self._response("in_progress")
        names = ("response.created", "response.in_progress")
        return [self._event(name, {"response": body}) for name in names]

    def _response(self, status: str) -> dict[str, Json]:
        return skeleton(self._asked, self._stamp, self._model, status)

    def _event(self, name: str, members: dict[str, Json]) -> bytes:
        told = event({"type": name, "sequence_number": self._number, **members}, name)
        self._number += 1
        return told

    def _piece(self, piece: dict[str, Json]) -> list[bytes]:
        out: list[bytes] = []
        thought = piece.get("reasoning_content") or piece.get("reasoning")
        if isinstance(thought, str) and thought:
            out += self._text("reasoning", "rs", thought)
        text = piece.get("content")
        if isinstance(text, str) and text:
            out += self._text("message", "msg", text)
        for call in objects(piece.get("tool_calls")):
            out += self._call(call)
        return out

    def _text(self, kind: str, prefix: str, text: str) -> list[bytes]:
        out: list[bytes] = []
        item = next((each for each in self._items if each.kind == kind), None)
        if item is None:
            out += self._open(kind, prefix)
            item = self._items[-1]
        item.text += text
        name = "response.output_text.delta" if kind == "message" else "response.reasoning_text.delta"
        logprobs = {"logprobs": []} if kind == "message" else {}
        out.append(self._event(name, {**_where(item), "content_index": 0, "delta": text, **logprobs}))
        return out

    def _call(self, call: dict[str, Json]) -> list[bytes]:
        out: list[bytes] = []
        number = number_of(call)
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        item = self._calls.get(number)
        if item is None:
            item = self._calls[number] = _Item(
                "function_call", f"fc_{self._suffix}_{number}", len(self._items)
            )
            item.call = {"id": call.get("id"), "name": function.get("name")}
            self._items.append(item)
            shown = {**item.done("in_progress"), "status": "in_progress", "arguments": ""}
            out.append(self._event("response.output_item.added", {"output_index": item.place, "item": shown}))
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments:
            item.text += arguments
            name = "response.function_call_arguments.delta"
            out.append(self._event(name, {**_where(item), "delta": arguments}))
        return out

    def _open(self, kind: str, prefix: str) -> list[bytes]:
        item = _Item(kind, f"{prefix}_{self._suffix}", len(self._items))
        self._items.append(item)
        shown: dict[str, Json] = {"id": item.id, "type": "reasoning", "summary": []}
        if kind == "message":
            shown = message_item(item.id, "in_progress", [])
        out = [self._event("response.output_item.added", {"output_index": item.place, "item": shown})]
        if kind == "message":
            members = {**_where(item), "content_index": 0, "part": text_part("")}
            out.append(self._event("response.content_part.added", members))
        return out

    def _close(self, item: _Item, status: str) -> list[bytes]:
        where = {**_where(item), "content_index": 0}
        out: list[bytes] = []
        if item.kind == "message":
            members = {**where, "text": item.text, "logprobs": []}
            out.append(self._event("response.output_text.done", members))
            out.append(self._event("response.content_part.done", {**where, "part": text_part(item.text)}))
        elif item.kind == "reasoning":
            out.append(self._event("response.reasoning_text.done", {**where, "text": item.text}))
        else:
            members = {**_where(item), "name": item.call.get("name"), "arguments": item.text}
            out.append(self._event("response.function_call_arguments.done", members))
        done = {"output_index": item.place, "item": item.done(status)}
        return [*out, self._event("response.output_item.done", done)]


def _where(item: _Item) -> dict[str, Json]:
    return {"item_id": item.id, "output_index": item.place}
