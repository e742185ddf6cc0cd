"""Numbers between bounds, as digits: `minimum` and `maximum` become a choice of digit patterns."""

import functools
import itertools
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from backburner.engines.local.grammar.nodes import NOTHING, Chars, Lit, Node, Repeat, alt, seq
from backburner.engines.local.grammar.text import DIGIT

DIGITS_MAX = 15
DECIMALS = 2  # of a bounded number, unless its bounds have more
DECIMALS_MAX = 6
_POINT = 10  # the decimal point among the digits
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
            choices.append(_node(between(max(low, 0), high), places))
        if low < 0:
            choices.append(seq(Lit("-"), _node(between(max(1, -high), -low), places)))
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


def _node(patterns: list[Digits], places: int) -> Node:
    """The patterns as one grammar in which each character decides the way: where several ways begin alike
    the runtime would merge them, and was seen to merge them into something else."""
    return _ways(frozenset(_pointed(digits, places) for digits in patterns))


def _pointed(digits: Digits, places: int) -> Digits:
    """With zeros in front and the decimal point where `places` demands them. The point is a `digit` too."""
    if not places:
        return digits
    padded = ((0, 0),) * max(0, places + 1 - len(digits)) + digits
    return (*padded[:-places], (_POINT, _POINT), *padded[-places:])


@functools.cache
def _ways(patterns: frozenset[Digits]) -> Node:
    free = _any_length(patterns)
    if free is not None:
        return free
    longer = [digits for digits in patterns if digits]
    borders = sorted({low for (low, _), *_ in longer} | {high + 1 for (_, high), *_ in longer})
    ways: dict[Node, list[tuple[int, int]]] = {}
    for first, after in itertools.pairwise(borders):
        rest = frozenset(
            digits[1:] for digits in longer if digits[0][0] <= first and after - 1 <= digits[0][1]
        )
        if rest:
            ways.setdefault(_ways(rest), []).append((first, after - 1))
    chosen = [seq(_digit(ranges), rest) for rest, ranges in ways.items()]
    return alt([*chosen, *([NOTHING] if len(longer) < len(patterns) else [])])


def _any_length(patterns: frozenset[Digits]) -> Node | None:
    """Free digits, of any count from one to another, and the same end behind them: a repetition."""
    heads = {digits[: _point(digits)] for digits in patterns}
    tails = {digits[_point(digits) :] for digits in patterns}
    counts = sorted(map(len, heads))
    free = all(place == (0, 9) for digits in heads for place in digits)
    if not free or len(tails) > 1 or counts != list(range(counts[0], counts[-1] + 1)):
        return None
    tail = seq(*(_digit([place]) for place in next(iter(tails))))
    if counts[-1] <= 1:
        head = NOTHING if not counts[-1] else DIGIT if counts[0] else Repeat(DIGIT, 0, 1)
        return seq(head, tail)
    return seq(Repeat(DIGIT, counts[0], counts[-1]), tail)


def _point(digits: Digits) -> int:
    """The place of the decimal point, or the end."""
    return digits.index((_POINT, _POINT)) if (_POINT, _POINT) in digits else len(digits)


def _digit(ranges: list[tuple[int, int]]) -> Node:
    """One character out of ranges of digits."""
    points = tuple((_code(low), _code(high)) for low, high in ranges)
    if points == ((0x30, 0x39),):
        return DIGIT
    return Lit(chr(points[0][0])) if len(points) == 1 and points[0][0] == points[0][1] else Chars(points)


def _code(digit: int) -> int:
    return ord(".") if digit == _POINT else ord(str(digit))
