"""The few kinds of check that the Messages API's schema is written in (schema.py).

A check looks at one value and reports what is wrong with it; it returns nothing and changes nothing, so a good
request goes on exactly as the caller wrote it.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from backburner.core.exchange import Json
from backburner.dialects.report import Place, Report, quoted, shown

Check = Callable[[Json, Place, Report], None]


def anything(_value: Json, _place: Place, _report: Report) -> None:
    """What is opaque to us: JSON schemas, tool inputs, cache breakpoints."""


def text(*, least: int = 0, pattern: str = "", example: str = "") -> Check:
    """A string; `pattern` must fit all of it."""
    fits = re.compile(pattern).fullmatch if pattern else None
    instead = f"Write for example {quoted(example)}" if example else ""

    def check(value: Json, place: Place, report: Report) -> None:
        if not isinstance(value, str):
            report.wrong(place, f"expected a string, found {shown(value)}", instead)
        elif len(value) < least:
            report.wrong(place, "expected a text, found an empty string", instead)
        elif fits is not None and not fits(value):
            report.wrong(place, f"expected a string that fits {pattern}, found {shown(value)}", instead)

    return check


def number(low: float, high: float) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            report.wrong(place, f"expected a number from {low:g} to {high:g}, found {shown(value)}")

    return check


def whole(low: int, high: int = 2**31 - 1) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            report.wrong(place, f"expected a whole number from {low} up, found {shown(value)}")

    return check


def flag(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, bool):
        report.wrong(place, f"expected true or false, found {shown(value)}")


def an_object(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict):
        report.wrong(place, f"expected an object, found {shown(value)}")


def choice(*values: str) -> Check:
    words = " or ".join(quoted(value) for value in values)

    def check(value: Json, place: Place, report: Report) -> None:
        if value not in values:
            report.wrong(place, f"expected {words}, found {shown(value)}")

    return check


def optional(inner: Check) -> Check:
    """The same, or null."""

    def check(value: Json, place: Place, report: Report) -> None:
        if value is not None:
            inner(value, place, report)

    return check


def either(string: Check, listing: Check) -> Check:
    """A string or a list, as the API's shorthand has it."""

    def check(value: Json, place: Place, report: Report) -> None:
        if isinstance(value, str):
            string(value, place, report)
        elif isinstance(value, list):
            listing(value, place, report)
        else:
            report.wrong(place, f"expected a string or a list of blocks, found {shown(value)}")

    return check


def listed(inner: Check, *, least: int = 0, what: str = "item") -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if not isinstance(value, list):
            report.wrong(place, f"expected a list, found {shown(value)}")
            return
        if len(value) < least:
            report.wrong(place, f"expected at least one {what}, found an empty list")
        for at, item in enumerate(value):
            inner(item, (place, at), report)

    return check


def members(
    fields: Mapping[str, Check], required: Sequence[str] = (), hints: Mapping[str, str] | None = None
) -> Check:
    """An object of these members and no others. `hints` has words for members known from other APIs."""

    def check(value: Json, place: Place, report: Report) -> None:
        if not isinstance(value, dict):
            report.wrong(place, f"expected an object, found {shown(value)}")
            return
        for name, item in value.items():
            inner = fields.get(name)
            if inner is not None:
                inner(item, (place, name), report)
            else:
                report.wrong((place, name), "is no field of this API", _hint(name, fields, hints or {}))
        for name in required:
            if name not in value:
                report.wrong((place, name), "is missing", (hints or {}).get(name, ""))

    return check


def _hint(name: str, fields: Mapping[str, Check], hints: Mapping[str, str]) -> str:
    if name in hints:
        return hints[name]
    near = difflib.get_close_matches(name, fields, n=1)
    return f"Did you mean {near[0]}?" if near else "Leave it out"


def tagged(kinds: Mapping[str, Check], what: str) -> Check:
    """An object whose `type` says which of several it is."""

    def check(value: Json, place: Place, report: Report) -> None:
        if not isinstance(value, dict):
            report.wrong(place, f"expected {what}, found {shown(value)}")
            return
        kind = value.get("type")
        inner = kinds.get(kind) if isinstance(kind, str) else None
        if inner is not None:
            inner(value, place, report)
            return
        known = ", ".join(kinds)
        found = f"found {shown(kind)}" if "type" in value else "which is missing"
        report.wrong((place, "type"), f"expected the type of {what} ({known}), {found}")

    return check
