from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from backburner.core.errors import InvalidArgument
from backburner.policy.hours import parse_hours


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ("22:00-06:00", "2026-03-01T21:59:59", "2026-03-01T22:00:00"),
        ("22:00-06:00", "2026-03-01T22:00:00", None),
        ("22:00-06:00", "2026-03-01T05:59:59", None),
        ("22:00-06:00", "2026-03-01T06:00:00", "2026-03-01T22:00:00"),
        ("9:30-17:00", "2026-03-01T17:00:00", "2026-03-02T09:30:00"),
        ("9:30-17:00", "2026-03-01T12:00:00", None),
        ("18:00-24:00", "2026-03-01T23:59:00", None),
        ("18:00-24:00", "2026-03-01T00:00:00", "2026-03-01T18:00:00"),
    ],
)
def test_open_from_one_time_of_day_to_another(hours: str, now: str, opens: str | None) -> None:
    found = parse_hours(hours, "UTC")
    assert found is not None
    assert found.closed_until(at(now)) == (at(opens) if opens else None)


def test_the_times_are_those_of_the_zone_also_when_its_clocks_change() -> None:
    found = parse_hours("22:00-06:00", "Europe/Berlin")
    assert found is not None
    night = at("2026-03-29T12:00:00", "Europe/Berlin")  # the day that summer time begins
    assert (
        found.closed_until(night) == at("2026-03-29T22:00:00", "Europe/Berlin") == at("2026-03-29T20:00:00")
    )
    assert found.closed_until(at("2026-03-28T12:00:00")) == at("2026-03-28T21:00:00")


@pytest.mark.parametrize("text", ["22-6", "25:00-06:00", "22:00", "08:00-08:00", "08:00-24:30", "night"])
def test_what_are_no_hours_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidArgument, match="expected"):
        parse_hours(text, "UTC")


def test_a_zone_that_is_none_is_refused_and_no_hours_are_always() -> None:
    with pytest.raises(InvalidArgument, match="Europe/Berlin"):
        parse_hours("08:00-10:00", "Mars/Olympus")
    assert parse_hours("", "UTC") is None
