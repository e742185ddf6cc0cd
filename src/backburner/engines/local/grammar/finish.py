"""Ends an answer while there is room: what may still follow a text, and the shortest way to its end.

A small model left alone in an unbounded string or array may never close it. So a constrained request gets
its first tokens under the loose grammar, and if it has not ended when only a reserve is left, it goes on
under the grammar that `tightened` makes of what is still open: strings are closed soon, arrays stop at
their minimum, optional properties are left out. The model still chooses every token.
"""

import math
from collections.abc import Iterable

from backburner.engines.local.grammar.nodes import (
    NOTHING,
    Alt,
    Chars,
    Grammar,
    Lit,
    Node,
    Ref,
    Repeat,
    Seq,
    alt,
    seq,
)
from backburner.engines.local.grammar.text import SHORT_CHAR, STRING_CHAR
from backburner.engines.local.grammar.unroll import unrolled

Rules = dict[str, Node]
Found = tuple[set[int], list[Node]]  # where it can end inside the text; what may follow the text's end
SLACKS = (32, 16, 8, 4, 1, 0)  # characters that each string still gets, as the room allows
RESERVE_SLACK = 8  # what the reserve allows for


class Reading:
    """A text read with a grammar."""

    def __init__(self, grammar: Grammar, text: str) -> None:
        self._rules = grammar.rules
        self._text = text
        ends, self.open = self._read(grammar.root, 0)
        self.complete = len(text) in ends

    @property
    def possible(self) -> bool:
        """Whether the grammar allows the text as a beginning."""
        return self.complete or bool(self.open)

    def _read(self, node: Node, start: int) -> Found:
        if start == len(self._text) and not isinstance(node, Seq):
            return ({start} if _empty(node, self._rules) else set(), [node])
        match node:
            case Lit(text):
                return self._read_literal(text, start)
            case Chars():
                return ({start + 1} if node.holds(self._text[start]) else set(), [])
            case Seq(parts):
                return self._read_sequence(parts, start)
            case Alt(parts):
                return _joined(self._read(part, start) for part in parts)
            case Repeat():
                return self._read_repeat(node, start)
            case Ref(rule):
                return self._read(self._rules[rule], start)

    def _read_literal(self, literal: str, start: int) -> Found:
        rest = self._text[start : start + len(literal)]
        if rest == literal:
            return {start + len(literal)}, []
        if start + len(rest) == len(self._text) and literal.startswith(rest):
            return set(), [Lit(literal[len(rest) :])]
        return set(), []

    def _read_sequence(self, parts: tuple[Node, ...], start: int) -> Found:
        starts = {start}
        follows: list[Node] = []
        for place, part in enumerate(parts):
            ends, opened = _joined(self._read(part, one) for one in starts)
            follows += [seq(one, *parts[place + 1 :]) for one in opened]
            starts = ends
            if not starts:
                break
        return starts, follows

    def _read_repeat(self, node: Repeat, start: int) -> Found:
        ends: set[int] = {start} if node.low == 0 else set()
        follows: list[Node] = []
        front, seen, count = {start}, {start}, 0
        while front and (node.high is None or count < node.high):
            rest_low = max(0, node.low - count - 1)
            rest_high = None if node.high is None else node.high - count - 1
            if len(self._text) in front:
                follows.append(
                    Repeat(
                        node.part,
                        max(0, node.low - count),
                        None if rest_high is None else rest_high + 1,
                        node.costly,
                    )
                )
                front = front - {len(self._text)}
            found, opened = _joined(self._read(node.part, one) for one in front)
            follows += [seq(one, Repeat(node.part, rest_low, rest_high, node.costly)) for one in opened]
            count += 1
            if count >= node.low:
                ends |= found
            # Positions reached before bring nothing new, unless the count still matters.
            front = found - seen if node.high is None and count >= node.low else found
            seen |= found
        return ends, follows


def _joined(many: Iterable[Found]) -> Found:
    ends: set[int] = set()
    follows: list[Node] = []
    for some_ends, some_follows in many:
        ends |= some_ends
        follows += some_follows
    return ends, follows


def _empty(node: Node, rules: Rules, above: tuple[str, ...] = ()) -> bool:
    """Whether nothing at all is a text of the node."""
    match node:
        case Lit(text):
            return not text
        case Chars():
            return False
        case Seq(parts):
            return all(_empty(part, rules, above) for part in parts)
        case Alt(parts):
            return any(_empty(part, rules, above) for part in parts)
        case Repeat():
            return node.low == 0 or _empty(node.part, rules, above)
        case Ref(rule):
            return rule not in above and _empty(rules[rule], rules, (*above, rule))


