import pytest

from backburner.core.clock import SystemClock, parse_rfc3339, rfc3339


def test_an_instant_is_written_in_utc_with_microseconds() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_795_227_360.123456) == "2026-11-21T02:16:00.123456Z"


def test_what_is_written_is_read_back() -> None:
    for instant_at in (0.0, 1_795_227_360.123456, 2**31 + 0.5):
        assert parse_rfc3339(rfc3339(instant_at)) == pytest.approx(instant_at, abs=1e-6)


def test_an_offset_is_understood() -> None:
    assert parse_rfc3339("2026-11-21T03:16:00+01:00") == parse_rfc3339("2026-11-21T02:16:00Z")


def test_a_timestamp_without_zone_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="no time zone; write it as 2026"):
        parse_rfc3339("2026-11-21T02:16:00")


async def test_sleeping_takes_time_that_never_goes_backwards() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.009
