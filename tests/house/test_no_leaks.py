"""Nothing of the machine that wrote a file stays in it: no home folders, no registry hosts, no keys.

The patterns are put together from pieces so that this file does not find itself.
"""

import re
from pathlib import Path

from .source import REPO, tracked

LEAKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a path of one machine",
        re.compile(r"(?<![\w./$-])/(root|wo" r"rk|Users|opt/(py" r"pi|wheels))[/\w-]*/[\w.]"),
    ),
    ("a home folder", re.compile(r"(?<![\w./$-])/ho" r"me/(?!me\b|you\b|user\b)[\w.]")),
    (
        "a registry host",
        re.compile(
            r"\b(pypi\.o" r"rg|files\.pythonho" r"sted|registry\.np" r"mjs|test\.pypi)\b", re.IGNORECASE
        ),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE" r" KEY-----")),
    ("a Google API key", re.compile(r"\bAI" r"za[0-9A-Za-z_-]{30,}")),
    ("an API key", re.compile(r"\bsk" r"-[A-Za-z0-9]{2,}[A-Za-z0-9_-]{24,}")),
)


def leaks(text: str) -> list[str]:
    return [
        f"line {text.count(chr(10), 0, found.start()) + 1}: {what}: {found.group()}"
        for what, pattern in LEAKS
        for found in pattern.finditer(text)
    ]


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_no_tracked_file_leaks() -> None:
    found = {str(path.relative_to(REPO)): leaks(read(path)) for path in tracked()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_leak_is_seen() -> None:
    for text in (
        "see /wo" + "rk/main/README.md",
        "path = '/ro" + "ot/models'",
        "/ho" + "me/anna/models",
        "index-url = https://pypi.o" + "rg/simple",
        '"resolved": "https://registry.np' + 'mjs.org/x"',
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        "key: AI" + "za" + "0" * 35,
    ):
        assert len(leaks("first line\n" + text)) == 1, text
    for text in ("src/backburner/work/intake.py", "work/ owns the loops", "$HOME/models", "~/models"):
        assert leaks(text) == [], text
