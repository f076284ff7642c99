"""How fast a provider or a network grows: claims a week by arrival and by date of care, and the last days' pace.

Counts lie in weeks of seven days, so that the order of claims within the rings changes nothing.
"""

from __future__ import annotations

from typing import Final

from detectors.models.records import Ramp

WEEK: Final = 7
ALPHA: Final = 2.0 / (WEEK + 1)
"""Of a mean over a span of seven days: what the newest day weighs."""
KEEP: Final = 1.0 - ALPHA
WEEKS: Final = 12
BASE_WEEKS: Final = 8
CURRENT: Final = 2
"""Newest weeks of arrival that are no base: the seven days up to a claim lie within them."""
RECENT: Final = 4
"""Newest weeks of care that are no base: what was done a month ago still comes in."""
REACH: Final = 400
"""Days after which nothing is left of a pace: 0.75 ** 400 is below 1e-49."""
_NONE: Final = (0,) * WEEKS


def fold(ramp: Ramp, day: int, care: int) -> Ramp:
    """The ramp after a claim that arrived on `day`, its newest line of care on `care` (day numbers)."""
    new = not ramp.pace
    head = day if new else max(ramp.head, day)
    pace = (0.0 if new else ramp.pace * KEEP ** min(head - ramp.head, REACH)) + KEEP ** min(head - day, REACH)
    came_week, came = _add(ramp.came_week, ramp.came, day // WEEK)
    care_week, given = _add(ramp.care_week, ramp.given, min(care, day) // WEEK)
    return Ramp(day if new else min(ramp.first, day), head, pace, came_week, came, care_week, given)


def _add(newest: int, counts: tuple[int, ...], week: int) -> tuple[int, tuple[int, ...]]:
    """The ring, newest week first, after one more claim; what is older than the ring is left out."""
    held = list(counts or _NONE)
    if not counts or week - newest >= WEEKS:
        return week, (1, *_NONE[1:])
    if week > newest:
        held = [0] * (week - newest) + held[: WEEKS - (week - newest)]
        newest = week
    if newest - week < WEEKS:
        held[newest - week] += 1
    return newest, tuple(held)


def weekly_pace(ramp: Ramp, day: int) -> float:
    """Claims a week at the mean pace of the last seven days or so, as they stand on `day`."""
    return WEEK * ALPHA * ramp.pace * float(KEEP ** min(max(day - ramp.head, 0), REACH))


def usual(ramp: Ramp, day: int) -> float | None:
    """Claims a week by arrival in the eight weeks before those of the last seven days; None without so much history."""
    week = day // WEEK
    if not ramp.pace or week - ramp.first // WEEK < CURRENT + BASE_WEEKS:
        return None
    return _sum(ramp.came_week, ramp.came, week - CURRENT - BASE_WEEKS + 1, week - CURRENT) / BASE_WEEKS


def care_growth(ramp: Ramp, day: int) -> float:
    """The busiest of the last four weeks of care over the mean of the eight before, of which one claim a week is
    taken to be at least. Old care that comes in late lies in the base."""
    week = day // WEEK
    base = _sum(ramp.care_week, ramp.given, week - RECENT - BASE_WEEKS + 1, week - RECENT) / BASE_WEEKS
    busiest = max(_sum(ramp.care_week, ramp.given, one, one) for one in range(week - RECENT + 1, week + 1))
    return busiest / max(base, 1.0)


def _sum(newest: int, counts: tuple[int, ...], first: int, last: int) -> int:
    return sum(count for back, count in enumerate(counts) if first <= newest - back <= last)
