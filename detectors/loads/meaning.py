"""What the columns of a row may not say together, and what the rows of a table may not say of each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from detectors.drugs import is_ean13
from detectors.loads.problem import Problem
from schemas.referential import ActPairRow, ActRow, DrugRow, RoutingRow, Row

ROUNDING: Final = 1e-6
"""Shares are decimal fractions that do not add up to 1 exactly."""


def contradictions(name: str, rows: Sequence[Row | None]) -> Iterator[Problem]:
    """Every row that cannot be meant as it stands; rows that could not be read are None and left out."""
    check = _CHECKS.get(name)
    if check is not None:
        yield from check(rows)


def _acts(rows: Sequence[Row | None]) -> Iterator[Problem]:
    for index, row in enumerate(rows):
        if not isinstance(row, ActRow) or row.age_min is None or row.age_max is None:
            continue
        if row.age_max < row.age_min:
            yield Problem("age_max", f"{row.age_max:g}", f"at least age_min ({row.age_min:g})", index)


def _drugs(rows: Sequence[Row | None]) -> Iterator[Problem]:
    for index, row in enumerate(rows):
        if not isinstance(row, DrugRow):
            continue
        if not row.checksum_exempt and not is_ean13(row.ean13):
            wanted = "thirteen digits with their EAN-13 check digit, or checksum_exempt true"
            yield Problem("ean13", row.ean13[:64], wanted, index)
        if row.units_per_box == 0:
            yield Problem("units_per_box", "0", "more than 0, or nothing where it is not known", index)


def _pairs(rows: Sequence[Row | None]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], list[tuple[int, dt.date, dt.date]]] = {}
    for index, row in enumerate(rows):
        if not isinstance(row, ActPairRow):
            continue
        if row.code_1 == row.code_2:
            yield Problem("code_2", row.code_2, "another act than code_1", index)
            continue
        start, end = row.from_ or dt.date.min, row.to or dt.date.max
        for other, first, last in seen.get((row.code_2, row.code_1), ()):
            if start <= last and first <= end:
                wanted = "each pair once on any date, whichever way round"
                yield Problem("code_1, code_2", f"{row.code_1}, {row.code_2}", wanted, index, other)
                break
        seen.setdefault((row.code_1, row.code_2), []).append((index, start, end))


def _routing(rows: Sequence[Row | None]) -> Iterator[Problem]:
    agencies: dict[str, list[tuple[int, RoutingRow]]] = {}
    for index, row in enumerate(rows):
        if isinstance(row, RoutingRow) and row.share is not None:
            agencies.setdefault(row.agency, []).append((index, row))
    for agency, shares in agencies.items():
        for index, row in shares:  # a sum can only rise on the day on which a row begins
            day = row.from_ or dt.date.min
            total = sum(other.share or 0 for _, other in shares if other.covers(day))
            if total > 1 + ROUNDING:
                yield Problem("share", f"{total:g} in all for {agency}"[:64], "at most 1 an agency", index)
                break


_CHECKS: Final[dict[str, Callable[[Sequence[Row | None]], Iterator[Problem]]]] = {
    "acts": _acts,
    "act_pairs": _pairs,
    "drugs": _drugs,
    "routing": _routing,
}
