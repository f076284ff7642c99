"""A world: drugs, providers, households and their registries, all drawn from one seed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from simulation import clock, tables
from simulation.claims import Desk
from simulation.draw import Draw
from simulation.drugs import Drug, make_drugs
from simulation.places import COMMUNES
from simulation.population import ILLNESSES, Person, make_population
from simulation.providers import Market, Provider, make_providers
from simulation.tables import Event

DEFAULT_START = dt.date(2026, 1, 5)
PEOPLE = 12_000  # with 45,000 claims in 200 days a person files a little more than once in two months
PORTFOLIO = 0.9  # of an agency's files, by its routing table
CUT_AFTER = 60  # days from the start to the price cut


@dataclass(frozen=True, slots=True)
class Scale:
    """How many providers (times the usual), agencies a region, liquidators an agency; and dedicated portfolios.

    `routed` = the first so many agencies have one liquidator for nine files of ten, as a `routing` table says.
    """

    providers: int = 1
    agencies: int = 3
    liquidators: int = 6
    routed: int = 0


class World:
    """The state of one synthetic AMO. It lives through one `generate`; build another to repeat it."""

    def __init__(
        self,
        seed: int = 1,
        beneficiaries: int = PEOPLE,
        start: dt.date = DEFAULT_START,
        *,
        scale: Scale | None = None,
    ) -> None:
        scale = scale or Scale()
        self.seed = seed
        self.scale = scale
        self.start = start.toordinal()
        self.draw = Draw(seed, "care")
        self.drugs: list[Drug] = make_drugs(Draw(seed, "drugs"), self.start + CUT_AFTER)
        self.providers: list[Provider] = make_providers(Draw(seed, "providers"), self.drugs, scale.providers)
        self.market = Market(self.providers)
        self.people: list[Person] = make_population(
            Draw(seed, "people"), self.market, self.drugs, beneficiaries, self.start, scale.agencies
        )
        self.desk = Desk(seed, Draw(seed, "desk"))
        self.ill = [p for p in self.people if p.treatment]
        self.dialysed = [p for p in self.people if p.dialysis is not None]
        self.liquidators = self._liquidators()
        self.lived = False

    def by_atc(self, *prefixes: str) -> list[Drug]:
        """The drugs of some ATC classes."""
        return [drug for drug in self.drugs if drug.atc.startswith(prefixes)]

    def _liquidators(self) -> dict[str, list[str]]:
        """Liquidators by agency: several, the last two of whom validate what the others compute."""
        agencies = sorted({p.household.agency for p in self.people})
        count = self.scale.liquidators
        return {agency: [f"L-{agency}-{i:02d}" for i in range(1, count + 1)] for agency in agencies}

    @property
    def routed(self) -> list[str]:
        """The agencies with a dedicated portfolio."""
        return sorted(self.liquidators)[: self.scale.routed]

    def routing(self) -> list[Event]:
        """Rows of the `routing` referential."""
        return [
            {"agency": agency, "liquidator": name, "share": PORTFOLIO if i == 0 else left}
            for agency in self.routed
            for desk in [self.liquidators[agency][:-2]]
            for left in [int(10_000 * (1 - PORTFOLIO) / (len(desk) - 1)) / 10_000]
            for i, name in enumerate(desk)
        ]

    def registries(self, last: int, *, beneficiaries: bool = True) -> Iterator[Event]:
        """Referentials, policy, registries and standing approvals, the day before the start."""
        at = clock.instant(self.start - 1, 6 * 3600)
        yield from tables.referentials(
            lambda type_: self._at(type_, at), self.start, last, self.drugs, [], self.routing()
        )
        for provider in self.providers:
            yield {**self._at("provider", at + 600), **provider.entry()}
        for agency, names in self.liquidators.items():
            for i, name in enumerate(names):
                yield {
                    **self._at("liquidator", at + 1200),
                    "liquidator": name,
                    "role": "VALIDATION" if i >= len(names) - 2 else "LIQUIDATION",
                    "rights": [
                        {"from": "2020-01-01", "to": None, "mutuelle": None, "agency": agency, "scope": None}
                    ],
                    "linked_beneficiaries": [],
                    "delegations": [],
                }
        if not beneficiaries:
            return
        for person in self.people:
            known = person.death if person.death is not None and person.death < self.start - 15 else None
            event = self.desk.person_envelope("beneficiary", at + 1800, person)
            yield {**event, **person.entry(person.rights(), known)}
        for person in self.dialysed:
            yield self.dialysis_approval(person, at + 3600)

    def _at(self, type_: str, at: int) -> Event:
        return self.desk.envelope(type_, at, "ANAM")

    def dialysis_approval(self, person: Person, at: int) -> Event:
        """A year of dialysis granted to a patient at the usual centre."""
        assert person.dialysis is not None
        return {
            **self.desk.person_envelope("prior_approval", at, person),
            "pec_id": f"PEC-HD-{person.beneficiary[2:]}",
            "beneficiary": person.beneficiary,
            "provider": person.dialysis.inpe,
            "acts": [{"code": "HD", "quantity": 160, "amount": 160 * 85_000}],
            "amount_granted": 160 * 85_000,
            "sessions_granted": 160,
            "valid_from": clock.text(self.start - 60),
            "valid_to": clock.text(self.start + 366),
            "decision": "GRANTED",
            "decided_by": "MC-01",
        }

    def update(self, person: Person, at: int, *, until: int | None = None, death: int | None = None) -> Event:
        """A new registry entry of a person: rights up to `until`, a death that became known."""
        event = self.desk.person_envelope("beneficiary", at, person)
        return {**event, **person.entry(person.rights(until), death)}

    def describe(self) -> dict[str, int]:
        """Sizes, for a progress line."""
        return {
            "beneficiaries": len(self.people),
            "households": len({p.household.insured for p in self.people}),
            "providers": len(self.providers),
            "communes": len(COMMUNES),
            "drugs": len(self.drugs),
            "long_term_ill": sum(p.ald in ILLNESSES for p in self.people),
        }
