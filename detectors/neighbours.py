"""Who else of its kind a patient could have gone to, and what share of them an executor would then have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from detectors.places import Place, kilometres, of_provider

if TYPE_CHECKING:
    from detectors.referentials import Referentials
    from schemas.registries import Provider

CELLS: Final = 10
"""Cells a degree: of 0.1 degree, some ten kilometres; a circle of five lies in a cell and those around it."""
WALK_KM: Final = 1.0
"""What is added to a distance before its inverse weighs: next door or two streets away makes little difference."""
Cell = tuple[str, int, int]
Grid = dict[Cell, list["tuple[Provider, Place]"]]


def expected(
    executor: Provider, prescriber: Provider, day: dt.date, reach: float, tables: Referentials
) -> tuple[int, float] | None:
    """(alternatives of its kind within `reach` km of the prescriber, at most 10 km; the executor's share if patients
    chose by distance alone); None where a place is not known."""
    here, there = of_provider(prescriber, day, tables), of_provider(executor, day, tables)
    if here is None or there is None:
        return None
    own = _weight(here, there)
    others = 0.0
    count = 0
    for entry, place in _around(executor.kind, here, day, tables):
        if entry.inpe in (executor.inpe, prescriber.inpe) or not _active(entry, day):
            continue
        if kilometres(here, place) <= reach:
            count += 1
            others += _weight(here, place)
    return count, own / (own + others)


def _weight(here: Place, there: Place) -> float:
    return 1.0 / (kilometres(here, there) + WALK_KM)


def _active(entry: Provider, day: dt.date) -> bool:
    """Whether it was active on that day, as far as the registry says."""
    return entry.active is None or any(one.covers(day) for one in entry.active)


def _around(kind: str, here: Place, day: dt.date, tables: Referentials) -> Iterator[tuple[Provider, Place]]:
    grid = _grid(day, tables)
    lat, lon = _cell(here)
    for north in (lat - 1, lat, lat + 1):
        for east in (lon - 1, lon, lon + 1):
            yield from grid.get((kind, north, east), ())


def _cell(place: Place) -> tuple[int, int]:
    return int(place[0] * CELLS // 1), int(place[1] * CELLS // 1)


def _grid(day: dt.date, tables: Referentials) -> Grid:
    """All providers whose place is known; made once for a registry and the communes of a day's edition."""
    edition = next((one.edition for one in tables.tables.get("communes", ()) if one.covers(day)), None)
    held: dict[str | None, tuple[Mapping[str, Provider], Grid]] = tables.memo.setdefault("grid", {})
    known = held.get(edition)
    if known is None or known[0] is not tables.providers:
        grid: Grid = {}
        for entry in tables.providers.values():
            place = of_provider(entry, day, tables)
            if place is not None:
                grid.setdefault((entry.kind, *_cell(place)), []).append((entry, place))
        known = held[edition] = tables.providers, grid
    return known[1]
