"""Counters of care and of prescription over windows of days, computed from exact log lines as of a day.

A window of n days ends with its day and holds n calendar days of care. Amounts are centimes and stand apart by the
coverage that the claim asked for: base (AMO), complementary, or both in one claim.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from schemas.enums import CARE_GROUPS, COVERAGES, FACT_KINDS
from schemas.observation import Fact, LogLine, date_of, day_number

NameOf = Callable[[int], str]
STAY, TOOTH = FACT_KINDS.index("STAY"), FACT_KINDS.index("TOOTH")
COVERED = {name: name.lower() for name in COVERAGES}
PRODUCTS = ("MED|", "DM|")  # nomenclatures of boxes and devices; the others are acts
UNITS = {
    "PHARMACY": "boxes",
    "RADIOLOGY": "radiology_examinations",
    "EXPLORATION": "explorations",
    "BIOLOGY": "biology_examinations",
    "DENTAL": "dental_acts",
    "ONCOLOGY": "oncology_sessions",
    "DIALYSIS": "dialysis_sessions",
    "CARDIOLOGY": "cardiology_acts",
    "DEVICE": "devices",
    "OPTICAL": "optical_items",
    "CONSULTATION": "consultations",
    "PARAMEDICAL": "paramedical_acts",
    "SICK_LEAVE": "sick_leave_days",
}
"""Care group -> what its quantities count (domain.md C13)."""


def windows(as_of: int) -> dict[str, int]:
    """The windows by name, in days; 24 months end with the day, whatever the leap years."""
    day = date_of(as_of)
    two_years = min(day.day, 28) if day.month == 2 else day.day
    return {
        "1d": 1,
        "7d": 7,
        "30d": 30,
        "90d": 90,
        "365d": 365,
        "24m": as_of - day_number(dt.date(day.year - 2, day.month, two_years)),
    }


def inside(lines: Iterable[LogLine], as_of: int, days: int) -> list[LogLine]:
    """The lines whose day of care lies in the window."""
    return [line for line in lines if as_of - days < line.day <= as_of]


def sums(lines: Sequence[LogLine]) -> dict[str, Any]:
    """Counts, sums and distincts of some lines. Quantities in units of the lines."""
    amounts = dict.fromkeys(COVERED.values(), 0)
    for line in lines:
        amounts[COVERED[COVERAGES[line.coverage]]] += line.amount
    return {
        "lines": len(lines),
        "claims": len({line.claim for line in lines}),
        "days": len({line.day for line in lines}),
        "quantity": sum(line.quantity for line in lines) / 100,
        "amount": amounts,
        "acts": len({line.act for line in lines}),
        "executors": len({line.executor for line in lines} - {0}),
        "prescribers": len({line.prescriber for line in lines} - {0}),
    }


def by(lines: Iterable[LogLine], key: Callable[[LogLine], str]) -> dict[str, dict[str, Any]]:
    """The sums of each group of lines, the dearest first; lines with an empty key are left out."""
    groups: dict[str, list[LogLine]] = {}
    for line in lines:
        if name := key(line):
            groups.setdefault(name, []).append(line)
    dearest = sorted(groups, key=lambda name: (-sum(line.amount for line in groups[name]), name))
    return {name: sums(groups[name]) for name in dearest}


def dimensions(name: NameOf) -> dict[str, Callable[[LogLine], str]]:
    """How lines are grouped: by care group, act, product, executor, prescriber."""

    def act(line: LogLine) -> str:
        said = name(line.act)
        return "" if said.startswith(PRODUCTS) else said

    def product(line: LogLine) -> str:
        said = name(line.act)
        return said if said.startswith(PRODUCTS) else ""

    return {
        "care_group": lambda line: CARE_GROUPS[line.group],
        "act": act,
        "product": product,
        "executor": lambda line: name(line.executor) if line.executor else "",
        "prescriber": lambda line: name(line.prescriber) if line.prescriber else "",
    }


def care(lines: Iterable[LogLine], facts: Iterable[Fact], as_of: int, days: int) -> dict[str, float]:
    """What a medical controller counts: hospital days (calendar days of stays, first and last included), boxes,
    examinations, teeth treated, sessions.
    """
    counted: dict[str, float] = {"hospital_days": 0.0, "teeth": 0.0} | dict.fromkeys(UNITS.values(), 0.0)
    for line in inside(lines, as_of, days):
        unit = UNITS.get(CARE_GROUPS[line.group])
        if unit is not None:
            counted[unit] += line.quantity / 100
    stayed: set[int] = set()
    teeth: set[int] = set()
    for fact in facts:
        if fact.kind == STAY:
            stayed.update(range(max(fact.day, as_of - days + 1), min(fact.until, as_of) + 1))
        elif fact.kind == TOOTH and as_of - days < fact.day <= as_of:
            teeth.add(fact.key)
    counted["hospital_days"], counted["teeth"] = float(len(stayed)), float(len(teeth))
    return counted
