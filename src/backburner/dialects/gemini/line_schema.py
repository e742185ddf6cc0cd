"""The JSON Schema (draft 2020-12) of one input line, made from the message tables.

It says what the tables say: names in both spellings, types, ranges. What holds between fields (rules.py) is
said by the checker only. Editors and other languages' validators read it; the server itself does not.
"""

from backburner.core.errors import NotFound
from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.dialects.gemini.check import MESSAGE_OF
from backburner.dialects.gemini.fields import Field, Kind, Message
from backburner.dialects.gemini.schema import MESSAGES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ROLES = ("user", "model", "function")


def line_schema(kind: str) -> dict[str, Json]:
    """`kind` is generate or embed. Raises NotFound for another."""
    if kind not in (JobKind.GENERATE.value, JobKind.EMBED.value):
        raise NotFound(f"there is no line schema {kind!r}; there are generate and embed")
    name = MESSAGE_OF[JobKind(kind)]
    request: dict[str, Json] = {"$ref": f"#/$defs/{name}"}
    wrapped = {
        "type": "object",
        "properties": {
            "key": {"type": ["string", "integer", "null"], "description": "Comes back with the answer."},
            "request": request,
            "metadata": {"type": ["object", "null"], "description": "Comes back with the answer, as it is."},
        },
        "required": ["request"],
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": f"One line of a Gemini batch input file ({kind})",
        "description": 'Either {"key": ..., "request": {...}} or the request alone.',
        "anyOf": [wrapped, request],
        "$defs": {found.name: _message(found) for found in _reached(name)},
    }


def _reached(name: str) -> list[Message]:
    """A message and all that its fields lead to."""
    found: dict[str, Message] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = MESSAGES[one]
            waiting += [field.message for field in MESSAGES[one].fields.values() if field.message]
    return list(found.values())


def _message(message: Message) -> dict[str, Json]:
    properties = {spelling: _field(field) for spelling, (_, field) in message.lookup.items()}
    out: dict[str, Json] = {"type": "object", "properties": properties, "additionalProperties": False}
    if message.name == "Content":
        properties["role"] = {"enum": [*_ROLES, None]}
        properties["parts"]["minItems"] = 1
    return out


def _field(field: Field) -> dict[str, Json]:
    one = {"$ref": f"#/$defs/{field.message}"} if field.kind is Kind.MESSAGE else _leaf(field)
    if field.repeated:
        listed: dict[str, Json] = {"type": ["array", "null"], "items": one}
        return listed if field.most is None else {**listed, "maxItems": field.most}
    if field.mapped:
        return {"type": ["object", "null"], "additionalProperties": one}
    return {"anyOf": [one, {"type": "null"}]} if field.kind is Kind.MESSAGE else _or_null(one)


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*kinds, "null"]}
    return schema


def _leaf(field: Field) -> dict[str, Json]:
    match field.kind:
        case Kind.STRING:
            return {"type": "string"}
        case Kind.BOOL:
            return {"enum": [True, False, "true", "false"]}
        case Kind.INTEGER | Kind.NUMBER:
            return _number(field)
        case Kind.BYTES:
            return {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/_-]*={0,2}$"}
        case Kind.ENUM:
            names = [*field.names, *(name.lower() for name in field.names)]
            return {"enum": [*dict.fromkeys(names), *(number for number, _ in field.numbers)]}
        case Kind.OBJECT:
            return {"type": "object"}
        case _:
            return {}


def _number(field: Field) -> dict[str, Json]:
    """A number, or its digits in a string as proto3 JSON has 64-bit ones."""
    whole = field.kind is Kind.INTEGER
    out: dict[str, Json] = {"type": ["integer" if whole else "number", "string"]}
    out["pattern"] = r"^-?\d{1,20}$" if whole else r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
    if field.low is not None:
        out["minimum"] = field.low
    if field.high is not None:
        out["maximum"] = field.high
    return out
