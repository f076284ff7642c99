"""What an executor's lines add to its shares: lines on days off, at the top of their letter, at amounts of no tariff.

Pure functions of the claim and the referentials in force; the windows that they feed are P02's and P06's.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from detectors.reading import DRUGS
from detectors.tariffs import letter_of
from detectors.workload import UNCOUNTED
from schemas.claim import Claim, Line
from schemas.referential import ActRow

if TYPE_CHECKING:
    from detectors.referentials import Referentials

OFF_DAYS: Final = frozenset({"SUNDAY", "FIXED", "MOVEABLE"})
SUNDAY: Final = 6
DIGITS: Final = 10
FREE_FEES: Final = "CONSULTATION"
"""Care group whose fees are round by custom (150, 200, 250 MAD): its amounts are no evidence."""
MOST_TOPS: Final = 3.0
"""A coefficient counts for this many times its letter's top at most: a mistyped one must not make a drift."""
Terms = tuple[bool, float, int | None, bool]
"""Whether the day is off, from which coefficient on an act is at the letter's top, what a unit is worth, and whether
that is known: a letter may be paid by no tariff."""


class Graded(NamedTuple):
    """An executor's lines of one letter that can be compared."""

    lines: int
    top: tuple[int, ...]  # numbers of those whose coefficient is in the letter's upper quarter
    mean: float  # of the coefficients, as a share of the one at which that quarter begins


class Tally(NamedTuple):
    """What one executor's lines add."""

    lines: int  # but for duty work
    off: tuple[int, ...]  # numbers of those on a Sunday or a holiday
    free: tuple[int, ...]  # numbers of those billed at an amount that no tariff gives
    digits: (
        tuple[int, ...] | None
    )  # how many of those end in 0, 1, ... 9 (whole dirhams); None: there are none
    letters: dict[str, Graded]


def tally(claim: Claim, lines: Iterable[Line], referentials: Referentials) -> Tally:
    """Count one executor's lines. Night and emergency work has no days off; lines under a long-term illness or a prior
    agreement are not graded: the patients are graver, and the coefficient was looked at."""
    off, free, counted = [], [], 0
    digits: list[int] | None = None
    grades: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        off_duty = not duty(line)
        counted += off_duty
        if line.nomenclature == DRUGS:
            if off_duty and off_day(line.service_date, referentials):
                off.append(line.line)
            continue
        letter, coefficient = letter_of(line, referentials)
        day_off, high, value, known = terms(claim, line, letter, referentials)
        if off_duty and day_off:
            off.append(line.line)
        if coefficient is not None and letter is not None and high < math.inf and gradable(line):
            grades.setdefault(letter, []).append((line.line, min(coefficient / high, MOST_TOPS)))
        if known and line.care_group != FREE_FEES and _free(line, coefficient, value):
            free.append(line.line)
            digits = digits or [0] * DIGITS
            digits[line.amount // 100 % DIGITS] += 1
    letters = {
        letter: Graded(
            len(held),
            tuple([number for number, share in held if share >= 1.0]),
            math.fsum([share for _, share in held]) / len(held),
        )
        for letter, held in grades.items()
    }
    return Tally(counted, tuple(off), tuple(free), None if digits is None else tuple(digits), letters)


def duty(line: Line) -> bool:
    """Whether the line is night or emergency work."""
    return bool(line.modifiers) and not UNCOUNTED.isdisjoint(line.modifiers or ())


def gradable(line: Line) -> bool:
    """Whether the line's coefficient says something of its executor's habit."""
    return line.ald is None and line.prior_approval is None


def off_day(day: dt.date, referentials: Referentials) -> bool:
    """Whether a day is a Sunday or a holiday by the payer's calendar."""
    if day.weekday() == SUNDAY:
        return True
    known = referentials.memo.setdefault("off days", {})
    if day not in known:
        known[day] = any(row.kind in OFF_DAYS for row in referentials.calendar(day))
    return bool(known[day])


def terms(claim: Claim, line: Line, letter: str | None, referentials: Referentials) -> Terms:
    """What the tables say of such a line: kept as long as they stand."""
    entry = referentials.providers.get(line.executor or "")
    kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
    day = line.service_date
    of = letter, day, kind, sector, claim.organism, (line.nomenclature, line.code) if letter is None else None
    held: dict[Any, Terms] = referentials.memo.setdefault("terms", {})
    found = held.get(of)
    if found is None:
        if letter is None:
            known = referentials.act(line.nomenclature, line.code, day) is not None
            found = off_day(day, referentials), math.inf, None, known
        else:
            value = referentials.letter_value(letter, day, kind, sector, claim.organism)
            known = value is not None or any(referentials.rows("letter_values", letter, day))
            found = off_day(day, referentials), _high(letter, day, referentials), value, known
        held[of] = found
    return found


def _free(line: Line, coefficient: float | None, value: int | None) -> bool:
    return coefficient is None or value is None or abs(line.amount - value * coefficient * line.quantity) >= 1


def _high(letter: str, day: dt.date, referentials: Referentials) -> float:
    """The coefficient from which on a quarter of the letter's acts lie; infinite where all are alike."""
    editions = referentials.tables.get("acts", ())
    edition = next((edition for edition in editions if edition.covers(day)), None)
    if edition is None:
        return math.inf
    known = referentials.memo.setdefault("high coefficients", {})
    of = edition.edition, letter
    if of not in known:
        rows = [row for rows in edition.index.values() for row in rows if isinstance(row, ActRow)]
        listed = sorted(
            {row.coefficient for row in rows if row.letter == letter and row.coefficient is not None}
        )
        known[of] = listed[len(listed) * 3 // 4] if len(listed) > 1 else math.inf
    return float(known[of])
