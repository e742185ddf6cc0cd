"""The pieces of JSON text that every schema is built from, in the one layout that we let a model write:
`{"a": 1, "b": [true, null]}`, as most training text has it. No other whitespace, so none to ramble in.
"""

import json
from typing import Any

from backburner.engines.local.grammar.nodes import Alt, Chars, Lit, Node, Ref, Repeat, Seq, alt, chars, seq

QUOTE = Lit('"')
PLAIN_CHAR = chars('"\\', ("\x00", "\x1f"), negated=True)
STRING_CHAR = Alt((PLAIN_CHAR, Seq((Lit("\\"), chars('"\\/bfnrt')))))
# For the end of an answer that runs out of room: every character is one byte, so at most one token.
SHORT_CHAR = chars("", (" ", "!"), ("#", "["), ("]", "~"))
STRING = Seq((QUOTE, Repeat(STRING_CHAR), QUOTE))
DIGIT = chars("", ("0", "9"))
# 15 digits are what a double holds exactly; no exponents, small models make nonsense of them.
INTEGER = seq(Repeat(Lit("-"), 0, 1), Alt((Lit("0"), Seq((chars("", ("1", "9")), Repeat(DIGIT, 0, 14))))))
NUMBER = seq(INTEGER, Repeat(Seq((Lit("."), Repeat(DIGIT, 1, 8))), 0, 1))
BOOLEAN = Alt((Lit("true"), Lit("false")))
NULL = Lit("null")

VALUE = Ref("value")
OBJECT = Ref("object")


def literal(value: Any) -> Node:
    """A fixed JSON value, in our layout."""
    return Lit(json.dumps(value, ensure_ascii=False))


def listed(item: Node, low: int = 0, high: int | None = None) -> Node:
    """An array of `low` to `high` items."""
    if high == 0:
        return Lit("[]")
    more = Repeat(seq(Lit(", "), item), max(0, low - 1), None if high is None else high - 1)
    filled = seq(Lit("["), item, more, Lit("]"))
    return filled if low else Alt((Lit("[]"), filled))


def mapped(key: Node, value: Node) -> Node:
    """An object with any number of properties of one kind."""
    pair = seq(key, Lit(": "), value)
    return Alt((Lit("{}"), seq(Lit("{"), pair, Repeat(seq(Lit(", "), pair)), Lit("}"))))


def any_json() -> dict[str, Node]:
    """The rules `value` and `object`: any JSON there is."""
    return {
        "value": alt((STRING, NUMBER, BOOLEAN, NULL, OBJECT, listed(VALUE))),
        "object": mapped(STRING, VALUE),
    }


def plain_only(part: Chars) -> Chars:
    """The characters of a class that may stand in a JSON string as they are."""
    if part.negated:
        return Chars(tuple(sorted({*part.ranges, *PLAIN_CHAR.ranges})), negated=True)
    kept: list[tuple[int, int]] = []
    for low, high in part.ranges:
        start = low
        for stop_low, stop_high in (*PLAIN_CHAR.ranges, (0x110000, 0x110000)):
            if stop_high < start:
                continue
            if start <= min(high, stop_low - 1):
                kept.append((start, min(high, stop_low - 1)))
            start = stop_high + 1
            if start > high:
                break
    return Chars(tuple(kept))
