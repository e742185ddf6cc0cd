"""Draws texts out of grammars, and schemas to make grammars from."""

import random
from typing import Any

from backburner.engines.local.grammar.nodes import Alt, Chars, Grammar, Lit, Node, Ref, Repeat, Seq

MORE = 3  # repetitions above the minimum, where there is no end
SOME_CHARS = "aZ09 _-.,:/#äß☃🎉'{}[]<>&é"


def text_of(grammar: Grammar, chance: random.Random) -> str:
    """One text of the grammar."""
    return drawn(grammar.root, grammar.rules, chance)


def drawn(node: Node, rules: dict[str, Node], chance: random.Random) -> str:
    match node:
        case Lit(text):
            return text
        case Chars():
            return a_char(node, chance)
        case Seq(parts):
            return "".join(drawn(part, rules, chance) for part in parts)
        case Alt(parts):
            return drawn(chance.choice(parts), rules, chance)
        case Repeat(part, low, high):
            most = low + MORE if high is None else min(high, max(low, chance.choice((low, low + MORE, high))))
            return "".join(drawn(part, rules, chance) for _ in range(chance.randint(low, most)))
        case Ref(rule):
            return drawn(rules[rule], rules, chance)


def a_char(node: Chars, chance: random.Random) -> str:
    if node.negated:
        return chance.choice([char for char in SOME_CHARS if node.holds(char)])
    low, high = chance.choice(node.ranges)
    return chr(chance.randint(low, high))


NAME = {"type": "string"}
TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 3},
            },
            "required": ["value", "children"],
        }
    },
    "$ref": "#/$defs/node",
}
CHAIN = {
    "$defs": {
        "link": {
            "type": "object",
            "properties": {"v": NAME, "next": {"anyOf": [{"$ref": "#/$defs/link"}, {"type": "null"}]}},
            "required": ["v", "next"],
        }
    },
    "$ref": "#/$defs/link",
}
ORDER = {  # as pydantic writes it
    "$defs": {
        "Color": {"enum": ["red", "green", "blue"], "title": "Color", "type": "string"},
        "Item": {
            "properties": {
                "name": {"title": "Name", "type": "string"},
                "color": {"$ref": "#/$defs/Color"},
                "price": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None, "title": "Price"},
            },
            "required": ["name", "color"],
            "title": "Item",
            "type": "object",
        },
    },
    "properties": {
        "items": {"items": {"$ref": "#/$defs/Item"}, "title": "Items", "type": "array"},
        "total": {"title": "Total", "type": "integer"},
    },
    "required": ["items", "total"],
    "title": "Order",
    "type": "object",
}


def obj(required: bool = True, **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": list(properties)} if required else schema


SCHEMAS: dict[str, Any] = {
    "flat": obj(name=NAME, age={"type": "integer", "minimum": 0, "maximum": 120}, member={"type": "boolean"}),
    "nested": obj(a=obj(b=obj(c=NAME, d={"type": "array", "items": {"type": "array", "items": NAME}}))),
    "list": {"type": "array", "items": obj(recipe=NAME, ingredients={"type": "array", "items": NAME})},
    "enum": {"type": "string", "enum": ["positive", "negative", "neutral"]},
    "optional": obj(False, a=NAME, b={"type": "integer"}, c={"type": "array", "items": {"type": "number"}}),
    "some_required": {**obj(False, a=NAME, b={"type": "integer"}, c=NAME, d=NAME), "required": ["b", "d"]},
    "at_least_two": {**obj(False, a=NAME, b=NAME, c=NAME), "minProperties": 2},
    "closed": {**obj(a=NAME), "additionalProperties": False},
    "union": {
        "anyOf": [obj(kind={"const": "cat"}, lives={"type": "integer"}), obj(kind={"const": "dog"}), NAME]
    },
    "union_beside": {
        **obj(False, base={"type": "integer"}),
        "anyOf": [obj(x=NAME), obj(y={"type": "boolean"})],
    },
    "tree": TREE,
    "chain": CHAIN,
    "order": ORDER,
    "types": obj(nick={"type": ["string", "null"], "maxLength": 12}, n={"type": ["integer", "boolean"]}),
    "bounds": obj(
        pct={"type": "integer", "minimum": 1, "maximum": 100},
        t={"type": "number", "minimum": -12.5, "maximum": 37.25},
        neg={"type": "integer", "minimum": -250, "maximum": -17},
        big={"type": "integer", "minimum": 1000},
        share={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        old={"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 0.05},
    ),
    "lengths": obj(
        code={"type": "string", "minLength": 3, "maxLength": 3},
        long={"type": "string", "minLength": 20, "maxLength": 400},
        short={"type": "string", "maxLength": 5},
        mid={"type": "string", "minLength": 10},
    ),
    "formats": obj(
        **{
            name: {"type": "string", "format": name}
            for name in ("date", "time", "date-time", "uuid", "email", "ipv4")
        }
    ),
    "patterns": obj(
        plate={"type": "string", "pattern": "^[A-Z]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}$"},
        word={"type": "string", "pattern": r"^\w+(-\w+)*$"},
        quote={"type": "string", "pattern": r'^"a\\b"?.*[^x]\D$'},
        choice={"type": "string", "pattern": "(?:yes|no|may ?be)+?"},
    ),
    "items": obj(
        three={"type": "array", "items": NAME, "minItems": 3, "maxItems": 3},
        up_to={"type": "array", "items": {"type": "integer"}, "maxItems": 4},
        at_least={"type": "array", "items": {"type": "boolean"}, "minItems": 2},
        none={"type": "array", "maxItems": 0},
    ),
    "tuple": {
        "type": "array",
        "prefixItems": [NAME, {"type": "integer"}, {"type": "boolean"}],
        "items": False,
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "empty_object": {"type": "object", "properties": {}, "additionalProperties": False},
    "any_object": {"type": "object"},
    "anything": {},
    "all_of": {"allOf": [obj(a=NAME), obj(b={"type": "integer", "minimum": 3}), {"required": ["a", "b"]}]},
    "mixed_enum": obj(
        v={"const": 1}, e={"enum": [1, "two", None, True, {"x": [1, 2]}]}, n={"enum": [10, 20]}
    ),
    "untyped": {"properties": {"a": {"items": {"minimum": 3}}}, "required": ["a"]},
    "odd_names": obj(
        **{
            "größe": {"type": "integer"},
            'emoji 🎉 "q"\n': {"enum": ["☃", '"quoted"', "back\\slash", "new\nline"]},
        }
    ),
}
