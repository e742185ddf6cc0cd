"""Twelve mistakes that people make in input files, each on a line of its own among many good ones.

Each is one line, what its report must name (a JSON path, in either spelling), and a word of the way out where
there is one. The first eight are reported by users of the hosted service (contract, section 7).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.e2e.jobs import asking

GOOD: dict[str, Any] = asking("good")


@dataclass(frozen=True)
class Mistake:
    line: str
    names: str  # a pattern that the line's report must match
    key: str | None = None


def keyed(key: str, request: Any, **beside: Any) -> str:
    return json.dumps({"key": key, "request": request, **beside})


def mistaken(key: str, names: str, request: Any, **beside: Any) -> Mistake:
    return Mistake(keyed(key, request, **beside), names, key)


PARTS = [{"text": "hello"}]
MISTAKES: tuple[Mistake, ...] = (
    Mistake('{"key": "m0", "request": {"contents": [}}', r"JSON"),
    mistaken("m1", r"temperature.*generationConfig", {**GOOD, "temperature": 0.5}),
    mistaken("m2", r"safety_?[sS]ettings", GOOD, safetySettings=[]),
    mistaken("m3", r"system_?[iI]nstruction", {**GOOD, "systemInstruction": 7}),
    mistaken("m4", r"contents", {"content": {"parts": PARTS}}),
    mistaken("m5", r"text", {"contents": [{"parts": [{"txt": "hello"}]}]}),
    mistaken("m6", r"temperature", {**GOOD, "generationConfig": {"temperature": "warm"}}),
    mistaken("m7", r"max_?[oO]utput_?[tT]okens", {**GOOD, "generationConfig": {"max_tokens": 5}}),
    mistaken("m8", r"role", {"contents": [{"role": "assistant", "parts": PARTS}]}),
    mistaken(
        "m9", r"response_?[sS]chema", {**GOOD, "generationConfig": {"responseSchema": {"type": "TEXT"}}}
    ),
    Mistake('["not", "an", "object"]', r"object"),
    mistaken("m11", r"contents", {"generationConfig": {}}),
)


def mixed(good: int) -> Iterator[tuple[str, Mistake | None]]:
    """The good lines with the mistakes spread over them evenly: (line, its mistake or None)."""
    every = good // len(MISTAKES)
    left = iter(MISTAKES)
    for number in range(good):
        if number % every == every // 2 and (mistake := next(left, None)):
            yield mistake.line, mistake
        yield keyed(f"g{number}", asking(f"echo {number}")), None


def about_line(number: int, report: str) -> str:
    """All that a report says about one line: from `line n` to where it speaks of another line."""
    told = re.split(r"(?i)(?=\bline \d)", report)
    return "\n".join(piece for piece in told if re.match(rf"(?i)line {number}\b", piece))
