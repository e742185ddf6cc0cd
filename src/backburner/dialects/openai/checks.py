"""Checks of single values in a body: each reports what is wrong and changes nothing.

A body goes to the engine as the caller wrote it, so there is nothing to convert here. `null` is as good as
absent everywhere, as OpenAI's own clients send it.
"""

from collections.abc import Callable, Mapping

from backburner.core.exchange import Json
from backburner.dialects.report import Place, Report, shown

Check = Callable[[Json, Place, Report], None]


def anything(value: Json, place: Place, report: Report) -> None:
    pass


def text(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, str):
        report.wrong(place, f"expected a string, found {shown(value)}")


def flag(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, bool):
        report.wrong(place, f"expected true or false, found {shown(value)}")


def obj(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, dict):
        report.wrong(place, f"expected an object, found {shown(value)}")


def strings(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        report.wrong(place, f"expected a list of strings, found {shown(value)}")


def text_or_strings(value: Json, place: Place, report: Report) -> None:
    if not isinstance(value, str):
        strings(value, place, report)


def number(low: float, high: float) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            report.wrong(place, f"expected a number from {low:g} to {high:g}, found {shown(value)}")

    return check


def whole(low: int, high: int | None = None) -> Check:
    words = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"

    def check(value: Json, place: Place, report: Report) -> None:
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not fits or value < low or (high is not None and value > high):
            report.wrong(place, f"expected {words}, found {shown(value)}")

    return check


def integer(value: Json, place: Place, report: Report) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        report.wrong(place, f"expected a whole number, found {shown(value)}")


def one_of(*names: str) -> Check:
    def check(value: Json, place: Place, report: Report) -> None:
        if value not in names:
            report.wrong(place, f"expected one of {', '.join(names)}, found {shown(value)}")

    return check


def refused(reason: str, instead: str) -> Check:
    """For what OpenAI knows and this server does not do."""

    def check(value: Json, place: Place, report: Report) -> None:
        report.wrong(place, reason, instead)

    return check


def members(value: Json, place: Place, report: Report, table: Mapping[str, Check]) -> None:
    """Checks the members of an object that the table knows; others are the caller's business."""
    if not isinstance(value, dict):
        report.wrong(place, f"expected an object, found {shown(value)}")
        return
    for name, item in value.items():
        check = table.get(name)
        if check is not None and item is not None:
            check(item, (place, name), report)


def required(value: dict[str, Json], name: str, place: Place, report: Report, instead: str = "") -> bool:
    if value.get(name) is not None:
        return True
    report.wrong((place, name), "is required and is missing", instead, "missing_required_parameter")
    return False
