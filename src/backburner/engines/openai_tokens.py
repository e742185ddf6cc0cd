"""Counting prompt tokens on servers that can, by the paths of their own that do it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from backburner.core.exchange import Json, Trouble, TroubleKind
from backburner.engines.openai_bodies import Unreadable, json_object_in
from backburner.engines.openai_trouble import unreadable
from backburner.engines.server_kinds import ServerKind, TokenCount
from backburner.outbound.http import Reply

COUNT_S = 30.0
Post = Callable[[str, bytes, float], Awaitable[Reply | Trouble]]


async def count(
    engine: str, kind: ServerKind, root: str, post: Post, model: str, body: dict[str, Json]
) -> int | Trouble:
    """Prompt tokens of a CHAT body, or of an EMBED body's inputs together."""
    if kind.tokens is TokenCount.NONE:
        words = f"The engine {engine} ({kind.name}) cannot count tokens without generating"
        return Trouble(kind=TroubleKind.REQUEST, message=words, engine=engine)

    async def asked(path: str, question: dict[str, Json]) -> dict[str, Any] | Trouble:
        reply = await post(root + path, msgspec.json.encode(question), COUNT_S)
        if isinstance(reply, Trouble):
            return reply
        try:
            return json_object_in(reply.body)
        except Unreadable as lack:
            return unreadable(engine, lack)

    total = 0
    for question in _questions(kind, model, body):
        answer: dict[str, Any] | Trouble
        if kind.tokens is TokenCount.TEMPLATE and "messages" in question:
            answer = await asked("/apply-template", question)
            if isinstance(answer, Trouble):
                return answer
            question = {"content": answer.get("prompt", ""), "add_special": True}
        answer = await asked("/tokenize", question)
        if isinstance(answer, Trouble):
            return answer
        found = answer.get("count", answer.get("tokens"))
        if not isinstance(found, int | list):
            return unreadable(engine, Unreadable("it has no tokens"))
        total += len(found) if isinstance(found, list) else found
    return total


def _questions(kind: ServerKind, model: str, body: dict[str, Json]) -> list[dict[str, Json]]:
    if "messages" in body:
        question = {name: body[name] for name in ("messages", "tools") if name in body}
        return [{"model": model, **question} if kind.tokens is TokenCount.MESSAGES else question]
    texts: list[str] = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if kind.tokens is TokenCount.MESSAGES:
        return [{"model": model, "prompt": text} for text in texts]
    return [{"content": text, "add_special": True} for text in texts]
