"""Shorthand for tests that check input lines."""

import json
from typing import Any

from backburner.core.errors import Violation
from backburner.core.job import JobKind
from backburner.core.request import CheckedLine
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Source

FILE = Source("files/abc", JobKind.GENERATE, "models/gemini-2.5-flash")
INLINE = Source(None, JobKind.GENERATE, "gemini-2.5-flash")
EMBED = Source("files/abc", JobKind.EMBED, "gemini-embedding-001")

HI: dict[str, Any] = {"contents": [{"parts": [{"text": "hi"}]}]}
VECTOR: dict[str, Any] = {"content": {"parts": [{"text": "hi"}]}}


def check(line: bytes | str | dict[str, Any], source: Source = FILE) -> CheckedLine:
    """One line, the fifth request of its job, on line 7, from byte 1000 on."""
    data = (
        json.dumps(line).encode()
        if isinstance(line, dict)
        else line.encode()
        if isinstance(line, str)
        else line
    )
    [found] = GeminiDialect().check_lines(data, source, 4, 7, 1000)
    return found


def violations(request: Any, source: Source = FILE) -> tuple[Violation, ...]:
    """What is wrong with one request in a good line."""
    return check({"key": "k", "request": request}, source).violations


def only(found: tuple[Violation, ...]) -> Violation:
    assert len(found) == 1, [violation.sentence() for violation in found]
    return found[0]