class Finisher:
    """Knows for one grammar how to end what is open."""

    def __init__(self, grammar: Grammar) -> None:
        """Raises Endless for a grammar that no finite text satisfies."""
        self.grammar, self._levels = unrolled(grammar)
        self._shortest: dict[str, int] = {}
        self._worst: dict[str, int] = {}

    def reserve(self) -> int:
        """Tokens that ending an answer takes at the most, wherever in it the room runs out."""
        return self._worst_of(self.grammar.root)

    def tightened(self, reading: Reading, tokens: int) -> Grammar:
        """A grammar that ends what is open, with as much freedom as `tokens` allow."""
        node = min(reading.open, key=self._shortest_of)
        for slack in SLACKS:
            tight = self._tight(node, slack)
            if self._tokens(tight) <= tokens:
                return Grammar(tight)
        return Grammar(self._minimal(node))

    # -- how long ends are --------------------------------------------------------------------------

    def _shortest_of(self, node: Node) -> int:
        """Characters of the shortest text."""
        match node:
            case Lit(text):
                return len(text)
            case Chars():
                return 1
            case Seq(parts):
                return sum(map(self._shortest_of, parts))
            case Alt(parts):
                return min(map(self._shortest_of, parts))
            case Repeat():
                return node.low * self._shortest_of(node.part) if node.low else 0
            case Ref(rule):
                if rule not in self._shortest:
                    self._shortest[rule] = self._shortest_of(self.grammar.rules[rule])
                return self._shortest[rule]

    def _worst_of(self, node: Node) -> int:
        """Tokens to the end of a node from its most inconvenient place."""
        match node:
            case Lit() | Chars():
                return self._tokens(node)
            case Seq(parts):
                worst = after = 0
                for part in reversed(parts):
                    worst = max(worst, self._worst_of(part) + after)
                    after += self._tokens(self._tight(part, RESERVE_SLACK))
                return worst
            case Alt(parts):
                return max(map(self._worst_of, parts))
            case Repeat(part, low):
                if isinstance(part, Chars) or part == STRING_CHAR:
                    return self._tokens(self._tight(node, RESERVE_SLACK))
                rest = max(0, low - 1) * self._tokens(self._tight(part, RESERVE_SLACK))
                return self._worst_of(part) + rest
            case Ref(rule):
                if rule not in self._worst:
                    self._worst[rule] = self._worst_of(self.grammar.rules[rule])
                return self._worst[rule]

    def _tokens(self, node: Node) -> int:
        """How many tokens a text of a tightened node takes at the most: one for each free character, and
        for fixed text one for every two, as property names and punctuation come out."""
        match node:
            case Lit(text):
                return math.ceil(len(text) / 2)
            case Chars():
                return 1
            case Seq(parts):
                return sum(map(self._tokens, parts))
            case Alt(parts):
                return max(map(self._tokens, parts))
            case Repeat():
                return (node.high or 0) * self._tokens(node.part)
            case Ref(rule):
                raise AssertionError(f"rule {rule} in a tightened grammar")

    # -- making a node end --------------------------------------------------------------------------

    def _minimal(self, node: Node) -> Node:
        """Only the shortest text, or one of the shortest."""
        match node:
            case Lit() | Chars():
                return node
            case Seq(parts):
                return seq(*map(self._minimal, parts))
            case Alt(parts):
                return self._minimal(min(parts, key=self._shortest_of))
            case Repeat(part, low):
                return _times(self._minimal(part), low, low) if low else NOTHING
            case Ref(rule):
                return self._minimal(self.grammar.rules[rule])

    def _tight(self, node: Node, slack: int) -> Node:
        """Strings of at most `slack` characters more, arrays at their minimum, no optional properties, of
        alternatives those not much longer than the shortest, of recursion only the shortest way out."""
        match node:
            case Lit() | Chars():
                return node
            case Seq(parts):
                return seq(*(self._tight(part, slack) for part in parts))
            case Alt(parts):
                most = self._shortest_of(node) + slack
                near = [part for part in parts if self._shortest_of(part) <= most]
                return alt(self._tight(part, slack) for part in near)
            case Repeat(part, low, high):
                if isinstance(part, Chars) or part == STRING_CHAR:
                    char = part if isinstance(part, Chars) else SHORT_CHAR
                    most = max(low, slack)
                    return _times(char, low, most if high is None else min(most, high))
                return _times(self._tight(part, slack), low, low) if low else NOTHING
            case Ref(rule):
                if rule in self._levels:
                    return self._minimal(node)
                return self._tight(self.grammar.rules[rule], slack)


def _times(part: Node, low: int, high: int) -> Node:
    if not high:
        return NOTHING
    return part if low == high == 1 else Repeat(part, low, high)
