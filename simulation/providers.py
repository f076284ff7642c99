"""Providers of every kind: where they work, when they are open, what they charge, prescribe and refer to."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from simulation import clock
from simulation.acts import ACT
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.places import COMMUNES, VILLAGES, distance

Group = tuple[str, str]  # (kind, specialty), specialty "" where there is none

# (kind, specialty, how many, sector, individual, town only): groups with peers have 20 or more
PLAN: list[tuple[str, str, int, str, bool, bool]] = [
    ("MEDECIN", "GENERALISTE", 58, "PRIVATE", True, False),
    ("MEDECIN", "CARDIOLOGIE", 21, "PRIVATE", True, True),
    ("MEDECIN", "GYNECOLOGIE", 21, "PRIVATE", True, True),
    ("MEDECIN", "PEDIATRIE", 21, "PRIVATE", True, True),
    ("MEDECIN", "OPHTALMOLOGIE", 21, "PRIVATE", True, True),
    ("MEDECIN", "PSYCHIATRIE", 6, "PRIVATE", True, True),
    ("MEDECIN", "CHIRURGIE", 12, "PRIVATE", True, True),
    ("PHARMACIE", "", 80, "PRIVATE", False, False),
    ("LABO", "", 21, "PRIVATE", False, True),
    ("RADIOLOGIE", "", 21, "PRIVATE", False, True),
    ("DENTISTE", "", 26, "PRIVATE", True, False),
    ("KINE", "", 21, "PRIVATE", True, True),
    ("OPTICIEN", "", 21, "PRIVATE", False, True),
    ("CLINIQUE", "", 21, "PRIVATE", False, True),
    ("ASSOC_DIALYSE", "", 20, "PRIVATE", False, True),
    ("INFIRMIER", "", 8, "PRIVATE", True, True),
    ("SAGE_FEMME", "", 5, "PRIVATE", True, True),
    ("ORTHOPHONISTE", "", 5, "PRIVATE", True, True),
    ("PROTHESISTE", "", 6, "PRIVATE", False, True),
    ("CENTRE_DENTAIRE", "", 6, "MUTUALIST", False, True),
    ("CENTRE_ONCO", "", 4, "PRIVATE", False, True),
    ("CENTRE_CARDIO", "", 4, "PRIVATE", False, True),
    ("CHU", "", 4, "PUBLIC", False, True),
    ("HOPITAL_PUBLIC", "", 8, "PUBLIC", False, True),
    ("HOPITAL_MILITAIRE", "", 2, "PUBLIC", False, True),
    ("TRANSPORT", "", 5, "PRIVATE", False, True),
]
ALWAYS_OPEN = {"CLINIQUE", "CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE", "TRANSPORT", "ASSOC_DIALYSE"}
FULL_DAY = 480  # minutes; the last patient of the day may run over
HABITS = {  # ATC prefixes a specialty writes most
    "GENERALISTE": (
        "N02BE",
        "M01",
        "J01",
        "A02",
        "R03AC",
        "R06",
        "C0",
        "A10B",
        "N05B",
        "B03AD",
        "A11",
        "H0",
        "N02AX",
    ),
    "CARDIOLOGIE": ("C0", "C10", "B01"),
    "GYNECOLOGIE": ("G03", "B03AD", "J01", "A11", "N02BE"),
    "PEDIATRIE": ("N02BE", "J01", "R03", "R06", "A11"),
    "OPHTALMOLOGIE": ("S01",),
    "PSYCHIATRIE": ("N05", "N06"),
    "CHIRURGIE": ("N02", "J01", "M01", "A02"),
    "": ("N02BE", "J01", "M01", "A02"),
}


@dataclass(slots=True)
class Provider:
    """One professional or establishment; `until` is the last day on which honest patients come."""

    inpe: str
    kind: str
    specialty: str
    sector: str
    commune: int
    lat: float
    lon: float
    individual: bool
    weight: float
    fees: float
    closed: int  # weekday of rest besides Sunday, 7 = none
    network: str | None = None
    machines: int | None = None
    until: int = 10**9
    documents: int = 0  # counter of its own numbered forms
    drugs: list[Drug] = field(default_factory=list)
    booked: dict[int, int] = field(default_factory=dict)
    """Minutes of an individual's agenda by day"""

    def open_on(self, day: int) -> bool:
        """Whether it still receives patients that day."""
        if day > self.until or self.booked.get(day, 0) >= FULL_DAY:
            return False
        if self.kind in ALWAYS_OPEN:
            return True
        if self.kind == "PHARMACIE" and clock.rest(day):
            return (day + int(self.inpe[-2:])) % 5 == 0  # duty rota
        return not clock.rest(day) and clock.weekday(day) != self.closed

    def fee(self, code: str) -> int:
        """What it bills for one unit of an act: centimes, in round tens of MAD as fees are."""
        act = ACT[code]
        if self.sector != "PRIVATE" or act.nomenclature in ("NABM", "SEJOUR", "FORFAIT"):
            return act.tariff
        return max(round(act.tariff * act.fee * self.fees / 1000) * 1000, 1000)

    def number(self, draw: Draw) -> str:
        """The next number of its receipt book; books have gaps, for private patients use them too."""
        self.documents += 1 + draw.geometric(1.5)
        return f"{self.documents:06d}"

    def entry(self, excluded: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Its registry entry without the envelope."""
        return {
            "inpe": self.inpe,
            "person": f"P-{self.inpe}" if self.individual else None,
            "kind": self.kind,
            "specialty": self.specialty or None,
            "sector": self.sector,
            "conventions": [{"status": "YES", "from": "2012-01-01", "to": None}],
            "active": [{"from": "2012-01-01", "to": None}],
            "excluded": excluded or [],
            "commune": COMMUNES[self.commune].code,
            "lat": self.lat,
            "lon": self.lon,
            "network": self.network,
            "individual": self.individual,
            "capacity": {"machines": self.machines} if self.machines else None,
            "bank_account": f"K-{self.inpe}",
            "bank_account_since": "2018-01-01",
        }


def _communes(draw: Draw, count: int, town_only: bool, kind: str) -> list[int]:
    """Where `count` providers of a kind settle: towns by weight, and one pharmacy in each village."""
    towns = [i for i, c in enumerate(COMMUNES) if (c.beds or not town_only) and i not in VILLAGES]
    places = list(VILLAGES) if kind in ("PHARMACIE", "GENERALISTE") else []
    # Every town gets one before a big town gets its second, so that nobody has to travel for a common need.
    places += draw.sample(towns, min(len(towns), count - len(places)))
    cumulative = list(accumulate(COMMUNES[i].weight for i in towns))
    while len(places) < count:
        places.append(draw.weighted(towns, cumulative))
    return places


def make_providers(draw: Draw, drugs: Sequence[Drug], times: int = 1) -> list[Provider]:
    """All providers, `times` as many as `PLAN` says. INPE numbers: nine digits without meaning, unique."""
    providers: list[Provider] = []
    used: set[int] = set()
    for kind, specialty, plain, sector, individual, town_only in PLAN:
        # a bigger world has more centres of the networks: schemes are played there
        count = plain * times * (2 if times > 1 and kind == "CENTRE_DENTAIRE" else 1)
        prefixes = HABITS.get(specialty, HABITS[""])
        known = [drug for drug in drugs if drug.atc.startswith(prefixes)]
        for commune in _communes(draw, count, town_only, specialty if specialty == "GENERALISTE" else kind):
            number = draw.integer(100_000_000, 899_999_999)
            while number in used:
                number = draw.integer(100_000_000, 899_999_999)
            used.add(number)
            place = COMMUNES[commune]
            provider = Provider(
                str(number),
                kind,
                specialty,
                sector,
                commune,
                round(place.lat + draw.normal(0, 0.02), 4),
                round(place.lon + draw.normal(0, 0.02), 4),
                individual,
                draw.lognormal(1.0, 0.3),
                draw.lognormal(1.0, 0.12),
                draw.pick((2, 4, 5, 7, 7)),
            )
            if kind in ("MEDECIN", "CLINIQUE", "CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE", "SAGE_FEMME"):
                provider.drugs = draw.sample(known, 14)
            if kind == "ASSOC_DIALYSE":
                provider.machines = draw.integer(6, 14)
            if kind == "CENTRE_DENTAIRE":
                provider.network = draw.pick(("N-ATLAS", "N-RIF"))
            provider.documents = draw.integer(1000, 90000)
            providers.append(provider)
    return providers


class Market:
    """Who treats whom: providers of a group by attraction and distance, per commune of residence."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.groups: dict[Group, list[Provider]] = {}
        for provider in providers:
            self.groups.setdefault((provider.kind, provider.specialty), []).append(provider)
        self._weights = {
            (group, commune): list(accumulate(p.weight * _pull(commune, p.commune) for p in members))
            for group, members in self.groups.items()
            for commune in range(len(COMMUNES))
        }

    def pick(
        self, draw: Draw, commune: int, kind: str, specialty: str = "", day: int | None = None
    ) -> Provider:
        """A provider of the group, near, and open on `day` where one is."""
        group = (kind, specialty)
        members, weights = self.groups[group], self._weights[group, commune]
        for _ in range(6):
            provider = members[min(bisect(weights, draw.unit() * weights[-1]), len(members) - 1)]
            if day is None or provider.open_on(day):
                return provider
        working = [p for p in members if day is None or day <= p.until]
        free = [
            p for p in working if day is not None and p.open_on(day)
        ] or working  # a feast: the nearest on call
        return min(free, key=lambda p: (distance(COMMUNES[commune], COMMUNES[p.commune]), p.inpe))


def _pull(home: int, place: int) -> float:
    """How much a commune's patients are drawn to a place: halved every 12 km, and never quite nothing."""
    kilometres = distance(COMMUNES[home], COMMUNES[place])
    return max(math.exp2(-kilometres / 12.0), 1e-5 if kilometres > 300 else 1e-4)
