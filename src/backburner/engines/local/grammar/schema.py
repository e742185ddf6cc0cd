"""JSON Schema into grammar.

Everything a schema asks for is either enforced or refused by the keyword's name; only annotations (title,
default, examples, unknown words) and formats that we know no pattern for are passed over, as JSON Schema
itself has it. Properties come in the schema's order (`propertyOrdering` first). Properties that the schema
does not name are never produced, unless it names none. `oneOf` is taken as `anyOf`.
"""

import json
from typing import Any

from backburner.engines.local.grammar import pattern, text
from backburner.engines.local.grammar.joining import NOTES, both
from backburner.engines.local.grammar.nodes import NOTHING, Grammar, Lit, Node, Ref, Repeat, alt, seq
from backburner.engines.local.grammar.numeric import number_of
from backburner.engines.local.grammar.refusal import WrongSchema

Schema = dict[str, Any]

DEPTH_MAX = 64
NODES_MAX = 20_000
CHARS_EXACT_MAX = 128  # the runtime compiles a bounded string at about 5 ms a character, and worse above this
CHARS_LOW_MAX = 1024
ITEMS_LOW_MAX = 256
_OBJECT_WORDS = ("properties", "required", "additionalProperties", "minProperties", "maxProperties")
_ARRAY_WORDS = ("items", "prefixItems", "minItems", "maxItems")
_NUMBER_WORDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_STRING_WORDS = ("minLength", "maxLength", "pattern")
_REFUSED = (
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
)


def grammar_of(schema: Any, prefix: str = "") -> Grammar:
    """The grammar of all JSON texts (in our layout) that satisfy the schema. Raises WrongSchema.

    `prefix` keeps the rules of several schemas apart that become one grammar.
    """
    return _Compiler(schema, prefix).grammar()


def object_grammar() -> Grammar:
    """Any JSON object."""
    return Grammar(text.OBJECT, text.any_json())


