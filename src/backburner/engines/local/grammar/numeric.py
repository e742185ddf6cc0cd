"""The numeric keywords of JSON Schema: bounds as grammar."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from backburner.engines.local.grammar import ranges, text
from backburner.engines.local.grammar.nodes import Node
from backburner.engines.local.grammar.refusal import WrongSchema


def number_of(schema: dict[str, Any], path: str, *, whole: bool) -> Node:
    """The grammar of `integer` (`whole`) and `number`. Raises WrongSchema."""
    if schema.get("multipleOf") not in (None, 1):
        raise WrongSchema(f"{path}: multipleOf cannot be enforced by the embedded engine; leave it out")
    whole = whole or schema.get("multipleOf") == 1
    low, open_low = _bound(schema, "minimum", "exclusiveMinimum", max, path)
    high, open_high = _bound(schema, "maximum", "exclusiveMaximum", min, path)
    if low is None and high is None:
        return text.INTEGER if whole else text.NUMBER
    if whole:
        first = None if low is None else int(low // 1) + (low % 1 != 0 or open_low)
        last = None if high is None else -int(-high // 1) - (high % 1 != 0 or open_high)
        node = ranges.integers(first, last)
    else:
        node = ranges.numbers(low, high, open_low=open_low, open_high=open_high)
    if node is None:
        raise WrongSchema(f"{path}: no number is between minimum and maximum")
    return node


def _bound(
    schema: dict[str, Any],
    word: str,
    open_word: str,
    tighter: Callable[[Decimal, Decimal], Decimal],
    path: str,
) -> tuple[Decimal | None, bool]:
    """A bound and whether it is excluded; the draft-4 spelling (`exclusiveMinimum: true`) works too."""
    closed, opened = schema.get(word), schema.get(open_word)
    for name, value in ((word, closed), (open_word, opened)):
        if value is not None and not isinstance(value, int | float):
            raise WrongSchema(f"{path}.{name}: expected a number, found {value!r}")
    if isinstance(opened, bool):
        return (None if closed is None else Decimal(str(closed))), opened and closed is not None
    if opened is None:
        return (None if closed is None else Decimal(str(closed))), False
    if closed is None:
        return Decimal(str(opened)), True
    both = Decimal(str(closed)), Decimal(str(opened))
    chosen = tighter(*both)
    return chosen, chosen == both[1]
