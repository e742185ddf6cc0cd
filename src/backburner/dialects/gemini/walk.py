"""Reads a decoded JSON value by the message tables: canonical spelling out, every mistake into a report.

The caller's own data (functionCall.args, functionResponse.response, metadata, schema property names,
responseJsonSchema, labels, partMetadata) passes through untouched. Absent, null and unset are one, as in
proto3 JSON. The result shares unchanged leaves with the input.
"""

import binascii
import re
from collections.abc import Callable

from backburner.core.exchange import Json
from backburner.dialects.gemini.fields import Field, Kind, Message
from backburner.dialects.gemini.hints import shape_hint, unknown_hint
from backburner.dialects.gemini.schema import MESSAGES
from backburner.dialects.report import Flawed, Place, Report, shown

MOST_NESTED = 100  # schemas inside schemas; deeper is a mistake, and Python's stack is finite
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_INTEGER = re.compile(r"-?\d{1,20}")


REFUSED: Json = object()  # stands for a value that the report complains of


def read(message: str, value: Json, report: Report, place: Place = None) -> dict[str, Json]:
    """`value` as the named message. Empty where it is not an object at all (and the report says so)."""
    return _message(MESSAGES[message], value, place, report, 0)


def _message(message: Message, value: Json, place: Place, report: Report, depth: int) -> dict[str, Json]:
    out: dict[str, Json] = {}
    refused: list[str] = []
    if type(value) is not dict:
        instead = shape_hint(message.name, value)
        report.wrong(place, f"expected an object ({message.name}), found {shown(value)}", instead)
        return Flawed()
    if depth > MOST_NESTED:
        report.wrong(place, f"nested deeper than {MOST_NESTED} levels")
        return Flawed()
    lookup = message.lookup
    for name, item in value.items():
        found = lookup.get(name)
        if found is None:
            unknown(message, name, item, place, report)
            refused.append(name)
            continue
        if item is None:
            continue
        canonical, field = found
        if canonical in out:
            report.wrong((place, name), f"{canonical} is given twice, in two spellings", "Keep one of them")
            continue
        read_item = read_field(field, item, (place, name), report, depth)
        if read_item is REFUSED:
            refused.append(canonical)
        else:
            out[canonical] = read_item
    return _flawed(out, refused) if refused else out


def _flawed(out: dict[str, Json], refused: list[str]) -> Flawed:
    flawed = Flawed(out)
    flawed.refused = frozenset(refused)
    return flawed


def read_field(field: Field, value: Json, place: Place, report: Report, depth: int = 0) -> Json:
    """A member's value in canonical form; REFUSED where it is not of the field's kind."""
    if field.repeated:
        return _list(field, value, place, report, depth)
    if field.mapped:
        return _map(field, value, place, report, depth)
    if field.kind is Kind.MESSAGE:
        return _message(MESSAGES[field.message], value, place, report, depth + 1)
    return _READ[field.kind](field, value, place, report)


def unknown(message: Message, name: str, value: Json, place: Place, report: Report) -> None:
    reason, instead = unknown_hint(message, name, value)
    report.wrong((place, name), reason, instead)


def _list(field: Field, value: Json, place: Place, report: Report, depth: int) -> Json:
    if type(value) is not list:
        name = place[1] if place else ""
        report.wrong(place, f"expected a list, found {shown(value)}", shape_hint(f"[{name}]", value))
        return REFUSED
    if field.most is not None and len(value) > field.most:
        report.wrong(place, f"expected at most {field.most} entries, found {len(value)}")
    if field.kind is Kind.MESSAGE:
        message = MESSAGES[field.message]
        return [_message(message, item, (place, at), report, depth + 1) for at, item in enumerate(value)]
    leaf = _READ[field.kind]
    found = [leaf(field, item, (place, at), report) for at, item in enumerate(value)]
    return [item for item in found if item is not REFUSED]


def _map(field: Field, value: Json, place: Place, report: Report, depth: int) -> Json:
    if type(value) is not dict:
        report.wrong(place, f"expected an object of named schemas, found {shown(value)}")
        return REFUSED
    message = MESSAGES[field.message]
    return {key: _message(message, item, (place, key), report, depth + 1) for key, item in value.items()}


