"""Two schemas that both hold, as one: what `allOf` says, keyword by keyword."""

from typing import Any

from backburner.engines.local.grammar.refusal import WrongSchema

# Words that say nothing about which values are good.
NOTES = (
    "nullable",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "$defs",
    "definitions",
    "$schema",
    "$id",
    "discriminator",
)


def both(key: str, one: Any, other: Any, path: str) -> Any:
    """What two parts of an allOf say together about one keyword."""
    if one == other or key in NOTES:
        return one
    if key == "properties":
        return {
            **one,
            **{name: {"allOf": [one[name], sub]} if name in one else sub for name, sub in other.items()},
        }
    if key == "required":
        return [*one, *(name for name in other if name not in one)]
    if key in ("minimum", "minLength", "minItems", "exclusiveMinimum"):
        return max(one, other)
    if key in ("maximum", "maxLength", "maxItems", "exclusiveMaximum"):
        return min(one, other)
    if key == "enum":
        return [value for value in one if value in other]
    if key == "additionalProperties":
        return False if False in (one, other) else one if other is True else other
    if key == "nullable":
        return one and other
    raise WrongSchema(f"{path}.allOf: two parts say different things about {key}, which cannot be joined")
