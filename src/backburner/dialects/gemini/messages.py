"""Contents as OpenAI chat messages: roles, tool calls and their answers, media.

A model's functionCall parts become tool_calls; functionResponse parts become tool messages, matched to their
calls by id, or by name in the order of the calls when ids are absent (Gemini leaves them out).
"""

from collections import defaultdict

import msgspec

from backburner.core.exchange import Feature, Json, MediaRef
from backburner.dialects.gemini.media import NotCallable, file_part, inline_part


class Conversation:
    """Builds the messages of one call; `needs` and `media` grow along."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Json]] = []
        self.needs: set[Feature] = set()
        self.media: list[MediaRef] = []
        self._calls = 0
        self._open: dict[str, list[str]] = defaultdict(list)  # function name -> ids not yet answered

    def system(self, content: dict[str, Json]) -> None:
        texts: list[str] = []
        for part in content.get("parts", ()):
            if "text" not in part:
                raise NotCallable("systemInstruction holds something other than text; move it into contents")
            texts.append(part["text"])
        self.messages.append({"role": "system", "content": "\n".join(texts)})

    def add(self, content: dict[str, Json]) -> None:
        if content.get("role", "user") == "model":
            self._model(content)
        else:
            self._user(content)

    def _model(self, content: dict[str, Json]) -> None:
        pieces: list[dict[str, Json]] = []
        calls: list[dict[str, Json]] = []
        for part in content.get("parts", ()):
            if part.get("thought"):
                continue  # a model is not shown its earlier thoughts
            if "functionCall" in part:
                calls.append(self._call(part["functionCall"]))
            else:
                pieces.append(self._piece(part))
        message: dict[str, Json] = {"role": "assistant", "content": _content(pieces)}
        if calls:
            message["tool_calls"] = calls
        if pieces or calls:
            self.messages.append(message)

    def _call(self, call: dict[str, Json]) -> dict[str, Json]:
        self._calls += 1
        name = call["name"]
        call_id = call.get("id") or f"call_{self._calls}"
        self._open[name].append(call_id)
        arguments = msgspec.json.encode(call.get("args", {})).decode()
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    def _user(self, content: dict[str, Json]) -> None:
        pieces: list[dict[str, Json]] = []
        for part in content.get("parts", ()):
            if "functionResponse" in part:
                self._tool(part["functionResponse"], pieces)
            else:
                pieces.append(self._piece(part))
        if pieces:
            self.messages.append({"role": "user", "content": _content(pieces)})

    def _tool(self, response: dict[str, Json], pieces: list[dict[str, Json]]) -> None:
        """A tool message; media that the function returned follow in a user message."""
        name = response["name"]
        waiting = self._open[name]
        call_id = response.get("id") or (waiting[0] if waiting else f"call_of_{name}")
        if call_id in waiting:
            waiting.remove(call_id)
        text = msgspec.json.encode(response.get("response", {})).decode()
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
        pieces.extend(self._piece(inner) for inner in response.get("parts", ()))

    def _piece(self, part: dict[str, Json]) -> dict[str, Json]:
        if "text" in part:
            return {"type": "text", "text": part["text"]}
        if "inlineData" in part:
            piece, feature = inline_part(part["inlineData"])
        elif "fileData" in part:
            piece, feature, reference = file_part(part["fileData"], len(self.media))
            self.media.append(reference)
        elif "executableCode" in part:
            return {"type": "text", "text": f"```python\n{part['executableCode']['code']}\n```"}
        elif "codeExecutionResult" in part:
            return {"type": "text", "text": f"```\n{part['codeExecutionResult'].get('output', '')}\n```"}
        else:
            kind = next(iter(part), "an empty part")
            raise NotCallable(f"a part with {kind} cannot be passed to an engine")
        if feature:
            self.needs.add(feature)
        return piece


def _content(pieces: list[dict[str, Json]]) -> Json:
    """One text stays a plain string, which every server takes; several stay apart."""
    if not pieces:
        return None
    if len(pieces) == 1 and pieces[0]["type"] == "text":
        return pieces[0]["text"]
    return pieces
