"""Messages as OpenAI chat messages: turns, tool calls and their results, images and documents.

One turn is one message of the engine, except that every tool result stands in a message of its own, as OpenAI's
format has it; what a tool returned beside text follows in a user message. Nothing is fetched: an image or a document
comes with its bytes.
"""

import msgspec

from backburner.core.exchange import Feature, Json
from backburner.dialects.anthropic.refusals import NotCallable
from backburner.dialects.anthropic.turns import Turn, located

Piece = dict[str, Json]
_BASE64 = 'Send it as {"type": "base64", "media_type": "...", "data": "..."}'
ERROR_MARK = "Error: "  # OpenAI's tool message has no flag for a failed tool


class Conversation:
    """Builds the messages of one call; `needs` grows along."""

    def __init__(self) -> None:
        self.messages: list[Piece] = []
        self.needs: set[Feature] = set()

    def system(self, content: Json) -> None:
        """The system prompt; its blocks are joined, as they follow one another."""
        texts = [block["text"] for _, block in located(content, None)]
        if texts:
            self.messages.append({"role": "system", "content": "\n\n".join(texts)})

    def add(self, turn: Turn) -> None:
        blocks = [block for _, block in turn.blocks]
        if turn.role == "system":
            self.system(blocks)
        elif turn.role == "assistant":
            self._assistant(blocks)
        else:
            self._user(blocks)

    def _assistant(self, blocks: list[Piece]) -> None:
        texts: list[Piece] = []
        calls: list[Piece] = []
        for block in blocks:
            kind = block["type"]
            if kind == "text":
                texts.append({"type": "text", "text": block["text"]})
            elif kind == "tool_use":
                calls.append(_tool_call(block))
            elif kind not in ("thinking", "redacted_thinking"):  # thoughts of before are not shown again
                raise _server_block(kind)
        message: Piece = {"role": "assistant", "content": _content(texts)}
        if calls:
            message["tool_calls"] = calls
        if texts or calls:
            self.messages.append(message)

    def _user(self, blocks: list[Piece]) -> None:
        pieces: list[Piece] = []
        for block in blocks:
            if block["type"] == "tool_result":
                self._result(block, pieces)
            else:
                pieces.extend(self._pieces(block))
        if pieces:
            self.messages.append({"role": "user", "content": _content(pieces)})

    def _result(self, block: Piece, pieces: list[Piece]) -> None:
        parts = [piece for _, part in located(block.get("content", ""), None) for piece in self._pieces(part)]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        if block.get("is_error"):
            text = ERROR_MARK + text
        self.messages.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": text})
        pieces.extend(part for part in parts if part["type"] != "text")

    def _pieces(self, block: Piece) -> list[Piece]:
        kind = block["type"]
        if block.get("citations") and kind in ("document", "search_result"):
            _refuse_citations(block)
        if kind == "text":
            return [{"type": "text", "text": block["text"]}]
        if kind == "image":
            return [self._image(block["source"])]
        if kind == "document":
            return self._document(block)
        if kind == "search_result":
            texts = [part["text"] for part in block["content"]]
            return [{"type": "text", "text": "\n".join([block["title"], block["source"], *texts])}]
        raise _server_block(kind)

    def _image(self, source: Piece) -> Piece:
        self.needs.add(Feature.IMAGES)
        return {"type": "image_url", "image_url": {"url": _inline(source, "image")}}

    def _document(self, block: Piece) -> list[Piece]:
        source = block["source"]
        title, context = block.get("title") or "", block.get("context") or ""
        said = [{"type": "text", "text": words} for words in (title, context) if words]
        if source["type"] == "text":
            return [*said, {"type": "text", "text": source["data"]}]
        if source["type"] == "content":
            inner = [piece for _, part in located(source["content"], None) for piece in self._pieces(part)]
            return [*said, *inner]
        self.needs.add(Feature.DOCUMENTS)
        file = {"filename": title or "document.pdf", "file_data": _inline(source, "document")}
        return [*said, {"type": "file", "file": file}]


def _tool_call(block: Piece) -> Piece:
    arguments = msgspec.json.encode(block["input"]).decode()
    function = {"name": block["name"], "arguments": arguments}
    return {"id": block["id"], "type": "function", "function": function}


def _inline(source: Piece, what: str) -> str:
    """The data: URL of a source that comes with its bytes."""
    if source["type"] == "base64":
        return f"data:{source['media_type']};base64,{source['data']}"
    if source["type"] == "url":
        if source["url"].startswith("data:"):
            return source["url"]
        raise NotCallable(
            f"the source of this {what} is a URL, and this server fetches nothing from elsewhere. " + _BASE64
        )
    raise NotCallable(
        f"the source of this {what} is a file_id, and there is no Files API behind /anthropic/v1. " + _BASE64
    )


def _refuse_citations(block: Piece) -> None:
    if block["citations"].get("enabled"):
        raise NotCallable(f"citations of a {block['type']} are not supported here; leave citations out")


def _server_block(kind: str) -> NotCallable:
    return NotCallable(
        f"a content block of type {kind!r} belongs to Anthropic's own servers and cannot be passed to an engine"
    )


def _content(pieces: list[Piece]) -> Json:
    """One text stays a plain string, which every server takes; several stay apart."""
    if not pieces:
        return None
    if len(pieces) == 1 and pieces[0]["type"] == "text":
        return pieces[0]["text"]
    return pieces
