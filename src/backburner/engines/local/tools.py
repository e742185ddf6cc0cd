"""Function calling for models that were not taught it: told in the system prompt, enforced by grammar.

A call is written as `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, the convention of the
models that were. One call per answer: small models do not know when to stop.
"""

import json
import secrets
from enum import StrEnum
from typing import Any

import msgspec

from backburner.engines.local.asked import WrongBody
from backburner.engines.local.grammar.nodes import Chars, Grammar, Lit, Node, Repeat, Seq, alt, chars, seq
from backburner.engines.local.grammar.schema import grammar_of

OPENING = "<tool_call>"
CLOSING = "</tool_call>"
_ANY = Chars(((0, 0),), negated=True)


class Choice(StrEnum):
    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


class Tool(msgspec.Struct, frozen=True):
    name: str
    description: str
    parameters: dict[str, Any] | None


def declared_of(body: dict[str, Any]) -> list[Tool]:
    """The functions of a body. Raises WrongBody."""
    found: list[Tool] = []
    for number, entry in enumerate(body.get("tools") or ()):
        function = entry.get("function") if entry.get("type", "function") == "function" else None
        if not function or not function.get("name"):
            raise WrongBody(
                f"tools[{number}]: expected a function with a name, the only tools there are here"
            )
        found.append(Tool(function["name"], function.get("description", ""), function.get("parameters")))
    return found


def choice_of(body: dict[str, Any]) -> Choice:
    """Whether the answer may, must or must not be a call. Raises WrongBody."""
    wanted = body.get("tool_choice")
    declared = bool(body.get("tools"))
    if isinstance(wanted, dict):
        wanted = Choice.REQUIRED
    if wanted in (None, "auto"):
        return Choice.AUTO if declared else Choice.NONE
    if wanted == "none":
        return Choice.NONE
    if wanted != "required":
        raise WrongBody(f"tool_choice: expected none, auto, required or a function, found {wanted!r}")
    if not declared:
        raise WrongBody("tool_choice asks for a call, but tools is empty")
    return Choice.REQUIRED


def named_of(body: dict[str, Any]) -> list[str]:
    """The functions that may be called: those that tool_choice names, else all. Raises WrongBody."""
    wanted = body.get("tool_choice")
    names = [tool.name for tool in declared_of(body)]
    if not isinstance(wanted, dict):
        return names
    if wanted.get("type") == "allowed_tools":
        entries = (wanted.get("allowed_tools") or wanted).get("tools") or []
        allowed: list[Any] = [(entry.get("function") or entry).get("name") for entry in entries]
    else:
        allowed = [(wanted.get("function") or {}).get("name")]
    for name in allowed:
        if name not in names:
            raise WrongBody(f"tool_choice names {name!r}; the tools are {', '.join(names) or 'none'}")
    return allowed


def call_grammar(tools: list[Tool], named: list[str]) -> Grammar:
    """Exactly one call of one of the named functions, with arguments as declared. Raises WrongSchema."""
    rules: dict[str, Node] = {}
    calls: list[Node] = []
    for number, tool in enumerate(tools):
        if tool.name not in named:
            continue
        arguments: Node = Lit("{}")
        if tool.parameters and tool.parameters.get("properties"):
            made = grammar_of(tool.parameters, f"f{number}")
            arguments = made.root
            rules.update(made.rules)
        head = f'{{"name": {json.dumps(tool.name)}, "arguments": '
        calls.append(seq(Lit(head), arguments, Lit("}")))
    return Grammar(seq(Lit(OPENING), alt(calls), Lit(CLOSING)), rules)


def call_or_text(call: Grammar) -> Grammar:
    """A call, or any text that does not begin like one."""
    text = Repeat(Seq((chars("<", negated=True), Repeat(_ANY))), 0, 1)
    return Grammar(alt((call.root, text)), call.rules)


def instructions(tools: list[Tool], choice: Choice) -> str:
    """What the system prompt says about the functions."""
    lines = ["You can call these functions:"]
    for tool in tools:
        function: dict[str, Any] = {"name": tool.name, "description": tool.description}
        function["parameters"] = tool.parameters or {}
        lines.append(json.dumps(function, ensure_ascii=False))
    shape = f'{OPENING}{{"name": "...", "arguments": {{...}}}}{CLOSING}'
    when = "Call one of them" if choice is Choice.REQUIRED else "To call one, when it helps,"
    end = "by answering with" if choice is Choice.REQUIRED else "answer with nothing but"
    lines.append(f"{when} {end} {shape}")
    return "\n".join(lines)


def call_text(call: dict[str, Any]) -> str:
    """An earlier call in the conversation, written as the model would have."""
    function = call.get("function") or {}
    arguments = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f'{OPENING}{{"name": {json.dumps(function.get("name", ""))}, "arguments": {text}}}{CLOSING}'


def calls_in(text: str) -> list[dict[str, Any]] | None:
    """The call that a whole answer is, as OpenAI's `tool_calls`; None when it is text or was cut."""
    inside = text.strip()
    if not inside.startswith(OPENING) or not inside.endswith(CLOSING):
        return None
    try:
        call = json.loads(inside[len(OPENING) : -len(CLOSING)])
    except ValueError:
        return None
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
    return [{"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}]


def may_be_call(text: str) -> bool:
    """Whether a text that is still growing is a call or may become one."""
    return text.startswith(OPENING) or OPENING.startswith(text)
