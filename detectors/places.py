"""Where providers and communes lie, and how far apart."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from detectors.referentials import Referentials
    from schemas.registries import Provider

EARTH_KM: Final = 6371.0
Place = tuple[float, float]
"""Latitude and longitude, degrees WGS 84."""


@lru_cache(maxsize=1 << 14)
def kilometres(one: Place, other: Place) -> float:
    """Great circle between two places."""
    lat, lon, lat2, lon2 = map(radians, (*one, *other))
    half = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def of_commune(commune: str | None, day: dt.date, referentials: Referentials) -> Place | None:
    """Where a commune is; None where its row or its coordinates are not known."""
    row = None if commune is None else referentials.commune(commune, day)
    return None if row is None or row.lat is None or row.lon is None else (row.lat, row.lon)


def of_provider(entry: Provider | None, day: dt.date, referentials: Referentials) -> Place | None:
    """Where a provider is: its own coordinates, else its commune's."""
    if entry is None:
        return None
    if entry.lat is not None and entry.lon is not None:
        return entry.lat, entry.lon
    return of_commune(entry.commune, day, referentials)
