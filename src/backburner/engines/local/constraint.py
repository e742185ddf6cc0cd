"""What a request demands of the form of its answer, as a grammar, and how it is brought to an end.

Built once per distinct schema and tool set and kept: a job usually has one, in a million requests.
"""

import functools
import json
from enum import StrEnum
from typing import Any

from backburner.engines.local import tools
from backburner.engines.local.asked import WrongBody
from backburner.engines.local.grammar.finish import Finisher, Reading
from backburner.engines.local.grammar.nodes import Alt, Grammar, Node, Repeat, Seq, alt, ebnf
from backburner.engines.local.grammar.refusal import WrongSchema
from backburner.engines.local.grammar.schema import CHARS_EXACT_MAX, grammar_of, object_grammar
from backburner.engines.local.grammar.unroll import Endless

KEPT = 256
MARGIN_TOKENS = 8  # over the reserve's own estimate


class Verdict(StrEnum):
    """What a text under a constraint is."""

    WHOLE = "whole"
    OPEN = "open"  # a good beginning
    WRONG = "wrong"


class Constraint:
    """`free` says that plain text is allowed as well (tools on `auto`)."""

    def __init__(self, grammar: Grammar, *, free: bool = False) -> None:
        self.free = free
        try:
            self._finisher = Finisher(grammar)
        except Endless as error:
            raise WrongBody("the schema requires itself, so no answer to it ever ends") from error
        self._grammar = grammar = self._finisher.grammar
        self.checked = any(_costly(node) for node in (grammar.root, *grammar.rules.values()))
        self.form = ebnf(grammar)
        self._reserve = self._finisher.reserve() + MARGIN_TOKENS

    def first_tokens(self, room: int) -> int:
        """How much of the room to spend before what is still open gets closed."""
        return max(1, room - min(self._reserve, room // 2))

    def verdict(self, text: str) -> Verdict:
        reading = Reading(self._grammar, text)
        if reading.complete:
            return Verdict.WHOLE
        return Verdict.OPEN if reading.possible else Verdict.WRONG

    def closing_form(self, text: str, tokens: int) -> str | None:
        """The grammar that ends a text within `tokens`, None when the text is none of ours."""
        reading = Reading(self._grammar, text)
        return ebnf(self._finisher.tightened(reading, tokens)) if reading.open else None

    def strict_form(self) -> str:
        """The grammar with every costly bound replaced by one that the runtime can enforce."""
        rules = {name: _strict(node) for name, node in self._grammar.rules.items()}
        return ebnf(Grammar(_strict(self._grammar.root), rules))


def constraint_of(body: dict[str, Any]) -> Constraint | None:
    """What the body demands; None when any text will do. Raises WrongBody."""
    form = body.get("response_format") or {}
    choice = tools.choice_of(body)
    if form.get("type") in (None, "text") and choice is tools.Choice.NONE:
        return None
    declared = body.get("tools") if choice is not tools.Choice.NONE else None
    return _constraint(json.dumps([form, declared, str(choice), tools.named_of(body)]))


@functools.lru_cache(maxsize=KEPT)
def _constraint(key: str) -> Constraint:
    form, declared, choice, named = json.loads(key)
    try:
        answer = _answer_grammar(form)
        if not declared:
            assert answer is not None
            return Constraint(answer)
        call = tools.call_grammar(tools.declared_of({"tools": declared}), named)
        if choice == tools.Choice.REQUIRED:
            return Constraint(call)
        if answer is None:
            return Constraint(tools.call_or_text(call), free=True)
        return Constraint(Grammar(alt((call.root, answer.root)), {**call.rules, **answer.rules}))
    except WrongSchema as error:
        raise WrongBody(str(error)) from error


def _answer_grammar(form: dict[str, Any]) -> Grammar | None:
    match form.get("type"):
        case "json_schema":
            schema = (form.get("json_schema") or {}).get("schema")
            return object_grammar() if schema is None else grammar_of(schema)
        case "json_object":
            return object_grammar()
        case None | "text":
            return None
        case other:
            raise WrongBody(
                f"response_format.type: expected text, json_object or json_schema, found {other!r}"
            )


def _costly(node: Node) -> bool:
    match node:
        case Repeat():
            return node.costly or _costly(node.part)
        case Seq(parts) | Alt(parts):
            return any(map(_costly, parts))
        case _:
            return False


def _strict(node: Node) -> Node:
    match node:
        case Repeat(part, low, high, costly):
            return Repeat(_strict(part), low, max(low, CHARS_EXACT_MAX) if costly else high)
        case Seq(parts):
            return Seq(tuple(map(_strict, parts)))
        case Alt(parts):
            return Alt(tuple(map(_strict, parts)))
        case _:
            return node
