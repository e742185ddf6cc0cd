"""Made-up JSON that fits a schema, so that dry runs of structured output have something to read.

Small and deterministic, not a validator: it follows type, enum, const, properties, items, the bounds of
numbers, lengths and counts, the usual formats, anyOf/oneOf/allOf and references inside the schema. It
does not follow `pattern`, `not`, `if` and their like. The first string that is free of constraints is the
user's own text, so that an answer still tells which request it belongs to.
"""

import math
from typing import Any

from backburner.core.exchange import Json

_FULL_DEPTH = 6  # below this only what the schema requires; a recursive schema ends
_DEPTH_LIMIT = 60  # a schema that requires itself has no finite instance
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Json, text: str, seed: int) -> Json:
    """A value that fits `schema`; `text` goes into its first free string. Raises ValueError where the
    schema leads into itself without end or refers to nothing."""
    return _Maker(schema, text, seed).make(schema, 0)


class _Maker:
    def __init__(self, root: Json, text: str, seed: int) -> None:
        self._root = root
        self._text: str | None = text
        self._seed = seed

    def make(self, schema: Json, depth: int) -> Json:
        if not isinstance(schema, dict):  # true: anything fits
            return {}
        if depth > _DEPTH_LIMIT:
            raise ValueError("the schema leads into itself without end")
        if "$ref" in schema:
            siblings = {name: value for name, value in schema.items() if name != "$ref"}
            return self.make(_joined([self._resolved(schema["$ref"]), siblings]), depth + 1)
        if "allOf" in schema:
            rest = {name: value for name, value in schema.items() if name != "allOf"}
            parts = [self._resolved(part["$ref"]) if "$ref" in part else part for part in schema["allOf"]]
            return self.make(_joined([rest, *parts]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][self._seed % len(schema["enum"])]
        for choice in ("anyOf", "oneOf"):
            if schema.get(choice):
                rest = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
                return self.make(_joined([rest, self._shallow(schema[choice], depth)]), depth + 1)
        return self._typed(schema, depth)

    def _shallow(self, choices: list[Json], depth: int) -> Json:
        """The first choice; deep down the last one that does not refer on, which ends a recursion."""
        if depth < _FULL_DEPTH:
            return choices[0]
        plain = [each for each in choices if isinstance(each, dict) and "$ref" not in each]
        return (plain or choices)[-1]

    def _resolved(self, reference: str) -> Json:
        found: Any = self._root
        for name in reference.removeprefix("#").split("/")[1:]:
            if not isinstance(found, dict) or name not in found:
                raise ValueError(f"the schema has no {reference}")
            found = found[name]
        return found

    def _typed(self, schema: dict[str, Json], depth: int) -> Json:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        match str(kind).lower():
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return _number(schema, whole=str(kind).lower() == "integer", wanted=self._seed)
            case "boolean":
                return self._seed % 2 == 0
            case "null":
                return None
            case _:
                return self._string(schema)

    def _object(self, schema: dict[str, Json], depth: int) -> Json:
        properties: dict[str, Json] = schema.get("properties") or {}
        required: list[str] = schema.get("required") or []
        wanted = (
            list(properties) if depth < _FULL_DEPTH else [name for name in properties if name in required]
        )
        wanted += [name for name in required if name not in properties]
        return {name: self.make(properties.get(name, {"type": "string"}), depth + 1) for name in wanted}

    def _array(self, schema: dict[str, Json], depth: int) -> Json:
        first: list[Json] = schema.get("prefixItems") or []
        least = int(schema.get("minItems", 0))
        count = max(least, len(first), 1 if depth < _FULL_DEPTH else 0)
        count = min(count, int(schema.get("maxItems", count)))
        rest: Json = schema.get("items") or {"type": "string"}
        made = [self.make(first[place] if place < len(first) else rest, depth + 1) for place in range(count)]
        if schema.get("uniqueItems") and isinstance(rest, dict) and rest.get("enum"):
            made[len(first) :] = rest["enum"][: count - len(first)]
        return made

    def _string(self, schema: dict[str, Json]) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        text = self._text
        fits = text is not None and len(text) >= least and (most is None or len(text) <= most)
        if text is not None and fits and "pattern" not in schema:
            self._text = None
            return text
        made = f"s{self._seed}".ljust(least, "x")
        return made if most is None else made[: int(most)]


def _number(schema: dict[str, Json], *, whole: bool, wanted: int) -> float | int:
    step = schema.get("multipleOf") or (1 if whole else None)
    nudge = step or 1e-6
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(above, int | float) and not isinstance(above, bool):
        low = above + nudge if low is None else max(low, above + nudge)
    if isinstance(below, int | float) and not isinstance(below, bool):
        high = below - nudge if high is None else min(high, below - nudge)
    number: float | int = wanted
    if low is not None:
        number = max(number, low)
    if high is not None:
        number = min(number, high)
    if step:
        number = math.ceil(number / step) * step if high is None or number < high else number // step * step
    return int(number) if whole else number


def _joined(schemas: list[Json]) -> dict[str, Json]:
    """Several schemas that must all hold, as one; good enough for bounds, properties and required."""
    joined: dict[str, Json] = {}
    for schema in schemas:
        if not isinstance(schema, dict):
            continue
        for name, value in schema.items():
            if name == "properties" and name in joined:
                joined[name] = joined[name] | value
            elif name == "required" and name in joined:
                joined[name] = [*joined[name], *(each for each in value if each not in joined[name])]
            else:
                joined[name] = value
    return joined