def _string(field: Field, value: Json, place: Place, report: Report) -> Json:
    if type(value) is not str:
        report.wrong(place, f"expected a string, found {shown(value)}")
        return REFUSED
    return value


def _bool(field: Field, value: Json, place: Place, report: Report) -> Json:
    if value is True or value is False:
        return value
    if value in ("true", "false"):
        return value == "true"
    report.wrong(place, f"expected true or false, found {shown(value)}")
    return REFUSED


def _integer(field: Field, value: Json, place: Place, report: Report) -> Json:
    found = value
    digits = type(value) is str and _INTEGER.fullmatch(value)
    if digits or (type(value) is float and value.is_integer()):
        found = int(value)
    if type(found) is not int or not _within(field, found):
        report.wrong(place, f"expected {_range_words('a whole number', field)}, found {shown(value)}")
        return REFUSED
    return found


def _number(field: Field, value: Json, place: Place, report: Report) -> Json:
    found = _float_of(value) if type(value) is str else value
    if not isinstance(found, int | float) or isinstance(found, bool) or not _within(field, found):
        report.wrong(place, f"expected {_range_words('a number', field)}, found {shown(value)}")
        return REFUSED
    return found


def _float_of(text: str) -> float | None:
    try:
        found = float(text) if len(text) <= 40 else None
    except ValueError:
        return None
    return found if found is not None and found - found == 0 else None  # not NaN, not infinite


def _within(field: Field, value: float) -> bool:
    return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)


def _range_words(what: str, field: Field) -> str:
    low, high = field.low, field.high
    big = 2**31 - 1
    if low is not None and high is not None and abs(high) < big:
        return f"{what} from {low:g} to {high:g}"
    if low is not None and abs(low) < big:
        return f"{what} of at least {low:g}"
    return what


def _bytes(field: Field, value: Json, place: Place, report: Report) -> Json:
    if type(value) is not str:
        report.wrong(place, f"expected bytes as a base64 string, found {shown(value)}")
        return REFUSED
    if standard_base64(value) is None:
        instead = ""
        if value.startswith("data:"):
            instead = "Leave out everything up to the comma, and give the type in mimeType"
        report.wrong(place, f"expected bytes as base64, found {shown(value)}", instead)
        return REFUSED
    return value


def standard_base64(text: str) -> bytes | None:
    """The text as standard, padded base64; None when it is not base64 in any of the accepted forms."""
    try:
        found = text.encode("ascii")
    except UnicodeEncodeError:
        return None
    if b"-" in found or b"_" in found:
        found = found.translate(_URLSAFE)
    bare = found.rstrip(b"=")
    if len(bare) % 4 == 1 or len(found) - len(bare) > 2:
        return None
    padded = bare + b"=" * (-len(bare) % 4)
    try:
        binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        return None
    return padded


def _enum(field: Field, value: Json, place: Place, report: Report) -> Json:
    if type(value) is str:
        name = value.lower() if field.lower else value.upper()
        if name in field.names:
            return name
    elif type(value) is int:
        for number, name in field.numbers:
            if number == value:
                return name
    known = ", ".join(name for name in field.names if not name.upper().endswith("UNSPECIFIED"))
    report.wrong(place, f"expected one of {known}, found {shown(value)}")
    return REFUSED


def _object(field: Field, value: Json, place: Place, report: Report) -> Json:
    if type(value) is not dict:
        report.wrong(place, f"expected an object, found {shown(value)}", shape_hint("{}", value))
        return REFUSED
    return value


def _any(field: Field, value: Json, place: Place, report: Report) -> Json:
    return value


_READ: dict[Kind, Callable[[Field, Json, Place, Report], Json]] = {
    Kind.STRING: _string,
    Kind.BOOL: _bool,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BYTES: _bytes,
    Kind.ENUM: _enum,
    Kind.OBJECT: _object,
    Kind.ANY: _any,
}
