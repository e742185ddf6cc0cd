"""A request rendered as text for its plan key: what stands first in the prompt stands first here.

Tools and system come before the conversation, as in Anthropic's own cache hierarchy; long media stand for
themselves by their digest. Never shown to a model.
"""

import hashlib

from backburner.core.exchange import Json

_DIGEST_FROM = 512


def start_text(params: dict[str, Json]) -> bytes:
    pieces: list[str] = []
    if params.get("tools"):
        pieces.append("\x1dtools " + str(params["tools"]))
    if params.get("system"):
        pieces.append("\x1dsystem")
        pieces.extend(_content(params["system"]))
    return "".join(pieces).encode("utf-8", "replace")


def conversation_text(messages: list[Json]) -> bytes:
    pieces: list[str] = []
    for message in messages:
        pieces.append("\x1d" + message["role"])
        pieces.extend(_content(message["content"]))
    return "".join(pieces).encode("utf-8", "replace")


def _content(content: Json) -> list[str]:
    return ["\x1e" + content] if isinstance(content, str) else [_block(block) for block in content]


def _block(block: dict[str, Json]) -> str:
    if block["type"] == "text":
        return "\x1e" + block["text"]
    source = block.get("source")
    if isinstance(source, dict) and len(source.get("data", "")) > _DIGEST_FROM:
        digest = hashlib.blake2b(source["data"].encode("utf-8", "replace"), digest_size=16).hexdigest()
        return f"\x1e\x1f{block['type']} {digest}"
    return "\x1e\x1f" + str(block)
