"""Days, instants and the calendar of the synthetic AMO (Africa/Casablanca).

Days are proleptic ordinals (`datetime.date.toordinal`), instants whole seconds since 1970 (UTC). Dates of
moveable feasts are the expected ones, good enough for seasons; a payer loads its own `calendar`.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

EPOCH = dt.date(1970, 1, 1).toordinal()
DAY = 86_400


def ordinal(text: str) -> int:
    """The day of an ISO date."""
    return dt.date.fromisoformat(text).toordinal()


FIXED = {
    (1, 1): "Nouvel an",
    (1, 11): "Manifeste de l'indépendance",
    (1, 14): "Nouvel an amazigh",
    (5, 1): "Fête du travail",
    (7, 30): "Fête du trône",
    (8, 14): "Oued Ed-Dahab",
    (8, 20): "Révolution du roi et du peuple",
    (8, 21): "Fête de la jeunesse",
    (11, 6): "Marche verte",
    (11, 18): "Indépendance",
}
MOVEABLE = {
    ordinal(day): label
    for label, days in {
        "Aïd al-Fitr": ("2025-03-31", "2025-04-01", "2026-03-20", "2026-03-21", "2027-03-10", "2027-03-11"),
        "Aïd al-Adha": ("2025-06-07", "2025-06-08", "2026-05-27", "2026-05-28", "2027-05-17", "2027-05-18"),
        "1er Moharram": ("2025-06-27", "2026-06-17", "2027-06-06"),
        "Mawlid": ("2025-09-05", "2025-09-06", "2026-08-26", "2026-08-27", "2027-08-15", "2027-08-16"),
    }.items()
    for day in days
}
RAMADAN = [
    (ordinal(first), ordinal(last))
    for first, last in (
        ("2025-03-02", "2025-03-30"),
        ("2026-02-19", "2026-03-19"),
        ("2027-02-09", "2027-03-09"),
    )
]
# Nights at which clocks go to UTC for Ramadan, and back to UTC+1 (Africa/Casablanca, at 02/03:00).
WINTER_TIME = [
    (ordinal(first), ordinal(last))
    for first, last in (
        ("2025-02-23", "2025-04-06"),
        ("2026-02-15", "2026-03-22"),
        ("2027-02-07", "2027-03-14"),
    )
]
SUNDAY = 6
WEEK = (1.12, 1.08, 1.05, 1.03, 0.92, 0.55, 0.10)  # care per weekday, Monday first
MONTHS = (1.10, 1.06, 1.05, 1.02, 1.0, 0.98, 0.92, 0.82, 1.0, 1.02, 1.05, 1.10)  # winter illness, August away


@lru_cache(maxsize=8192)
def text(day: int) -> str:
    """The ISO date of a day."""
    return dt.date.fromordinal(day).isoformat()


def within(day: int, spans: list[tuple[int, int]]) -> bool:
    """Whether a day lies in one of the spans, ends included."""
    return any(first <= day <= last for first, last in spans)


@lru_cache(maxsize=8192)
def holiday(day: int) -> str | None:
    """The label of a public holiday, or None."""
    date = dt.date.fromordinal(day)
    return FIXED.get((date.month, date.day)) or MOVEABLE.get(day)


@lru_cache(maxsize=8192)
def rest(day: int) -> bool:
    """Whether offices and surgeries are closed: Sundays and public holidays."""
    return weekday(day) == SUNDAY or holiday(day) is not None


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + 6) % 7


def ramadan(day: int) -> bool:
    """Whether the day falls in Ramadan."""
    return within(day, RAMADAN)


@lru_cache(maxsize=8192)
def load(day: int) -> float:
    """How much care a day sees; a plain weekday is about 1."""
    factor = WEEK[weekday(day)] * MONTHS[dt.date.fromordinal(day).month - 1]
    if holiday(day):
        factor *= 0.2
    return factor * 0.8 if ramadan(day) else factor


def office_day(day: int) -> int:
    """That day, or the next on which offices work (Monday to Friday)."""
    while rest(day) or weekday(day) == 5:
        day += 1
    return day


def month_end(day: int) -> bool:
    """Whether it is the last day of its month."""
    return dt.date.fromordinal(day + 1).day == 1


@lru_cache(maxsize=8192)
def offset(day: int) -> int:
    """Seconds between UTC and local time on a day (at working hours)."""
    return 0 if any(first <= day < last for first, last in WINTER_TIME) else 3600


def instant(day: int, seconds: int) -> int:
    """The instant of a local time of day."""
    return (day - EPOCH) * DAY + seconds - offset(day)


def iso(instant_: int) -> str:
    """ISO 8601 with the local offset."""
    day = (instant_ + 3600) // DAY + EPOCH
    zone = offset(day)
    local, rest_ = divmod(instant_ + zone, DAY)
    hours, rest_ = divmod(rest_, 3600)
    minutes, seconds = divmod(rest_, 60)
    return f"{text(local + EPOCH)}T{hours:02d}:{minutes:02d}:{seconds:02d}{'+01:00' if zone else '+00:00'}"


def rows(first: int, last: int) -> list[dict[str, Any]]:
    """The `calendar` referential between two days: Sundays, feasts, Ramadan; one kind a day."""
    table: list[dict[str, Any]] = []
    for day in range(first, last + 1):
        date = dt.date.fromordinal(day)
        if day in MOVEABLE:
            table.append({"date": text(day), "kind": "MOVEABLE", "label": MOVEABLE[day]})
        elif (date.month, date.day) in FIXED:
            table.append({"date": text(day), "kind": "FIXED", "label": FIXED[date.month, date.day]})
        elif weekday(day) == SUNDAY:
            table.append({"date": text(day), "kind": "SUNDAY", "label": "Dimanche"})
        elif ramadan(day):
            table.append({"date": text(day), "kind": "RAMADAN", "label": "Ramadan"})
    return table
