from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from simulation import clock


def test_the_offset_is_that_of_casablanca() -> None:
    try:
        zone = zoneinfo.ZoneInfo("Africa/Casablanca")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("no time-zone database on this machine")
    for day in range(clock.ordinal("2025-01-02"), clock.ordinal("2027-12-30")):
        local = dt.datetime.combine(dt.date.fromordinal(day), dt.time(12), zone)
        assert local.utcoffset() == dt.timedelta(seconds=clock.offset(day)), local


def test_an_instant_reads_back_as_the_local_time() -> None:
    for text in ("2026-01-05T08:30:00+01:00", "2026-03-02T23:59:59+00:00", "2026-07-04T00:00:00+01:00"):
        moment = dt.datetime.fromisoformat(text)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        instant = clock.instant(moment.toordinal(), seconds)
        assert instant == moment.timestamp()
        assert clock.iso(instant) == text


def test_fridays_are_short_and_feasts_are_quiet() -> None:
    feast, plain = clock.ordinal("2026-03-20"), clock.ordinal("2026-04-24")
    assert clock.weekday(feast) == clock.weekday(plain) == 4
    assert clock.load(feast) < 0.3 * clock.load(plain)
    assert clock.rest(clock.ordinal("2026-04-26"))
    assert clock.office_day(clock.ordinal("2026-04-25")) == clock.ordinal("2026-04-27")


def test_the_calendar_has_one_row_a_day_at_most() -> None:
    rows = clock.rows(clock.ordinal("2026-01-01"), clock.ordinal("2026-12-31"))
    assert len({row["date"] for row in rows}) == len(rows)
    assert {row["kind"] for row in rows} == {"SUNDAY", "FIXED", "MOVEABLE", "RAMADAN"}
