"""Reads a CHAT body into plain values: messages for the template, sampling settings, limits. Pure.

What the body asks for and the engine cannot do is refused here, in words, before the runtime sees it.
"""

from typing import Any

import msgspec

STOPS_MAX = 64
CANDIDATES_MAX = 8
SEED_MASK = (1 << 62) - 1  # leaves room to count candidates up from it


class WrongBody(Exception):
    """The body cannot be answered as it is; the text is for the caller."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to sample. `output_tokens` 0 means that the body names no limit."""

    greedy: bool
    temperature: float
    top_p: float
    top_k: int
    seed: int | None
    output_tokens: int
    stops: tuple[str, ...]
    candidates: int
    presence_penalty: float
    frequency_penalty: float
    logprobs: bool


def settings_of(body: dict[str, Any], temperature: float, top_p: float) -> Settings:
    """The settings of a body, with the model's own defaults. Raises WrongBody."""
    asked_temperature = _number(body, "temperature", temperature, 0.0, 2.0)
    asked_top_p = _number(body, "top_p", top_p, 0.0, 1.0)
    top_k = _whole(body, "top_k", 0, 0)
    stop = body.get("stop") or ()
    stops: tuple[Any, ...] = (stop,) if isinstance(stop, str) else tuple(stop)
    if len(stops) > STOPS_MAX or not all(isinstance(one, str) for one in stops):
        raise WrongBody(f"stop: expected at most {STOPS_MAX} strings")
    if body.get("top_logprobs"):
        raise WrongBody("top_logprobs: the embedded engine reports the chosen token's log probability only")
    seed = body.get("seed")
    return Settings(
        # top_p 0 and top_k 1 leave only the likeliest token, which is what greedy decoding takes.
        greedy=asked_temperature == 0 or asked_top_p == 0 or top_k == 1,
        temperature=asked_temperature,
        top_p=asked_top_p,
        top_k=top_k,
        seed=None if seed is None else int(seed) & SEED_MASK,
        output_tokens=_whole(body, "max_completion_tokens", _whole(body, "max_tokens", 0, 0), 0),
        stops=tuple(one for one in stops if one),
        candidates=_whole(body, "n", 1, 1, CANDIDATES_MAX),
        presence_penalty=_number(body, "presence_penalty", 0.0, -2.0, 2.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0, -2.0, 2.0),
        logprobs=bool(body.get("logprobs")),
    )


def text_of(content: Any, path: str) -> str:
    """The text of a message's content: a string, or a list of text parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for number, part in enumerate(content):
        if part.get("type") != "text":
            raise WrongBody(
                f"{path}.content[{number}]: the embedded engine reads text only, found {part.get('type')!r}"
            )
        texts.append(part.get("text", ""))
    return "".join(texts)


def _number(body: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise WrongBody(f"{name}: expected a number from {low:g} to {high:g}, found {value!r}")
    return float(value)


def _whole(body: dict[str, Any], name: str, default: int, low: int, high: int = 1 << 31) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or int(value) != value:
        raise WrongBody(f"{name}: expected a whole number, found {value!r}")
    if not low <= value <= high:
        raise WrongBody(f"{name}: expected a whole number from {low} to {high}, found {value!r}")
    return int(value)
