"""Which brand a prescription chose where there was a choice: what R01 counts of drugs."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, NamedTuple

from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.claim import Claim, Line
from schemas.referential import DrugRow

CLASS_LETTERS: Final = 5
"""Of an ATC code: its first four levels (N02BE of N02BE01)."""


class Choice(NamedTuple):
    """One line's brand, and the class that it was chosen from."""

    line: int
    day: dt.date
    family: str
    brand: str
    amount: int


def brand_of(row: DrugRow) -> str | None:
    """The brand; a product that the list gives none has its name."""
    return row.brand or row.name


def choice(line: Line, referentials: Referentials) -> Choice | None:
    """None where the list does not tell class and brand, or has one brand of the class only."""
    row = referentials.drug(line.code, line.service_date)
    if row is None or row.atc is None or len(row.atc) < CLASS_LETTERS:
        return None
    family, brand = row.atc[:CLASS_LETTERS], brand_of(row)
    if brand is None or _brands(line.service_date, referentials).get(family, 0) < 2:
        return None
    return Choice(line.line, line.service_date, family, brand, line.amount)


def choices(claim: Claim, referentials: Referentials) -> dict[str, Choice]:
    """Prescriber -> the costliest of its choices in the claim: one a claim bounds what is counted, alike for all."""
    found: dict[str, Choice] = {}
    for line in claim.lines:
        prescriber = line.prescriber
        if line.nomenclature != DRUGS or prescriber is None:
            continue
        best = found.get(prescriber)
        if best is not None and best.amount >= line.amount:
            continue
        chosen = choice(line, referentials)
        if chosen is not None:
            found[prescriber] = chosen
    return found


def _brands(day: dt.date, referentials: Referentials) -> dict[str, int]:
    """Class -> how many brands the edition in force lists."""
    edition = next((one for one in referentials.tables.get("drugs", ()) if one.covers(day)), None)
    if edition is None:
        return {}
    known: dict[Any, dict[str, int]] = referentials.memo.setdefault("brands", {})
    if edition.edition not in known:
        brands: dict[str, set[str]] = {}
        for rows in edition.index.values():
            for row in rows:
                if isinstance(row, DrugRow) and row.atc is not None and (brand := brand_of(row)) is not None:
                    brands.setdefault(row.atc[:CLASS_LETTERS], set()).add(brand)
        known[edition.edition] = {family: len(names) for family, names in brands.items()}
    return known[edition.edition]
