"""What a line is worth by the payer's tables: its letter and coefficient, and its tariff."""

from __future__ import annotations

from typing import Final

from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.claim import Claim, Line

CENT: Final = 1
"""Centimes within which an amount stands at its tariff: rounding, no more."""


def letter_of(line: Line, referentials: Referentials) -> tuple[str | None, float | None]:
    """The line's key letter and coefficient, its own before those of the act; None where neither says so."""
    if line.nomenclature == DRUGS:
        return None, None
    letter, coefficient = line.letter, line.coefficient
    if letter is None or coefficient is None:
        row = referentials.act(line.nomenclature, line.code, line.service_date)
        if row is not None:
            letter = letter or row.letter
            coefficient = row.coefficient if coefficient is None else coefficient
    return letter, coefficient


def tariff(claim: Claim, line: Line, referentials: Referentials) -> float | None:
    """Centimes of one unit by the tables in force at the date of care; None where they do not say."""
    letter, coefficient = letter_of(line, referentials)
    if letter is None or coefficient is None:
        return None
    entry = referentials.provider(line.executor or "")
    kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
    of = letter, line.service_date, kind, sector, claim.organism
    known = referentials.memo.setdefault("letter values", {})
    if of not in known:
        known[of] = referentials.letter_value(letter, line.service_date, kind, sector, claim.organism)
    value = known[of]
    return None if value is None else value * coefficient


def at_tariff(claim: Claim, line: Line, referentials: Referentials) -> bool:
    """Whether the line bills exactly what the tables give."""
    unit = tariff(claim, line, referentials)
    return unit is not None and abs(line.amount - unit * line.quantity) < CENT
