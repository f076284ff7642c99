"""Establishments paid directly (tiers payant): stays, packages, dialysis, oncology; and the rare kinds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from simulation import clock
from simulation.care import Care
from simulation.claims import Dossier
from simulation.population import Person
from simulation.providers import Provider

PACKAGES = (
    ("CATAR", 1, "IMPLI"),
    ("CHOLE", 3, None),
    ("HERNI", 2, None),
    ("ACCOU", 2, None),
    ("APPEN", 3, None),
)
# What clinics add to a package in MAD: no two files of a clinic add up to the same.
SUPPLIES = (180, 900)


class Hospital:
    """Draws establishment files; shares the draws and people of ambulatory care."""

    def __init__(self, care: Care) -> None:
        self.care = care
        self.world = care.world
        self.draw = care.draw
        self._operated: set[tuple[str, str]] = set()

    def episode(self, day: int) -> Dossier:
        """One establishment file, or one of the rare kinds."""
        point = self.draw.unit()
        if point < 0.62:
            return self.surgery(day)
        if point < 0.84:
            return self.stay(day)
        if point < 0.94:
            return self.day_care(day)
        return self.leave(day) if point < 0.985 else self.abroad(day)

    def house(self, person: Person) -> Provider:
        """A clinic, more rarely a public or university hospital."""
        kind = self.draw.pick(("CLINIQUE",) * 8 + ("HOPITAL_PUBLIC", "CHU", "HOPITAL_MILITAIRE"))
        return self.world.market.pick(self.draw, person.household.commune, kind)

    def invoice(self, dossier: Dossier, house: Provider) -> Dossier:
        """Close an establishment's file with its invoice; the payer pays the house."""
        dossier.kind = "FACTURE_TP"
        dossier.payee = house.inpe
        lines = [line["line"] for line in dossier.lines]
        dossier.document("FACTURE", house.number(self.draw), house, dossier.last, lines)
        return dossier

    def surgery(self, day: int) -> Dossier:
        """A package, a surgeon, days of care, with a prise en charge granted before."""
        draw = self.draw
        code, nights, extra = draw.pick(PACKAGES)
        while True:
            person = self.care.patient(day, self.care.women if code == "ACCOU" else self.care.adults)
            if (person.beneficiary, code) not in self._operated and (code != "CATAR" or person.age(day) > 50):
                break
        self._operated.add((person.beneficiary, code))
        house = self.house(person)
        surgeon = self.world.market.pick(draw, house.commune, "MEDECIN", "CHIRURGIE")
        end = person.away = day + max(0, nights + draw.integer(-1, 1))
        dossier = Dossier(person, day)
        pec = f"PEC-{house.inpe}-{house.number(draw)}"
        more: dict[str, Any] = {
            "performer": surgeon.inpe,
            "service_end": clock.text(end),
            "prior_approval": pec,
            "discharge": "HOME",
        }
        dossier.act(code, house, day, **more)
        if extra:
            dossier.act(extra, house, day, unit_price=draw.integer(14, 24) * 10_000, prior_approval=pec)
        if end > day:
            dossier.act(
                "JMED", house, day, quantity=end - day, service_end=clock.text(end), prior_approval=pec
            )
        if draw.chance(0.85):
            dossier.act("CONSO", house, day, unit_price=draw.integer(*SUPPLIES) * 100, prior_approval=pec)
        self.approve(dossier, pec, house, day)
        return self.invoice(dossier, house)

    def approve(self, dossier: Dossier, pec: str, house: Provider, day: int) -> None:
        """The prise en charge of what the dossier bills."""
        dossier.approvals.append(
            {
                "pec_id": pec,
                "beneficiary": dossier.person.beneficiary,
                "provider": house.inpe,
                "acts": [
                    {"code": a["code"], "quantity": a["quantity"], "amount": a["amount"]}
                    for a in dossier.lines
                ],
                "amount_granted": dossier.amount,
                "sessions_granted": None,
                "valid_from": clock.text(day),
                "valid_to": clock.text(day + 60),
                "decision": "GRANTED",
                "decided_by": "MC-03",
            }
        )

    def stay(self, day: int) -> Dossier:
        """A medical stay billed by the day, with tests."""
        draw = self.draw
        person = self.care.patient(day)
        house = self.house(person)
        nights = 1 + draw.geometric(2.5)
        person.away = day + nights
        end = clock.text(person.away)
        dossier = Dossier(person, day)
        dossier.act("JMED", house, day, quantity=nights, service_end=end, discharge="HOME")
        if draw.chance(0.15):
            dossier.act("JREA", house, day, quantity=draw.integer(1, 4), service_end=end)
        doctor = self.world.market.pick(draw, house.commune, "MEDECIN", "CHIRURGIE")
        for code in draw.sample(("NFS", "IONO", "CRP", "CREAT", "GLY"), draw.integer(1, 3)):
            dossier.act(code, house, day, prescriber=doctor)
        return self.invoice(dossier, house)

    def day_care(self, day: int) -> Dossier:
        """A session of chemotherapy, or a look into the coronary arteries."""
        draw = self.draw
        cancer = [p for p in self.world.ill if p.ald == "ALD-CANC"]
        oncology = draw.chance(0.7) and bool(cancer)
        person = self.care.someone(day, cancer if oncology else self.care.adults)
        house = self.world.market.pick(
            draw, person.household.commune, "CENTRE_ONCO" if oncology else "CENTRE_CARDIO"
        )
        dossier = Dossier(person, day)
        if oncology:
            pec = f"PEC-CHIMIO-{person.beneficiary[2:]}-{day}"
            dossier.act("CHIMIO", house, day, prior_approval=pec)
            self.approve(dossier, pec, house, day)
        else:
            dossier.act(
                "CORO",
                house,
                day,
                performer=self.world.market.pick(draw, house.commune, "MEDECIN", "CARDIOLOGIE").inpe,
            )
        return self.invoice(dossier, house)

    def dialysis(self, person: Person, month_end: int) -> Dossier:
        """A month of dialysis, three sessions a week, billed when the month is over."""
        assert person.dialysis is not None
        first = month_end - int(clock.text(month_end)[8:]) + 1
        rhythm = person.birth % 2  # Monday-Wednesday-Friday or Tuesday-Thursday-Saturday
        dates = [
            d
            for d in range(first, month_end + 1)
            if clock.weekday(d) in ((0, 2, 4), (1, 3, 5))[rhythm] and person.alive(d)
        ]
        dossier = Dossier(person, first)
        if dates:
            dossier.act(
                "HD",
                person.dialysis,
                dates[0],
                quantity=len(dates),
                service_end=clock.text(dates[-1]),
                sessions=[clock.text(d) for d in dates],
                prior_approval=f"PEC-HD-{person.beneficiary[2:]}",
            )
            dossier.last = month_end
            self.invoice(dossier, person.dialysis)
        return dossier

    def leave(self, day: int) -> Dossier:
        """A sick leave of an employee: daily allowances of the general regime, from the fourth day on."""
        draw = self.draw
        workers = [p for p in self.care.adults if p.household.regime == "SALARIE" and p.rank == 0]
        person = self.care.patient(day, workers)
        doctor = person.household.doctor
        days = draw.integer(5, 21)
        person.course = day + days  # no second leave before the first has ended
        wage = draw.integer(120, 420) * 100
        dossier = allowance(person, doctor, doctor.number(draw), day, days, wage)
        assert dossier.sick_leave is not None
        dossier.sick_leave["employer"] = f"EMP-{draw.integer(1, 400):04d}"
        dossier.sick_leave["contribution_days"] = draw.integer(60, 156)
        return dossier

    def abroad(self, day: int) -> Dossier:
        """Care abroad: no INPE there, a country instead."""
        person = self.care.someone(day, self.care.adults)
        dossier = Dossier(person, day, kind="ETRANGER")
        house = self.world.market.groups["CHU", ""][0]
        price = self.draw.integer(600, 4000) * 100
        pec = f"PEC-EXT-{person.beneficiary[2:]}-{day}"
        dossier.act("CS", house, day, unit_price=price, prior_approval=pec)
        self.approve(dossier, pec, house, day)
        line = dossier.lines[0]
        del line["executor"]
        line["country"] = self.draw.pick(("FR", "ES", "BE"))
        dossier.documents.append(
            {
                "type": "FACTURE",
                "number": f"X{self.draw.integer(1, 99999)}",
                "date": dt.date.fromordinal(day).isoformat(),
            }
        )
        return dossier


def allowance(person: Person, doctor: Provider, number: str, day: int, days: int, wage: int) -> Dossier:
    """A sick leave with its certificate: two thirds of the daily wage (centimes) from the fourth day on."""
    dossier = Dossier(person, day, kind="IJ")
    end = clock.text(day + days - 1)
    price = round(wage * 2 / 3)
    dossier.act("IJ", doctor, day, quantity=days - 3, unit_price=price, prescriber=doctor, service_end=end)
    dossier.dues[0] = (1, dossier.amount, dossier.amount)
    dossier.document("CERTIFICAT", number, doctor, day, [1])
    dossier.sick_leave = {"start": clock.text(day), "end": end, "daily_wage": wage}
    return dossier
