"""What a beneficiary still has at home of each medicine, from the boxes of the log and the drug table.

A dispensation adds `boxes x units per box / units a day` days of supply to what was left of the ones before.
The log knows no posology: the daily dose of the drug table stands in for it, and the posology of the claim's own
lines for theirs. A box whose row lacks a figure is counted in boxes and makes the days *not known*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.claim import Line
from schemas.observation import LogLine, date_of

HUNDREDTHS: Final = 100
Medicine = tuple[str, str | None]
"""DCI and dose, as the drug table writes them."""


class Supply(NamedTuple):
    """One dispensation."""

    day: int
    boxes: float
    units: float | None  # tablets, ampoules...
    days: float | None  # how long it lasts


class Stock(NamedTuple):
    """What the dispensations of one medicine come to on a day."""

    boxes: float
    units: float | None  # supplied in all; None: some box's content is not known
    supplied: float | None  # days of supply in all; None: some box's content or dose is not known
    left: float | None  # days of supply still there at the end of the anchor day
    early: int  # dispensations with more than a quarter of the last supply still unused
    last: int  # day of the last dispensation
    unknown: int  # dispensations whose days of supply are not known: they are not in `supplied` and `left`


def medicine(
    line: LogLine, referentials: Referentials, name: Mapping[int, str]
) -> tuple[Medicine, Supply] | None:
    """What a line of the log dispensed; None for what is no listed drug, or one without a DCI."""
    nomenclature, _, code = name.get(line.act, "").partition("|")
    if nomenclature != DRUGS:
        return None
    row = referentials.drug(code, date_of(line.day))
    if row is None or row.dci is None:
        return None
    boxes = line.quantity / HUNDREDTHS
    units = None if row.units_per_box is None else boxes * row.units_per_box
    days = units / row.ddd if units is not None and row.ddd else None
    return (row.dci, row.dose), Supply(line.day, boxes, units, days)


def posologies(boxes: Iterable[Line]) -> dict[int, tuple[float | None, int | None]]:
    """Line of a drug -> (units a day, days) where the prescription says either."""
    return {
        line.line: (line.posology_per_day, line.duration_days)
        for line in boxes
        if line.posology_per_day or line.duration_days
    }


def stocks(
    lines: Iterable[LogLine],
    day: int,
    referentials: Referentials,
    name: Mapping[int, str],
    own: Mapping[tuple[bytes, int], tuple[float | None, int | None]] | None = None,
) -> dict[Medicine, Stock]:
    """The stock of each medicine at the end of `day`, from the dispensations up to it.

    `own` gives the posology of some lines by (event, line), as `posologies` reads it: units a day where it says
    so, else the prescription's length.
    """
    supplies: dict[Medicine, list[Supply]] = {}
    for line in sorted(lines, key=lambda each: each.day):
        found = medicine(line, referentials, name) if line.day <= day else None
        if found is not None:
            key, supply = found
            per_day, length = (own or {}).get((line.event, line.line), (None, None))
            if per_day and supply.units is not None:
                supply = supply._replace(days=supply.units / per_day)
            elif length and supply.days is None:
                supply = supply._replace(days=float(length))
            supplies.setdefault(key, []).append(supply)
    return {key: stock_of(given, day) for key, given in supplies.items()}


def stock_of(given: list[Supply], day: int) -> Stock:
    """The stock of one medicine at the end of a day, from its dispensations in order of their days."""
    left, last, size, early = 0.0, given[0].day, 0.0, 0
    for supply in given:
        left = max(0.0, left - (supply.day - last))
        last = supply.day
        if supply.days is not None:
            early += left > size / 4 > 0
            left += supply.days
            size = supply.days
    known = [supply.days for supply in given if supply.days is not None]
    units = [supply.units for supply in given if supply.units is not None]
    return Stock(
        boxes=sum(supply.boxes for supply in given),
        units=sum(units) if len(units) == len(given) else None,
        supplied=sum(known) if known else None,
        left=max(0.0, left - (day - last)) if known else None,
        early=early,
        last=last,
        unknown=len(given) - len(known),
    )
