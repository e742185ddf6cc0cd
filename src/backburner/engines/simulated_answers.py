"""What the simulated engine says: pure functions of a request's body and the seed.

Text is the last user text itself; a token is a word between white space. Where JSON is asked for, an
instance of the schema is made (made_json.py). An embedding is a hash of its text: equal texts have equal
vectors, and nothing else is promised of them.
"""

import hashlib
import math
from array import array
from typing import Any

import msgspec

from backburner.core.exchange import Json
from backburner.core.request import Usage
from backburner.engines.made_json import instance

DIMENSIONS = 384  # as many as the embedded embedding model has


class Said(msgspec.Struct, frozen=True):
    text: str
    finish_reason: str
    tokens: int


def texts_of(message: dict[str, Json]) -> list[str]:
    """The text parts of one message."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        return [part["text"] for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return []


def last_user_text(body: dict[str, Json]) -> str:
    """The last text part of the last message from the user; empty when there is none."""
    for message in reversed(body.get("messages", ())):
        if message.get("role") == "user":
            texts = texts_of(message)
            return texts[-1] if texts else ""
    return ""


def embed_inputs(body: dict[str, Json]) -> list[str]:
    found = body.get("input", [])
    return [found] if isinstance(found, str) else list(found)


def prompt_tokens(body: dict[str, Json]) -> int:
    if "messages" in body:
        return sum(len(text.split()) for message in body["messages"] for text in texts_of(message))
    return sum(len(text.split()) for text in embed_inputs(body))


def say(body: dict[str, Json], seed: int) -> Said:
    """The text of a candidate: the last user text, of which the last words are kept when a maximum is set."""
    text = last_user_text(body)
    wanted = body.get("response_format")
    if wanted is not None and wanted.get("type") != "text":
        text = _as_json(wanted, text, seed)
    words = text.split()
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    if most is not None and len(words) > most:
        return Said(" ".join(words[len(words) - most :]), "length", most)
    return Said(text, "stop", len(words))


def _as_json(wanted: dict[str, Json], text: str, seed: int) -> str:
    if wanted.get("type") == "json_schema":
        return msgspec.json.encode(instance(wanted["json_schema"].get("schema", {}), text, seed)).decode()
    return msgspec.json.encode({"text": text}).decode()


def completion(body: dict[str, Json], model: str, said: Said, identity: str) -> dict[str, Json]:
    """A chat.completion object with as many equal choices as `n` asks for."""
    count: int = body.get("n") or 1
    prompt = prompt_tokens(body)
    logprobs = _logprobs(said.text, body.get("top_logprobs") or 0) if body.get("logprobs") else None
    return {
        "id": identity,
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": said.text},
                "logprobs": logprobs,
                "finish_reason": said.finish_reason,
            }
            for index in range(count)
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": said.tokens * count,
            "total_tokens": prompt + said.tokens * count,
        },
    }


def _logprobs(text: str, top: int) -> dict[str, Json]:
    """An echo is certain of every word."""
    words = [{"token": word, "logprob": 0.0, "bytes": list(word.encode())} for word in text.split()]
    return {"content": [word | {"top_logprobs": [word] if top else []} for word in words]}


def embeddings(body: dict[str, Json], model: str, seed: int) -> dict[str, Json]:
    """An embeddings list object."""
    dimensions = body.get("dimensions") or DIMENSIONS
    tokens = prompt_tokens(body)
    return {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": index, "embedding": vector(text, dimensions, seed)}
            for index, text in enumerate(embed_inputs(body))
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def vector(text: str, dimensions: int, seed: int) -> list[float]:
    """A vector of length one, drawn from a hash of the seed and the text."""
    drawn = hashlib.shake_128(b"%d\0" % seed + text.encode("utf-8", "surrogatepass"))
    numbers: array[Any] = array("h")
    numbers.frombytes(drawn.digest(2 * dimensions))
    scale = 1.0 / (math.hypot(*numbers) or 1.0)
    return [number * scale for number in numbers]


def usage_of(body: dict[str, Json]) -> Usage:
    usage = body["usage"]
    return Usage(prompt=usage["prompt_tokens"], output=usage.get("completion_tokens", 0))
