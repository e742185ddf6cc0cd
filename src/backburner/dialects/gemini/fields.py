"""How the message tables are written: fields, messages, and the two spellings of every name.

A `Message` is one JSON object of the wire and the only description of it: the checker, the normaliser and
the JSON Schema of an input line are all driven by these tables, so they cannot disagree. Canonical names are
camelCase; the snake_case spelling of each is accepted at every level (contract 0.5), as are the few aliases
that a table names.
"""

import re
from collections.abc import Mapping
from enum import IntEnum

import msgspec

INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)


class Kind(IntEnum):
    STRING = 0
    BOOL = 1
    INTEGER = 2  # number or decimal string, as proto3 JSON has it
    NUMBER = 3  # the same
    BYTES = 4  # base64, standard or URL-safe, padded or not
    ENUM = 5  # a name in any case, or its number
    MESSAGE = 6
    OBJECT = 7  # opaque: the caller's own keys, never respelt
    ANY = 8  # any JSON value, opaque


class Field(msgspec.Struct, frozen=True):
    """`message` names the message of a MESSAGE field; `names` are the enum's names by number (None where the
    number is not public); `low` and `high` bound a number, or the length of a list."""

    kind: Kind
    message: str = ""
    names: tuple[str, ...] = ()
    numbers: tuple[tuple[int, str], ...] = ()
    repeated: bool = False
    mapped: bool = False
    low: float | None = None
    high: float | None = None
    most: int | None = None  # longest list
    lower: bool = False  # enum whose wire names are lower case
    aliases: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """`lookup` maps every accepted spelling to the canonical name and its field."""

    name: str
    fields: Mapping[str, Field]
    lookup: Mapping[str, tuple[str, Field]]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def message(name: str, fields: Mapping[str, Field]) -> Message:
    lookup: dict[str, tuple[str, Field]] = {}
    for canonical, field in fields.items():
        for spelling in (canonical, snake(canonical), *field.aliases):
            lookup[spelling] = (canonical, field)
    return Message(name, dict(fields), lookup)


STRING = Field(Kind.STRING)
BOOL = Field(Kind.BOOL)
BYTES = Field(Kind.BYTES)
OBJECT = Field(Kind.OBJECT)
ANY = Field(Kind.ANY)
STRINGS = Field(Kind.STRING, repeated=True)
OBJECTS = Field(Kind.OBJECT, repeated=True)


def integer(low: int = INT32[0], high: int = INT32[1]) -> Field:
    return Field(Kind.INTEGER, low=low, high=high)


COUNT = integer(0, INT64[1])  # int64 in the protos: arrives as a string from some clients


def number(low: float | None = None, high: float | None = None) -> Field:
    return Field(Kind.NUMBER, low=low, high=high)


def enum(*names: str, numbered: Mapping[int, str] | None = None, lower: bool = False) -> Field:
    """An enum whose numbers are the places of its names, unless `numbered` says otherwise."""
    numbers = tuple((numbered or dict(enumerate(names))).items())
    return Field(Kind.ENUM, names=names, numbers=numbers, lower=lower)


def sub(name: str) -> Field:
    return Field(Kind.MESSAGE, message=name)


def many(name: str, most: int | None = None) -> Field:
    return Field(Kind.MESSAGE, message=name, repeated=True, most=most)


def mapping(name: str) -> Field:
    return Field(Kind.MESSAGE, message=name, mapped=True)


def aliased(field: Field, *aliases: str) -> Field:
    return msgspec.structs.replace(field, aliases=aliases)


def listed(field: Field, most: int | None = None) -> Field:
    return msgspec.structs.replace(field, repeated=True, most=most)
