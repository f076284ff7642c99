"""How detectors read a claim: who acted, on which days, where, and what a number of the state stands for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING

from schemas.claim import Claim, Line
from schemas.enums import COVERAGES
from schemas.observation import LogLine, date_of
from schemas.referential import ActRow
from schemas.registries import Provider
from schemas.warnings import HOME_COUNTRY, is_inpe

if TYPE_CHECKING:
    from detectors.base import Context

INTERNED = 2**30  # numbers below it are INPE of nine digits
DRUGS = "MED"
LEAVE = "SICK_LEAVE"
"""Care group of a daily allowance, which nobody executes."""


def act_name(line: Line) -> str:
    """The name under which the state numbers the line's act."""
    return f"{line.nomenclature}|{line.code}"


def days(line: Line) -> tuple[dt.date, ...]:
    """The days of care: the listed sessions, else the date of care."""
    return line.sessions or (line.service_date,)


def abroad(claim: Claim, line: Line) -> bool:
    """Whether the care was given in another country, where nobody has an INPE."""
    return claim.kind == "ETRANGER" or line.country not in (None, HOME_COUNTRY)


def actor(line: Line) -> str | None:
    """Who did the act: the performer, else whoever bills it."""
    return line.performer or line.executor


def inpe(context: Context, number: int) -> str | None:
    """The INPE behind a provider's number; None for an absent one or an unknown name."""
    if number == 0:
        return None
    return f"{number:09d}" if number < INTERNED else context.name.get(number)


def provider(context: Context, number: int) -> Provider | None:
    """The registry entry behind a provider's number."""
    name = inpe(context, number)
    return None if name is None else context.referentials.provider(name)


def sector(context: Context, name: str | None) -> str | None:
    """The sector of a provider, where it is known."""
    entry = None if name is None else context.referentials.provider(name)
    return None if entry is None else entry.sector


def coverage_index(claim: Claim) -> int:
    """The claim's coverage as the log keeps it; an absent one counts as the base scheme's."""
    return COVERAGES.index(claim.coverage or "BASE")


def at_stake(claim: Claim, numbers: Collection[int]) -> int:
    """Centimes billed on those lines; no line named = the whole claim."""
    return sum(line.amount for line in claim.lines if not numbers or line.line in numbers)


def same_body(line: LogLine, own: LogLine) -> bool:
    """Whether a line of another claim of the same coverage repeats this one to the letter (D01)."""
    return (
        line.act == own.act
        and line.day == own.day
        and line.amount == own.amount
        and line.executor == own.executor
        and line.quantity == own.quantity
        and line.site == own.site
        and line.coverage == own.coverage
        and line.claim != own.claim
    )


def act_of(context: Context, line: LogLine) -> ActRow | None:
    """The act of a line of the log as it stood at its date of care; None for drugs too."""
    nomenclature, _, code = context.name.get(line.act, "").partition("|")
    return None if nomenclature == DRUGS else context.referentials.act(nomenclature, code, date_of(line.day))


def number_of(context: Context, name: str | None) -> int:
    """The number under which the state keeps a provider; 0 for none, or one that it never met."""
    if name is None:
        return 0
    return int(name) if is_inpe(name) else context.number.get(name, 0)


def age(birth: dt.date, day: dt.date) -> int:
    """Completed years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def unlawful_twice(line: Line, row: ActRow | None) -> str | None:
    """None = the act may not be done twice a day; a field = it cannot be said; empty = it may. `row`: of its act."""
    if line.nomenclature == DRUGS:
        return None
    if row is None or row.repeatable_same_day is None:
        return "acts" if row is None else "acts.repeatable_same_day"
    return "" if row.repeatable_same_day else None
