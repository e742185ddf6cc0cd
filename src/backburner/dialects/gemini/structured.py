"""Structured output: Google's Schema as JSON Schema, and the OpenAI response_format for each MIME type.

Google's Schema is OpenAPI-like: upper-case types, `nullable`, `propertyOrdering`, int64 bounds as strings
(already numbers here: the walker reads them). responseJsonSchema is passed on as it is.
"""

from backburner.core.exchange import Feature, Json

_KEPT = (
    "title",
    "description",
    "default",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
)
# Formats that say how a number is stored or that an enum follows; JSON Schema gives them no meaning.
_STORAGE_FORMATS = frozenset(("int32", "int64", "float", "double", "enum", "byte"))


def json_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """The JSON Schema that a canonical Schema message means."""
    out: dict[str, Json] = {}
    kind = schema.get("type", "TYPE_UNSPECIFIED")
    if kind != "TYPE_UNSPECIFIED":
        out["type"] = kind.lower()
    for name in _KEPT:
        if name in schema:
            out[name] = schema[name]
    if "format" in schema and schema["format"] not in _STORAGE_FORMATS:
        out["format"] = schema["format"]
    if "enum" in schema:
        out["enum"] = list(schema["enum"])
    if "items" in schema:
        out["items"] = json_schema(schema["items"])
    if "anyOf" in schema:
        out["anyOf"] = [json_schema(inner) for inner in schema["anyOf"]]
    if "properties" in schema:
        _object(schema, out)
    if "required" in schema:
        out["required"] = list(schema["required"])
    if "additionalProperties" in schema:
        out["additionalProperties"] = _additional(schema["additionalProperties"])
    if "defs" in schema:
        out["$defs"] = {name: json_schema(inner) for name, inner in schema["defs"].items()}
    if "ref" in schema:
        out["$ref"] = schema["ref"].replace("#/defs/", "#/$defs/")
    return _nullable(out) if schema.get("nullable") else out


def _object(schema: dict[str, Json], out: dict[str, Json]) -> None:
    """Properties in propertyOrdering's order, which constrained decoding follows; nothing but them, as on the
    real service."""
    properties = schema["properties"]
    first = [name for name in schema.get("propertyOrdering", ()) if name in properties]
    order = dict.fromkeys((*first, *properties))
    out["properties"] = {name: json_schema(properties[name]) for name in order}
    out.setdefault("type", "object")
    out["additionalProperties"] = False


def _additional(value: Json) -> Json:
    """SDK schemas put a bool, or a schema that the walker has not read, here."""
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    return {**value, "type": kind.lower()} if isinstance(kind, str) else value


def _nullable(schema: dict[str, Json]) -> dict[str, Json]:
    if "type" in schema and "anyOf" not in schema:
        widened = {**schema, "type": [schema["type"], "null"]}
        if "enum" in schema:
            widened["enum"] = [*schema["enum"], None]
        return widened
    return {"anyOf": [schema, {"type": "null"}]}


def response_format(config: dict[str, Json]) -> tuple[dict[str, Json] | None, Feature | None]:
    """The OpenAI response_format that a generationConfig asks for, and what it needs."""
    mime = config.get("responseMimeType", "text/plain")
    if mime == "text/plain":
        return None, None
    if mime == "text/x.enum":
        return _named({"type": "string", "enum": enum_values(config)}), Feature.JSON_SCHEMA
    if "responseJsonSchema" in config:
        return _named(config["responseJsonSchema"]), Feature.JSON_SCHEMA
    if "responseSchema" in config:
        return _named(json_schema(config["responseSchema"])), Feature.JSON_SCHEMA
    return {"type": "json_object"}, Feature.JSON_OBJECT


def enum_values(config: dict[str, Json]) -> list[str]:
    schema = config.get("responseSchema") or config.get("responseJsonSchema") or {}
    return list(schema.get("enum", ()))


def _named(schema: Json) -> dict[str, Json]:
    return {"type": "json_schema", "json_schema": {"name": "response", "schema": schema, "strict": True}}
