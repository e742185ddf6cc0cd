"""Builds OpenAI chat.completion bodies out of finished sequences. Pure, but for the decoder it is given."""

from typing import Any, Protocol

from backburner.engines.local import tools
from backburner.engines.local.generation import Generation, Sequence

UNFINISHED = "\ufffd"  # what a decoder writes for a character whose bytes are not all there yet


class Decoder(Protocol):
    def text(self, ids: list[int]) -> str:
        """The text of tokens, special ones left out."""
        ...

    def token_bytes(self, token: int) -> bytes: ...


def stopped(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """The text up to its first stop string, and whether there was one."""
    found = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(found)], True) if found else (text, False)


def body_of(generation: Generation, decoder: Decoder) -> dict[str, Any]:
    """The whole answer, without the fields that only the parent knows (id, created, model)."""
    choices = [_choice(sequence, generation, decoder) for sequence in generation.sequences]
    choices *= generation.settings.candidates // len(choices)
    output = output_tokens(generation)
    prompt = len(generation.prompt_ids)
    return {
        "object": "chat.completion",
        "choices": [{**choice, "index": index} for index, choice in enumerate(choices)],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": generation.cached or 0},
        },
    }


def output_tokens(generation: Generation) -> int:
    made = sum(len(sequence.ids) for sequence in generation.sequences)
    return made * (generation.settings.candidates // len(generation.sequences))


def _choice(sequence: Sequence, generation: Generation, decoder: Decoder) -> dict[str, Any]:
    text, stop = stopped(decoder.text(sequence.ids), generation.settings.stops)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    finish = "stop" if stop else sequence.finish
    calls = tools.calls_in(text) if generation.tools else None
    if calls:
        message |= {"content": None, "tool_calls": calls}
        finish = "tool_calls"
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    if generation.settings.logprobs:
        choice["logprobs"] = {"content": _logprobs(sequence, decoder)}
    return choice


def _logprobs(sequence: Sequence, decoder: Decoder) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for token, logprob in zip(sequence.ids, sequence.logprobs, strict=False):
        raw = decoder.token_bytes(token)
        entries.append(
            {
                "token": raw.decode("utf-8", errors="replace"),
                "bytes": list(raw),
                "logprob": logprob,
                "top_logprobs": [],
            }
        )
    return entries


def piece_of(
    sequence: Sequence, index: int, generation: Generation, decoder: Decoder
) -> dict[str, Any] | None:
    """What a streamed sequence has grown by, None when there is nothing to send yet.

    Held back until it ends: an unfinished character, as much of the tail as could begin a stop string, and
    the text of a function call, which is sent whole.
    """
    text, stop = stopped(decoder.text(sequence.ids), generation.settings.stops)
    ended = bool(sequence.finish)
    if generation.tools and tools.may_be_call(text):
        calls = tools.calls_in(text) if ended else None
        if calls:
            delta: dict[str, Any] = {"role": "assistant", "tool_calls": [{"index": 0, **calls[0]}]}
            return {"index": index, "delta": delta, "finish_reason": "tool_calls"}
        if not ended:
            return None
    if not ended and not stop:
        text = text.rstrip(UNFINISHED)
        text = text[: len(text) - _stop_begun(text, generation.settings.stops)]
    fresh = text[sequence.sent_chars :]
    if not fresh and not ended:
        return None
    delta = {"content": fresh}
    if sequence.sent_chars == 0:
        delta["role"] = "assistant"
    sequence.sent_chars = len(text)
    finish = ("stop" if stop else sequence.finish) if ended else None
    return {"index": index, "delta": delta, "finish_reason": finish}


def _stop_begun(text: str, stops: tuple[str, ...]) -> int:
    """Characters at the end of `text` that may turn out to begin a stop string."""
    longest = 0
    for stop in stops:
        for size in range(min(len(stop) - 1, len(text)), longest, -1):
            if text.endswith(stop[:size]):
                longest = size
                break
    return longest
