"""What is wrong in one request: collects violations with their JSON paths, and how values are shown.

Paths are built only when something is wrong: a place is a linked pair (parent, step), free to make on the
way down. The list is bounded, so a line made of mistakes costs no more than the reader can use.
"""

import re

from backburner.core.errors import Violation
from backburner.core.exchange import Json

# A place in a JSON value: None is the root, a step is a member's name as the caller spelt it, or an index.
Place = tuple["Place", str | int] | None

MOST_VIOLATIONS = 50
_PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$-]{0,60}")


def path_of(place: Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        if isinstance(step, int):
            steps.append(f"[{step}]")
        elif _PLAIN_NAME.fullmatch(step):
            steps.append("." + step)
        else:
            steps.append(f"[{quoted(step)}]")
    return "".join(reversed(steps)).removeprefix(".")


def quoted(text: str, most: int = 40) -> str:
    cut = text if len(text) <= most else text[:most] + "…"
    clean = cut.encode("unicode_escape").decode() if not cut.isprintable() else cut
    return f'"{clean}"'


def shown(value: Json) -> str:
    """A value in words, short enough for a sentence."""
    if value is None:
        return "null"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, int | float):
        digits = str(value) if not isinstance(value, int) or abs(value) < 10**20 else "a very long one"
        return f"the number {digits}"
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "an object" if value else "an empty object"


class Flawed(dict[str, Json]):
    """An object some members of which were refused, and so are not in it; `refused` has their names. What is
    missing in such an object is not complained about twice."""

    refused: frozenset[str] = frozenset()


class Report:
    """Violations and warnings of one request. `root` stands before the path of what is reported next."""

    __slots__ = ("_found", "root", "warnings")

    def __init__(self, root: str = "") -> None:
        self.root = root
        self.warnings: list[str] = []
        self._found: list[tuple[str, str, str, str]] = []

    def wrong(self, place: Place, reason: str, instead: str = "", word: str = "") -> None:
        if len(self._found) < MOST_VIOLATIONS:
            self._found.append((self._from_root(path_of(place)), reason, instead, word))

    def warn(self, words: str) -> None:
        if words not in self.warnings:
            self.warnings.append(words)

    @property
    def clean(self) -> bool:
        return not self._found

    def violations(self, line: int | None = None, key: str | None = None) -> tuple[Violation, ...]:
        return tuple(
            Violation(path, reason, instead, line, key, word) for path, reason, instead, word in self._found
        )

    def _from_root(self, path: str) -> str:
        if not self.root or not path:
            return self.root or path
        return self.root + path if path.startswith("[") else f"{self.root}.{path}"
