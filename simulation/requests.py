"""Requests: agreements asked for and given, long-term illnesses, invalidity pensions, disability files.

They block care rather than money: nobody liquidates or pays them.
"""

from __future__ import annotations

from simulation import clock
from simulation.acts import ACT
from simulation.draw import Draw
from simulation.population import Person
from simulation.providers import Provider
from simulation.tables import Event
from simulation.world import World

KINDS = (
    ("PEC_DEMANDE", 44.0),
    ("PEC_ACCORD", 60.0),
    ("ALD_OUVERTURE", 82.0),
    ("INVALIDITE", 91.0),
    ("HANDICAP", 100.0),
)
OPERATIONS = ("CATAR", "CHOLE", "HERNI", "CHIMIO", "CORO")


class Requests:
    """Draws the requests of a day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = Draw(world.seed, "requests")
        self._pool = [p for p in world.people if p.age(world.start) >= 20 and p.death is None]

    def of_day(self, day: int, expected: float) -> list[tuple[int, Event]]:
        """(instant, event): about `expected` requests, each agreement asked for before it is given."""
        made: list[tuple[int, Event]] = []
        names, shares = [name for name, _ in KINDS], [share for _, share in KINDS]
        for _ in range(int(expected + self.draw.unit()) if expected else 0):
            made += self._request(self.draw.weighted(names, shares), self.draw.pick(self._pool), day)
        return made

    def _request(self, kind: str, person: Person, day: int) -> list[tuple[int, Event]]:
        at = clock.instant(clock.office_day(day), 9 * 3600 + self.draw.integer(0, 25_000))
        if kind == "ALD_OUVERTURE":
            return [self._paper(kind, person, at, "CERTIFICAT", person.household.doctor)]
        if kind in ("INVALIDITE", "HANDICAP"):
            when, event = self._paper(kind, person, at, "CERTIFICAT", person.household.doctor)
            event["flow"] = "RG"
            return [(when, event)]
        house = self.world.market.pick(self.draw, person.household.commune, "CLINIQUE")
        asked = self._operation("PEC_DEMANDE", person, at, house)
        if kind == "PEC_DEMANDE":
            return [(at, asked)]
        when = clock.instant(clock.office_day(day + 2), 10 * 3600 + self.draw.integer(0, 20_000))
        answer = self._operation("PEC_ACCORD", person, when, house)
        answer["lines"] = asked["lines"]
        return [(at, asked), (when, answer)]

    def _paper(self, kind: str, person: Person, at: int, type_: str, doctor: Provider) -> tuple[int, Event]:
        event = self._claim(kind, person, at)
        event["documents"] = [
            {
                "type": type_,
                "number": doctor.number(self.draw),
                "issuer": doctor.inpe,
                "date": event["deposit_date"],
            }
        ]
        return at, event

    def _operation(self, kind: str, person: Person, at: int, house: Provider) -> Event:
        event = self._claim(kind, person, at)
        act = ACT[self.draw.pick(OPERATIONS)]
        event["lines"] = [
            {
                "line": 1,
                "care_group": act.group,
                "nomenclature": act.nomenclature,
                "code": act.code,
                "letter": act.letter,
                "coefficient": act.coefficient,
                "quantity": 1,
                "unit": "ACT",
                "unit_price": act.tariff,
                "amount": act.tariff,
                "service_date": clock.text((at // clock.DAY) + clock.EPOCH + 7),
                "executor": house.inpe,
            }
        ]
        return event

    def _claim(self, kind: str, person: Person, at: int) -> Event:
        desk = self.world.desk
        event = desk.person_envelope("claim", at, person)
        day = at // clock.DAY + clock.EPOCH
        event.update(
            channel="PORTAL",
            claim_id=desk.claim_id(day),
            kind=kind,
            beneficiary=person.beneficiary,
            insured=person.household.insured,
            deposit_date=clock.text(day),
            documents=[],
            lines=[],
        )
        return event
