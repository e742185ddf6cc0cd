"""Numbers between bounds, as digits: `minimum` and `maximum` become a choice of digit patterns."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from backburner.engines.local.grammar.nodes import Chars, Lit, Node, Repeat, alt, seq
from backburner.engines.local.grammar.text import DIGIT

DIGITS_MAX = 15
DECIMALS = 2  # of a bounded number, unless its bounds have more
DECIMALS_MAX = 6
Digits = tuple[tuple[int, int], ...]  # for each place the lowest and highest digit


def integers(low: int | None, high: int | None) -> Node | None:
    """The integers from `low` to `high`, either end open when None; None when there are none."""
    return _signed(low, high, 0)


def numbers(low: Decimal | None, high: Decimal | None, *, open_low: bool, open_high: bool) -> Node | None:
    """Numbers with a fixed count of decimals inside the bounds; None when there are none."""
    places = max(DECIMALS, *(_decimals(bound) for bound in (low, high)))
    scale = Decimal(10) ** places
    first = last = None
    if low is not None:
        first = int((low * scale).to_integral_value(ROUND_CEILING))
        first += open_low and Decimal(first) == low * scale
    if high is not None:
        last = int((high * scale).to_integral_value(ROUND_FLOOR))
        last -= open_high and Decimal(last) == high * scale
    return _signed(first, last, places)


def _decimals(bound: Decimal | None) -> int:
    exponent = bound.normalize().as_tuple().exponent if bound is not None else 0
    return min(DECIMALS_MAX, max(0, -exponent)) if isinstance(exponent, int) else 0


def _signed(low: int | None, high: int | None, places: int) -> Node | None:
    limit = 10**DIGITS_MAX - 1
    low = -limit if low is None else max(low, -limit)
    high = limit if high is None else min(high, limit)
    choices: list[Node] = []
    if low <= high:
        if high >= 0:
            choices += [_node(digits, places) for digits in between(max(low, 0), high)]
        if low < 0:
            negative = between(max(1, -high), -low)
            choices += [seq(Lit("-"), _node(digits, places)) for digits in negative]
    return alt(choices) if choices else None


def between(low: int, high: int) -> list[Digits]:
    """Digit patterns that together match exactly the whole numbers from `low` to `high` (0 <= low)."""
    patterns: list[Digits] = []
    while low <= high:
        top = min(high, 10 ** len(str(low)) - 1)  # numbers of one length
        patterns += _same_length(str(low), str(top))
        low = top + 1
    return patterns


def _same_length(low: str, high: str) -> list[Digits]:
    if not low:
        return [()]
    first, last = int(low[0]), int(high[0])
    rest = len(low) - 1
    if not rest or (set(low[1:]) <= {"0"} and set(high[1:]) <= {"9"}):
        return [((first, last), *(((0, 9),) * rest))]
    if first == last:
        return [((first, first), *more) for more in _same_length(low[1:], high[1:])]
    patterns: list[Digits] = [((first, first), *more) for more in _same_length(low[1:], "9" * rest)]
    if last - first > 1:
        patterns.append(((first + 1, last - 1), *(((0, 9),) * rest)))
    return patterns + [((last, last), *more) for more in _same_length("0" * rest, high[1:])]


def _node(digits: Digits, places: int) -> Node:
    if places:
        digits = ((0, 0),) * max(0, places + 1 - len(digits)) + digits
    parts: list[Node] = []
    for place, (low, high) in enumerate(digits):
        if places and place == len(digits) - places:
            parts.append(Lit("."))
        parts.append(_digit(low, high))
    return seq(*_run_lengths(parts))


def _digit(low: int, high: int) -> Node:
    if (low, high) == (0, 9):
        return DIGIT
    return Lit(str(low)) if low == high else Chars(((ord(str(low)), ord(str(high))),))


def _run_lengths(parts: list[Node]) -> list[Node]:
    """Equal free digits in a row as one repetition: shorter to print, quicker to compile."""
    out: list[Node] = []
    for part in parts:
        last = out[-1] if out else None
        if part is DIGIT and isinstance(last, Repeat):
            out[-1] = Repeat(DIGIT, last.low + 1, last.low + 1)
        elif part is DIGIT and last is DIGIT:
            out[-1] = Repeat(DIGIT, 2, 2)
        else:
            out.append(part)
    return out
