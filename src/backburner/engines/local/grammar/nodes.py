"""Grammars as values, and their printing as the EBNF that the runtime (xgrammar) reads.

Six kinds of node are enough for JSON and for the regular expressions of `pattern`. A rule is only needed
where a grammar refers to itself or to something large twice.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lit:
    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of ranges of code points, or with `negated` one outside them."""

    ranges: tuple[Range, ...]
    negated: bool = False

    def holds(self, char: str) -> bool:
        return any(low <= ord(char) <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class Seq:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alt:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`high` None: without end. `costly`: a bound so large that the runtime would take seconds to compile
    it; it is printed without the bound, and the answer checked against it afterwards."""

    part: "Node"
    low: int = 0
    high: int | None = None
    costly: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    rule: str


Node = Lit | Chars | Seq | Alt | Repeat | Ref
NOTHING = Seq(())


@dataclass(slots=True)
class Grammar:
    root: Node
    rules: dict[str, Node] = field(default_factory=dict[str, "Node"])


def seq(*parts: Node) -> Node:
    """The parts one after the other; literals that meet become one."""
    flat: list[Node] = []
    for part in parts:
        for one in part.parts if isinstance(part, Seq) else (part,):
            last = flat[-1] if flat else None
            if isinstance(one, Lit) and isinstance(last, Lit):
                flat[-1] = Lit(last.text + one.text)
            elif not (isinstance(one, Lit) and not one.text):
                flat.append(one)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def alt(parts: Iterable[Node]) -> Node:
    """Any of the parts, each once. What several begin with alike is said once: the runtime merges such
    alternatives by itself, and wrongly (`"10" | "100"` was seen to allow `"1000000"`)."""
    flat = (one for part in parts for one in (part.parts if isinstance(part, Alt) else (part,)))
    groups: dict[str, list[Node]] = {}
    for number, one in enumerate(dict.fromkeys(flat)):
        # What begins with a fixed character stands with its like, everything else for itself.
        groups.setdefault(_beginning(one)[:1] or f"alone {number}", []).append(one)
    made = tuple(group[0] if len(group) == 1 else _factored(group) for group in groups.values())
    return made[0] if len(made) == 1 else Alt(made)


def _beginning(node: Node) -> str:
    """The fixed text that a node begins with."""
    first = node.parts[0] if isinstance(node, Seq) and node.parts else node
    return first.text if isinstance(first, Lit) else ""


def _factored(group: list[Node]) -> Node:
    beginnings = [_beginning(one) for one in group]
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*beginnings, strict=False))
    common = "".join(column[0] for column in alike)
    return seq(Lit(common), alt(_without(one, len(common)) for one in group))


def _without(node: Node, count: int) -> Node:
    """The node without the first characters of its beginning."""
    rest = node.parts[1:] if isinstance(node, Seq) else ()
    return seq(Lit(_beginning(node)[count:]), *rest)


def chars(text: str, *ranges: tuple[str, str], negated: bool = False) -> Chars:
    """`chars("_", ("a", "z"))` is one of a to z or an underscore."""
    points = [(ord(char), ord(char)) for char in text] + [(ord(low), ord(high)) for low, high in ranges]
    return Chars(tuple(sorted(points)), negated)


def ebnf(grammar: Grammar) -> str:
    """The grammar in xgrammar's EBNF, rule `root` first."""
    lines = [f"root ::= {_top(grammar.root)}"]
    lines += [f"{name} ::= {_top(node)}" for name, node in grammar.rules.items()]
    return "\n".join(lines) + "\n"


def _top(node: Node) -> str:
    if isinstance(node, Alt):
        return " | ".join(_printed(part) for part in node.parts)
    return _printed(node)


def _printed(node: Node) -> str:
    match node:
        case Lit(text):
            return _literal(text)
        case Chars(ranges, negated):
            inside = "".join(_range(one) for one in ranges)
            return f"[{'^' if negated else ''}{inside}]"
        case Seq(parts):
            return (
                " ".join(f"({_top(one)})" if isinstance(one, Alt) else _printed(one) for one in parts) or '""'
            )
        case Alt():
            return f"({_top(node)})"
        case Repeat():
            return _repeat(node)
        case Ref(rule):
            return rule


def _repeat(node: Repeat) -> str:
    part = _printed(node.part)
    if not isinstance(node.part, Chars | Ref | Alt):
        part = f"({part})"
    low, high = node.low, None if node.costly else node.high
    if high is None:
        times = "*" if low == 0 else "+" if low == 1 else f"{{{low},}}"
    elif (low, high) == (0, 1):
        times = "?"
    else:
        times = f"{{{low},{high}}}"
    return part + times


def _range(one: Range) -> str:
    low, high = one
    return _point(low) if low == high else f"{_point(low)}-{_point(high)}"


def _point(point: int) -> str:
    """Always by number: the reader takes every hexadecimal digit that follows for part of the number, so
    a number and a plain character must not stand side by side."""
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _literal(text: str) -> str:
    """Characters stand for themselves; JSON text holds no control characters. The reader turns the others
    than ASCII into numbers and reads its own numbers wrong before a hexadecimal digit: there, a class."""
    pieces = ['"']
    for place, char in enumerate(text):
        if char in '"\\':
            pieces.append("\\" + char)
        elif not char.isascii() and text[place + 1 : place + 2] in _HEX_DIGITS:
            pieces.append(f'" [{_point(ord(char))}] "')
        else:
            pieces.append(char)
    return "".join([*pieces, '"']).replace(' ""', "")
