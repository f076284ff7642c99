"""What a scheme is given: the world, its days, its people, and where to leave the events it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation import clock
from simulation.backoffice import Habit
from simulation.care import Care
from simulation.claims import Filed
from simulation.draw import Draw
from simulation.hospital import Hospital
from simulation.places import COMMUNES, distance
from simulation.population import Person
from simulation.providers import Provider
from simulation.tables import Event
from simulation.world import World

QUIET = 7  # days without care before a part
REST = 6  # waves until somebody may play again


@dataclass(slots=True)
class Stage:
    """The live part: its first day of care and its length in days."""

    world: World
    care: Care
    hospital: Hospital
    day: int
    days: int
    known: list[Filed] = field(default_factory=list)
    """Honest claims that arrived before the live part"""
    updates: list[tuple[int, Event]] = field(default_factory=list)
    """Registry events to put on the stream: (instant, event)"""
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the `campaigns` referential"""
    cast: dict[str, int] = field(default_factory=dict)
    """People and providers that play a part -> the wave in which they do"""
    roles: dict[str, tuple[Provider, ...]] = field(default_factory=dict)
    """Who was drawn for a part that several plays share"""
    habits: dict[str, Habit] = field(default_factory=dict)
    """Liquidators who treat controls in a way of their own from now on"""
    wave: int = 0
    """Which performance of all schemes this is; 0 = the only one, of the six first schemes"""

    def draws(self, scheme: str) -> Draw:
        """A stream of draws of one's own, so that a scheme can change and leave the others still."""
        return Draw(self.world.seed, f"scheme/{scheme}/{self.wave}" if self.wave else f"scheme/{scheme}")

    def many(self, few: int, wave: int) -> int:
        """How many of something: `few` in the only performance, `wave` in each of several."""
        return wave if self.wave else few

    def taken(self, name: str) -> bool:
        """Whether somebody plays a part already, now or not long ago."""
        return name in self.cast and self.cast[name] >= self.wave - REST

    def take(self, *names: str) -> None:
        """Give a part to people or providers."""
        self.cast.update(dict.fromkeys(names, self.wave))

    def people(
        self, draw: Draw, count: int, fits: Callable[[Person], bool] = lambda person: True
    ) -> list[Person]:
        """`count` living people who fit and play no other part yet (fewer in a small world)."""
        last = self.day + self.days + 75
        pool = [
            p
            for p in self.world.people
            if p.alive(last) and not self.taken(p.beneficiary) and self._at_home(p) and fits(p)
        ]
        chosen = draw.sample(pool, count)
        self.take(*(p.beneficiary for p in chosen))
        return chosen

    def _at_home(self, person: Person) -> bool:
        """In waves, whoever is in hospital or in a series of sessions is left in peace."""
        return not self.wave or (
            person.away < self.day
            and person.course < self.day
            and person.seen < self.day - QUIET
            and person.dialysis is None
        )

    def provider(self, draw: Draw, kind: str, specialty: str = "", busy: bool = False) -> Provider:
        """A provider who plays no other part yet; `busy` = one of the more frequented third."""
        group = [p for p in self.world.market.groups[kind, specialty] if p.until > self.day]
        pool = [p for p in group if p.inpe not in self.cast]
        pool = pool or [p for p in group if not self.taken(p.inpe)] or group
        if busy:
            pool = sorted(pool, key=lambda p: (-p.weight * COMMUNES[p.commune].weight, p.inpe))[
                : max(1, len(pool) // 3)
            ]
        chosen = draw.pick(pool)
        self.take(chosen.inpe)
        return chosen

    def install(
        self, draw: Draw, kind: str, specialty: str, commune: int, *, network: str | None = None
    ) -> Provider:
        """A provider who opens on the first day: in the registry, and known to no honest patient."""
        pattern = self.world.market.groups[kind, specialty][0]
        place = COMMUNES[commune]
        number = f"8{self.wave:02d}{draw.integer(100_000, 999_999)}"
        new = Provider(
            number,
            kind,
            specialty,
            pattern.sector,
            commune,
            place.lat,
            place.lon,
            pattern.individual,
            1.0,
            round(draw.lognormal(1.0, 0.1), 3),
            7,
            network,
        )
        new.drugs, new.documents = list(pattern.drugs), draw.integer(10, 900)
        entry = new.entry()
        entry["active"] = [{"from": clock.text(self.day - 1), "to": None}]
        entry["conventions"] = [{"status": "YES", "from": clock.text(self.day - 1), "to": None}]
        at = clock.instant(self.day, 5 * 3600)
        self.updates.append((at, {**self.world.desk.envelope("provider", at, "ANAM"), **entry}))
        return new

    def far_commune(self, provider: Provider, wanted: int, fits: Callable[[Person], bool]) -> int:
        """The smallest commune beyond 100 km with `wanted` people who fit, else the one with most."""
        here = COMMUNES[provider.commune]
        counts = dict.fromkeys(range(len(COMMUNES)), 0)
        for person in self.world.people:
            if not self.taken(person.beneficiary) and fits(person):
                counts[person.household.commune] += 1
        far = [i for i in counts if distance(here, COMMUNES[i]) > 100]
        enough = [i for i in far if counts[i] >= wanted]
        return (
            min(enough, key=lambda i: (counts[i], i)) if enough else max(far, key=lambda i: (counts[i], -i))
        )

    def working_day(self, draw: Draw, first: int, last: int, provider: Provider) -> int:
        """A day of the live part, counted from its first, on which the provider is open."""
        day = self.day + draw.integer(first, last)
        while not provider.open_on(day):
            day += 1
        return day
