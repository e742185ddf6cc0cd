"""When an engine runs jobs: every day from one time of day to another, over midnight where the first is later."""

import re
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from backburner.core.errors import InvalidArgument

_TIMES = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]|24):([0-5]\d)")
DAY_MIN = 24 * 60


class Hours(msgspec.Struct, frozen=True):
    """Minutes of the day in `zone`."""

    opens_min: int
    closes_min: int
    zone: tzinfo

    def closed_until(self, now: float) -> float | None:
        """The next opening, None while it is open. Instants are the wall clock's."""
        here = datetime.fromtimestamp(now, self.zone)
        minute = here.hour * 60 + here.minute
        if self.opens_min < self.closes_min:
            is_open = self.opens_min <= minute < self.closes_min
        else:
            is_open = minute >= self.opens_min or minute < self.closes_min
        if is_open:
            return None
        opening = here.replace(hour=self.opens_min // 60, minute=self.opens_min % 60, second=0, microsecond=0)
        if opening <= here:
            opening += timedelta(days=1)
        return opening.timestamp()


def parse_hours(text: str, zone: str) -> Hours | None:
    """`22:00-06:00` in a zone like `Europe/Berlin`; None for nothing. Raises InvalidArgument."""
    if not text:
        return None
    found = _TIMES.fullmatch(text.strip())
    if not found:
        raise InvalidArgument(f"hours {text!r}: expected two times of day, for example 22:00-06:00")
    opens, closes = (60 * int(found[at]) + int(found[at + 1]) for at in (1, 3))
    if opens == closes or closes > DAY_MIN:
        raise InvalidArgument(f"hours {text!r}: expected an opening and another time, 24:00 at most")
    return Hours(opens, closes, zone_of(zone))


def zone_of(name: str) -> tzinfo:
    """Raises InvalidArgument."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgument(
            f"time_zone {name!r} is not known on this machine; expected UTC or a name like Europe/Berlin"
        ) from None
