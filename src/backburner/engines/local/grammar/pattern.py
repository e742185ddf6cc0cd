"""Regular expressions (`pattern`, `format`) as grammar, for text inside a JSON string.

The whole string is made to match: JSON Schema only asks that some part of it does, and a whole match always
satisfies that. Read with Python's own parser; what cannot be a grammar (looking around, back-references) is
refused by name.
"""

import importlib
import json
import re
from typing import Any

from backburner.engines.local.grammar.nodes import Chars, Lit, Node, Repeat, alt, chars, seq
from backburner.engines.local.grammar.text import PLAIN_CHAR, plain_only

_ops: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")

REPEAT_MAX = 512

_LATIN = ("\u00c0", "\u024f")  # letters with accents: neither digits nor spaces
_CATEGORIES = {
    "CATEGORY_DIGIT": chars("", ("0", "9")),
    "CATEGORY_WORD": chars("_", ("0", "9"), ("A", "Z"), ("a", "z")),
    "CATEGORY_SPACE": chars(" "),  # the others would have to be written as escapes
    # Their opposites, narrower than Unicode's, so that every reader of the expression agrees.
    "CATEGORY_NOT_DIGIT": chars("", (" ", "/"), (":", "~"), _LATIN),
    "CATEGORY_NOT_WORD": chars("`", (" ", "/"), (":", "@"), ("[", "^"), ("{", "~")),
    "CATEGORY_NOT_SPACE": chars(
        "", ("!", "~"), _LATIN, ("\u0370", "\u167f"), ("\u1681", "\u1fff"), ("\u3041", "\ud7ff")
    ),
}

FORMATS = {
    "date": r"(19|20)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])",  # every such day exists
    "time": r"([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "date-time": r"(19|20)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "email": r"[a-z0-9][a-z0-9._]{0,30}@[a-z0-9][a-z0-9-]{0,20}\.(com|org|net|io|edu|de|uk|fr)",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "ipv4": r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)",
}


class WrongPattern(Exception):
    """Not a regular expression, or one that no grammar can hold; the text says which part."""


def of_pattern(pattern: str) -> Node:
    """What may stand between the quotes. Raises WrongPattern."""
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise WrongPattern(f"{pattern!r} is not a regular expression: {error}") from error
    if parsed.state.flags & ~re.UNICODE:
        raise WrongPattern(f"{pattern!r} sets flags, which cannot be enforced while generating")
    return _sequence(list(parsed), pattern)


def _sequence(items: list[Any], pattern: str) -> Node:
    return seq(*(_item(name, value, pattern) for name, value in items))


def _item(name: Any, value: Any, pattern: str) -> Node:
    match str(name):
        case "LITERAL":
            return Lit(json.dumps(chr(value), ensure_ascii=False)[1:-1])
        case "NOT_LITERAL":
            return plain_only(Chars(((value, value),), negated=True))
        case "ANY":
            return PLAIN_CHAR
        case "IN":
            return _class(value, pattern)
        case "BRANCH":
            return alt(_sequence(list(branch), pattern) for branch in value[1])
        case "SUBPATTERN":
            _, flags_on, flags_off, inside = value
            if flags_on or flags_off:
                raise WrongPattern(f"{pattern!r} sets flags, which cannot be enforced while generating")
            return _sequence(list(inside), pattern)
        case "ATOMIC_GROUP":
            return _sequence(list(value), pattern)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeat(*value, pattern=pattern)
        case "AT":
            if str(value) in ("AT_BEGINNING", "AT_BEGINNING_STRING", "AT_END", "AT_END_STRING"):
                return Lit("")
            raise WrongPattern(f"{pattern!r} uses {value}, which cannot be enforced while generating")
        case other:
            raise WrongPattern(f"{pattern!r} uses {other}, which cannot be enforced while generating")


def _repeat(low: int, high: int, items: Any, pattern: str) -> Node:
    end = None if high is _ops.MAXREPEAT else int(high)
    if low > REPEAT_MAX or (end or 0) > REPEAT_MAX:
        raise WrongPattern(f"{pattern!r} repeats more than {REPEAT_MAX} times")
    return Repeat(_sequence(list(items), pattern), low, end)


def _class(items: list[Any], pattern: str) -> Node:
    ranges: set[tuple[int, int]] = set()
    negated = False
    for name, value in items:
        match str(name):
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.add((value, value))
            case "RANGE":
                ranges.add((value[0], value[1]))
            case _:
                category = _CATEGORIES.get(str(value))
                if category is None or (negated and "NOT" in str(value)):
                    raise WrongPattern(f"{pattern!r} has {value} inside brackets, which is not supported")
                ranges.update(category.ranges)
    found = plain_only(Chars(tuple(sorted(ranges)), negated))
    if not found.ranges and not found.negated:
        raise WrongPattern(f"{pattern!r} asks for characters that JSON text can only hold as escapes")
    return found
