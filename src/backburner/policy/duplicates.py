"""Requests that must have the same answer run once (design, section 7.3).

The first of some identical requests leads, the others follow: a complete answer of the leader is the answer of them
all. A leader that ended without one is followed by the next, once; after that every one of them runs for itself. Two
that failed the same way are no chance, and a hundred thousand tried one after the other would take for ever.

Which requests are identical, and that their answer is determined at all, is in their fingerprint: a dialect gives one
only where the temperature is 0 or a seed is named, and for embeddings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from backburner.core.exchange import CallKind, Json

_WHOLE = frozenset(("stop", "tool_calls", "function_call"))
_JSON = frozenset(("json_object", "json_schema"))

T = TypeVar("T")


class Grouping:
    """Makes (leader, follower) pairs of identical requests, that come as (name of their group, ordinal), group by
    group, a page at a time. A leader has up to `most` followers; the last of them leads the next ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._group: int | None = None
        self._leader = 0
        self._followers = 0

    def pairs(self, rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        for group, ordinal in rows:
            if group != self._group:
                self._group, self._leader, self._followers = group, ordinal, 0
                continue
            yield self._leader, ordinal
            self._followers += 1
            if self._followers == self._most:
                self._leader, self._followers = ordinal, 0


def next_to_run(waiting: Sequence[T], lost: int) -> Sequence[T]:
    """Which of those that wait run now that `lost` of their kind, the leader among them, ended without an answer that
    the others can have."""
    return waiting[:1] if lost == 1 else waiting


def determined(kind: CallKind, body: Mapping[str, Json]) -> bool:
    """Whether the same call must have the same answer: greedy, sampled from a seed, or a vector."""
    return kind is CallKind.EMBED or body.get("temperature") == 0 or body.get("seed") is not None


def complete(asked: Mapping[str, Json], answered: Mapping[str, Json]) -> bool:
    """Whether an engine's answer is whole, so that others may have it too. `asked` is the body of the call, `answered`
    that of the answer: chat completions or embeddings. An answer that is cut, filtered, refused, empty, or no JSON
    where JSON was asked for is kept by the request that got it and by no other."""
    if "data" in answered and "choices" not in answered:
        return bool(answered["data"])
    choices = answered.get("choices")
    wanted = asked.get("response_format")
    as_json = isinstance(wanted, dict) and wanted.get("type") in _JSON
    return isinstance(choices, list) and bool(choices) and all(_whole(choice, as_json) for choice in choices)


def _whole(choice: Json, as_json: bool) -> bool:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or choice.get("finish_reason") not in _WHOLE or message.get("refusal"):
        return False
    calls, text = message.get("tool_calls"), message.get("content")
    if calls:
        return all(_is_json(_arguments(call)) for call in calls)
    return bool(text) and (not as_json or (isinstance(text, str) and _is_json(text)))


def _arguments(call: Json) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    return function.get("arguments") or "{}" if isinstance(function, dict) else None


def _is_json(text: Json) -> bool:
    if not isinstance(text, str):
        return isinstance(text, dict)
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
