"""Communes of the synthetic AMO: names and rough places of towns, populations that are only weights."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Commune(NamedTuple):
    """One commune; `weight` is its share of the insured, `beds` whether it has clinics and specialists."""

    code: str
    name: str
    region: str
    lat: float
    lon: float
    weight: int
    beds: bool


COMMUNES = [
    Commune("C01", "Rabat", "RSK", 34.02, -6.83, 60, True),
    Commune("C02", "Salé", "RSK", 34.05, -6.80, 48, True),
    Commune("C03", "Témara", "RSK", 33.93, -6.91, 26, True),
    Commune("C04", "Kénitra", "RSK", 34.26, -6.58, 28, True),
    Commune("C05", "Khémisset", "RSK", 33.82, -6.07, 10, False),
    Commune("C06", "Casablanca", "CS", 33.57, -7.59, 120, True),
    Commune("C07", "Mohammédia", "CS", 33.69, -7.38, 22, True),
    Commune("C08", "Settat", "CS", 33.00, -7.62, 14, False),
    Commune("C09", "El Jadida", "CS", 33.25, -8.51, 16, True),
    Commune("C10", "Fès", "FM", 34.03, -5.00, 52, True),
    Commune("C11", "Meknès", "FM", 33.90, -5.55, 34, True),
    Commune("C12", "Taza", "FM", 34.21, -4.01, 8, False),
    Commune("C13", "Tanger", "TTA", 35.77, -5.80, 44, True),
    Commune("C14", "Tétouan", "TTA", 35.57, -5.37, 20, True),
    Commune("C15", "Chefchaouen", "TTA", 35.17, -5.27, 4, False),
    Commune("C16", "Oujda", "OR", 34.68, -1.91, 24, True),
    Commune("C17", "Nador", "OR", 35.17, -2.93, 12, False),
    Commune("C18", "Marrakech", "MS", 31.63, -8.00, 50, True),
    Commune("C19", "Safi", "MS", 32.30, -9.24, 16, False),
    Commune("C20", "Chichaoua", "MS", 31.54, -8.76, 3, False),
    Commune("C21", "Béni Mellal", "BMK", 32.34, -6.36, 16, True),
    Commune("C22", "Azilal", "BMK", 31.96, -6.57, 3, False),
    Commune("C23", "Agadir", "SM", 30.42, -9.60, 34, True),
    Commune("C24", "Taroudant", "SM", 30.47, -8.88, 6, False),
    Commune("C25", "Errachidia", "DT", 31.93, -4.42, 6, False),
    Commune("C26", "Ouarzazate", "DT", 30.92, -6.90, 6, False),
]
VILLAGES = [i for i, commune in enumerate(COMMUNES) if commune.weight <= 6]  # one pharmacy each


def distance(a: Commune, b: Commune) -> float:
    """Kilometres between two communes (equirectangular, enough at this latitude)."""
    x = math.radians(b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return 6371.0 * math.hypot(x, math.radians(b.lat - a.lat))


def rows() -> list[dict[str, Any]]:
    """The `communes` referential."""
    return [
        {
            "commune": c.code,
            "name": c.name,
            "region": c.region,
            "lat": c.lat,
            "lon": c.lon,
            "population": c.weight * (2_000 if i in VILLAGES else 10_000),
        }
        for i, c in enumerate(COMMUNES)
    ]