class _Compiler:
    def __init__(self, schema: Any, prefix: str) -> None:
        self._schema = schema
        self._prefix = prefix
        self._rules: dict[str, Node] = {}
        self._refs: dict[str, str] = {}  # "#/$defs/x" -> rule name
        self._nodes = 0

    def grammar(self) -> Grammar:
        root = self.node(self._schema, "schema", 0)
        return Grammar(root, self._rules)

    def node(self, schema: Any, path: str, depth: int) -> Node:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise WrongSchema(f"{path[:200]}: the schema is too deep or too large")
        if schema is True or schema == {}:
            return self.anything()
        if not isinstance(schema, dict):
            raise WrongSchema(f"{path}: expected a schema object, found {json.dumps(schema)[:60]}")
        for word in _REFUSED:
            if schema.get(word) not in (None, False):
                raise WrongSchema(f"{path}: {word} cannot be enforced by the embedded engine; leave it out")
        nullable = schema.get("nullable") is True
        node = self._plain(schema, path, depth)
        return alt((node, text.NULL)) if nullable else node

    def anything(self) -> Node:
        self._rules.update(text.any_json())
        return text.VALUE

    def _plain(self, schema: Schema, path: str, depth: int) -> Node:
        if "$ref" in schema:
            return self._reference(schema, path, depth)
        if "const" in schema:
            return text.literal(schema["const"])
        if "enum" in schema:
            values = schema["enum"]
            if not isinstance(values, list) or not values:
                raise WrongSchema(f"{path}.enum: expected a list of at least one value")
            return alt(map(text.literal, self._of_type(values, schema.get("type"), path)))
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._any_of(schema, word, path, depth)
        if "allOf" in schema:
            return self._plain(self._merged(schema, path), path, depth)
        kind = schema.get("type", self._guessed(schema))
        if isinstance(kind, list):
            return alt(self._typed({**schema, "type": one}, one, path, depth) for one in kind)
        return self._typed(schema, kind, path, depth)

    @staticmethod
    def _of_type(values: list[Any], kind: Any, path: str) -> list[Any]:
        """The enum's values that have the stated type; some clients list a null beside a string type."""
        kinds: list[str] = kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else []
        kept = [value for value in values if not kinds or any(_is_of(value, one) for one in kinds)]
        if not kept:
            raise WrongSchema(f"{path}.enum: no value has type {kind!r}")
        return kept

    @staticmethod
    def _guessed(schema: Schema) -> str | None:
        """The type that the other words speak of."""
        words = (("object", _OBJECT_WORDS), ("array", _ARRAY_WORDS))
        words += (("number", _NUMBER_WORDS), ("string", _STRING_WORDS))
        return next((kind for kind, group in words if any(word in schema for word in group)), None)

    def _typed(self, schema: Schema, kind: Any, path: str, depth: int) -> Node:
        match kind:
            case None:
                return self.anything()
            case "object":
                return self._object(schema, path, depth)
            case "array":
                return self._array(schema, path, depth)
            case "string":
                return self._string(schema, path)
            case "integer" | "number":
                return number_of(schema, path, whole=kind == "integer")
            case "boolean":
                return text.BOOLEAN
            case "null":
                return text.NULL
            case _:
                kinds = "object, array, string, number, integer, boolean or null"
                raise WrongSchema(f"{path}.type: expected {kinds}, found {kind!r}")

    # -- composition --------------------------------------------------------------------------------

    def _reference(self, schema: Schema, path: str, depth: int) -> Node:
        reference = schema["$ref"]
        if reference in self._refs:
            return Ref(self._refs[reference])
        rule = self._refs[reference] = f"{self._prefix}ref{len(self._refs)}"
        self._rules[rule] = NOTHING  # keeps its place among the rules while it is being made
        self._rules[rule] = self.node(self._target(reference, path), str(reference), depth + 1)
        return Ref(rule)

    def _target(self, reference: Any, path: str) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise WrongSchema(
                f"{path}.$ref: only references inside the schema (#/$defs/...) work, found {reference!r}"
            )
        target: Any = self._schema
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
            if target is None:
                raise WrongSchema(f"{path}.$ref: {reference!r} points at nothing")
        return target

    def _any_of(self, schema: Schema, word: str, path: str, depth: int) -> Node:
        options = schema[word]
        if not isinstance(options, list) or not options:
            raise WrongSchema(f"{path}.{word}: expected a list of at least one schema")
        rest = {key: value for key, value in schema.items() if key not in (word, *NOTES)}
        nodes: list[Node] = []
        for at, option in enumerate(options):
            if rest and isinstance(option, dict):
                option = self._merged({"allOf": [rest, option]}, path)
            nodes.append(self.node(option, f"{path}.{word}[{at}]", depth + 1))
        return alt(nodes)

    def _merged(self, schema: Schema, path: str) -> Schema:
        """One schema that says what all of `allOf` say."""
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            resolved = self._target(part["$ref"], path) if isinstance(part, dict) and "$ref" in part else part
            if not isinstance(resolved, dict):
                raise WrongSchema(f"{path}.allOf: expected schema objects")
            if "allOf" in resolved:
                resolved = self._merged(resolved, path)
            for key, value in resolved.items():
                merged[key] = both(key, merged[key], value, path) if key in merged else value
        return merged

    # -- objects and arrays -------------------------------------------------------------------------

    def _object(self, schema: Schema, path: str, depth: int) -> Node:
        properties: dict[str, Any] = schema.get("properties") or {}
        if not properties:
            return self._map(schema, path, depth)
        order = [name for name in schema.get("propertyOrdering") or () if name in properties]
        names = order + [name for name in properties if name not in order]
        required = self._required(schema, names, path)
        pairs: list[tuple[Node, bool]] = []
        certain = True  # every property so far is required, so this one stands in one place only
        for name in names:
            certain = certain and name in required
            value = self.node(properties[name], f"{path}.properties.{name}", depth + 1)
            pair = seq(text.literal(name), Lit(": "), value)
            pairs.append((pair if certain else self._ruled(pair), name in required))
        return seq(Lit("{"), self._members(pairs), Lit("}"))

    def _required(self, schema: Schema, names: list[str], path: str) -> set[str]:
        required: set[str] = set(schema.get("required") or ())
        unknown = sorted(required - set(names))
        if unknown:
            raise WrongSchema(f"{path}.required: {unknown[0]!r} is not among the properties")
        low, high = schema.get("minProperties", 0), schema.get("maxProperties", len(names))
        if low > len(names) or high < max(low, len(required)):
            raise WrongSchema(f"{path}: no object has {low} to {high} of these properties")
        if high < len(names):
            raise WrongSchema(
                f"{path}: maxProperties cannot be enforced by the embedded engine; leave it out"
            )
        for name in names:
            if len(required) < low:
                required.add(name)
        return required

    def _members(self, pairs: list[tuple[Node, bool]]) -> Node:
        """The properties in order, the optional ones there or not, with commas only between two."""
        after: Node = NOTHING  # what may follow once there is a property
        first: Node = NOTHING  # what may come while there is none yet
        for pair, required in reversed(pairs):
            here = seq(pair, after)
            first = here if required else alt((here, first))
            more = seq(Lit(", "), pair)
            after = seq(more if required else Repeat(more, 0, 1), after)
        return first

    def _ruled(self, node: Node) -> Node:
        """A rule of its own, for what stands in several places."""
        rule = f"{self._prefix}pair{len(self._rules)}"
        self._rules[rule] = node
        return Ref(rule)

    def _map(self, schema: Schema, path: str, depth: int) -> Node:
        values = schema.get("additionalProperties", True)
        if schema.get("required"):
            raise WrongSchema(f"{path}.required: {schema['required'][0]!r} is not among the properties")
        if values is False:
            return Lit("{}")
        if schema.get("minProperties") or "maxProperties" in schema:
            raise WrongSchema(
                f"{path}: the number of free properties cannot be enforced by the embedded engine"
            )
        if values is True or values == {}:
            self.anything()
            return text.OBJECT
        return text.mapped(text.STRING, self.node(values, f"{path}.additionalProperties", depth + 1))

    def _array(self, schema: Schema, path: str, depth: int) -> Node:
        low, high = self._bounds(schema, "minItems", "maxItems", path, ITEMS_LOW_MAX)
        items = schema.get("items", True)
        first: list[Any] = schema.get("prefixItems") or []
        if isinstance(items, list):  # the spelling of older drafts
            first, items = items, schema.get("additionalItems", True)
        if not first:
            if items is False:
                return Lit("[]")
            return text.listed(self.node(items, f"{path}.items", depth + 1), low, high)
        return self._tuple(first, items, low, high, path, depth)

    def _tuple(self, first: list[Any], items: Any, low: int, high: int | None, path: str, depth: int) -> Node:
        """A tuple gets all its places, and more only where `minItems` demands them."""
        count = max(len(first), low) if high is None else min(max(len(first), low), high)
        if count > len(first) and items is False:
            raise WrongSchema(f"{path}: minItems {low} is more than prefixItems gives")
        places = [*first, *([items] * (count - len(first)))][:count]
        nodes = [self.node(one, f"{path}.prefixItems[{at}]", depth + 1) for at, one in enumerate(places)]
        parts: list[Node] = []
        for node in nodes:
            parts += [Lit(", "), node] if parts else [node]
        return seq(Lit("["), *parts, Lit("]"))

    # -- strings and numbers ------------------------------------------------------------------------

    def _string(self, schema: Schema, path: str) -> Node:
        low, high = self._bounds(schema, "minLength", "maxLength", path, CHARS_LOW_MAX)
        expression = schema.get("pattern")
        if expression is None and not low and high is None:
            expression = pattern.FORMATS.get(str(schema.get("format")))
        if expression is None:
            costly = high is not None and high > CHARS_EXACT_MAX
            return seq(text.QUOTE, Repeat(text.STRING_CHAR, low, high, costly), text.QUOTE)
        if low or high is not None:
            raise WrongSchema(
                f"{path}: pattern beside minLength or maxLength cannot be enforced; put the length into the pattern"
            )
        try:
            return seq(text.QUOTE, pattern.of_pattern(expression), text.QUOTE)
        except pattern.WrongPattern as error:
            raise WrongSchema(f"{path}.pattern: {error}") from error

    def _bounds(
        self, schema: Schema, low_word: str, high_word: str, path: str, low_max: int
    ) -> tuple[int, int | None]:
        low, high = schema.get(low_word) or 0, schema.get(high_word)
        for word, value in ((low_word, low), (high_word, high)):
            if value is not None and (not isinstance(value, int | float) or int(value) != value or value < 0):
                raise WrongSchema(f"{path}.{word}: expected a whole number, found {value!r}")
        if high is not None and high < low:
            raise WrongSchema(f"{path}: {low_word} {low} is more than {high_word} {high}")
        if low > low_max:
            raise WrongSchema(
                f"{path}.{low_word}: the embedded engine can enforce at most {low_max}, found {low}"
            )
        return int(low), None if high is None else int(high)


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return False
