"""The prompt of a request rendered as bytes, for its plan key (dialects/prefix.py)."""

import hashlib

from backburner.core.exchange import Json

_DIGEST_FROM = 512  # longer media stand in the prompt by their hash


def start_text(request: dict[str, Json]) -> bytes:
    """What stands before the contents in the rendered prompt: cached content, tools, system instruction."""
    pieces: list[str] = []
    if "cachedContent" in request:
        pieces.append("\x1dcached " + request["cachedContent"])
    if "tools" in request:
        pieces.append("\x1dtools " + str(request["tools"]))
    if "systemInstruction" in request:
        pieces.append("\x1dsystem")
        pieces.extend(_part_text(part) for part in request["systemInstruction"].get("parts", ()))
    return "".join(pieces).encode("utf-8", "replace")


def contents_text(contents: list[Json]) -> bytes:
    pieces: list[str] = []
    for content in contents:
        pieces.append("\x1d" + content.get("role", "user"))
        for part in content.get("parts", ()):
            pieces.append(_part_text(part))
    return "".join(pieces).encode("utf-8", "replace")


def _part_text(part: dict[str, Json]) -> str:
    text = part.get("text")
    if text is not None:
        return "\x1e" + text
    inline = part.get("inlineData")
    if inline is not None and len(inline.get("data", "")) > _DIGEST_FROM:
        digest = hashlib.blake2b(inline["data"].encode("ascii", "replace"), digest_size=16).hexdigest()
        return f"\x1e\x1f{inline.get('mimeType')} {digest}"
    return "\x1e\x1f" + str(part)
