"""Takes recursion out of a grammar: each rule that can reach itself becomes DEPTH rules, one per level.

Only a grammar without recursion has a longest way to its end, and so a reserve that is known to be enough.
The price is that no answer nests deeper than DEPTH such rules, which no small model does sensibly.
"""

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

DEPTH = 10


class Endless(Exception):
    """No text within DEPTH levels satisfies the grammar: it requires itself."""


def unrolled(grammar: Grammar) -> tuple[Grammar, frozenset[str]]:
    """The same grammar to DEPTH levels, and the names of the rules that stand for levels. Raises Endless."""
    recursive = {name for name in grammar.rules if name in _reached(grammar, name)}
    if not recursive:
        return grammar, frozenset()
    levels: dict[str, Node] = {}
    for level in range(DEPTH + 1):
        for name in recursive:
            body = _at(grammar.rules[name], level - 1, recursive, levels)
            if body is not None:
                levels[_name(name, level)] = body
    plain = {name: node for name, node in grammar.rules.items() if name not in recursive}
    rules = {name: _at(node, DEPTH, recursive, levels) for name, node in plain.items()}
    root = _at(grammar.root, DEPTH, recursive, levels)
    if root is None or None in rules.values():
        raise Endless
    kept = {name: node for name, node in rules.items() if node is not None}
    return _needed(Grammar(root, {**kept, **levels})), frozenset(levels)


def _name(rule: str, level: int) -> str:
    return f"{rule}_{level}"


def _at(node: Node, level: int, recursive: set[str], levels: dict[str, Node]) -> Node | None:
    """The node with its recursive references on `level`; None when it cannot be had there."""
    match node:
        case Lit() | Chars():
            return node
        case Seq(parts):
            made = [_at(part, level, recursive, levels) for part in parts]
            return None if None in made else seq(*(part for part in made if part is not None))
        case Alt(parts):
            made = [_at(part, level, recursive, levels) for part in parts]
            kept = [part for part in made if part is not None]
            return alt(kept) if kept else None
        case Repeat(part, low, high, costly):
            inner = _at(part, level, recursive, levels)
            if inner is None:
                return None if low else NOTHING
            return Repeat(inner, low, high, costly)
        case Ref(rule):
            if rule not in recursive:
                return node
            name = _name(rule, level)
            return Ref(name) if name in levels else None


def _reached(grammar: Grammar, rule: str) -> set[str]:
    """The rules that a rule refers to, near or far; itself only if it is recursive."""
    found: set[str] = set()
    todo = [rule]
    while todo:
        for name in _references(grammar.rules[todo.pop()]):
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


def _references(node: Node) -> set[str]:
    match node:
        case Lit() | Chars():
            return set()
        case Seq(parts) | Alt(parts):
            return set[str]().union(*map(_references, parts))
        case Repeat():
            return _references(node.part)
        case Ref(rule):
            return {rule}


def _needed(grammar: Grammar) -> Grammar:
    """Without the rules that nothing refers to."""
    needed: set[str] = set()
    todo = list(_references(grammar.root))
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += _references(grammar.rules[name])
    return Grammar(grammar.root, {name: node for name, node in grammar.rules.items() if name in needed})
