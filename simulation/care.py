"""Ambulatory care: visits, pharmacy, tests, images, teeth, exercises, glasses, and their bills."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

from simulation import clock
from simulation.acts import ACT
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.population import Household, Person
from simulation.providers import Provider
from simulation.world import World

LABS = (
    ("NFS", "CRP"),
    ("GLY", "HBA1C", "CREAT"),
    ("LIPID", "GLY"),
    ("TSH",),
    ("NFS", "FERR"),
    ("ECBU", "CRP"),
    ("IONO", "CREAT"),
    ("VITD",),
    ("NFS", "GLY", "LIPID", "TSH"),
)
IMAGES = (("RXTHX", 30), ("RXOS", 22), ("ECHOA", 26), ("MAMMO", 8), ("SCAN", 9), ("IRM", 5))
GAP = 6  # days between two episodes of a person
EARLY = 5  # days before the last supply ends that a refill is fetched
TEETH = [q * 10 + t for q in (1, 2, 3, 4) for t in range(1, 8)]
DENTAL = (("CD", 14), ("DETAR", 22), ("OBTUR", 30), ("ENDO", 16), ("EXTR", 12), ("COUR", 6))


class Care:
    """Draws episodes of care. Each method returns the dossier that the insured will file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw: Draw = world.draw
        people = world.people
        start = world.start
        self.adults = [p for p in people if p.age(start) >= 16]
        self.children = [p for p in people if p.age(start) < 15]
        self.women = [p for p in people if p.sex == "F" and 17 <= p.age(start) <= 60]
        # A few people go to the doctor often and most rarely, as everywhere.
        self._eagerness = list(
            accumulate(self.draw.lognormal(1.0, 0.6) * (1 + (p.age(start) > 55)) for p in people)
        )
        self._episodes: list[Callable[[int], Dossier]] = [
            self.general,
            self.specialist,
            self.laboratory,
            self.imaging,
            self.dental,
            self.exercises,
            self.optical,
            self.other,
        ]
        self._shares = list(accumulate((27.0, 30.0, 9.0, 8.0, 12.0, 7.0, 4.0, 3.0)))

    def episode(self, day: int) -> Dossier:
        """One episode of ambulatory care that begins on that day."""
        return self.draw.weighted(self._episodes, self._shares)(day)

    def someone(self, day: int, pool: list[Person] | None = None) -> Person:
        """A living person, by eagerness or from a pool."""
        for _ in range(1000):
            person = self.draw.pick(pool) if pool else self.draw.weighted(self.world.people, self._eagerness)
            if person.alive(day + 75) and abs(day - person.seen) > GAP and person.away < day:
                break
        person.seen = day
        return person

    def pharmacy(self, home: Household, day: int) -> Provider:
        """The family's pharmacy, or another one when it is closed or far from where they are."""
        if self.draw.chance(0.8) and home.pharmacy.open_on(day):
            return home.pharmacy
        return self.world.market.pick(self.draw, home.commune, "PHARMACIE", day=day)

    def where(self, person: Person) -> int:
        """The commune where care is sought: home, or now and then where one travels."""
        travels = self.draw.chance(0.015)
        elsewhere = self.draw.integer(0, 22) if travels else 0
        return elsewhere if travels and person.dialysis is None else person.household.commune

    def visit(self, dossier: Dossier, doctor: Provider, code: str, day: int) -> list[int]:
        """A consultation, with its time where the form gives one."""
        more: dict[str, Any] = {}
        if self.draw.chance(0.35):
            hour = self.draw.integer(9, 14 if clock.ramadan(day) else 17)
            more["service_time"] = f"{hour:02d}:{self.draw.integer(0, 11) * 5:02d}"
        return [dossier.act(code, doctor, day, **more)]

    def prescribe(self, dossier: Dossier, doctor: Provider, day: int, count: int) -> None:
        """Have drugs of the doctor's habits delivered, most often the same day."""
        draw = self.draw
        number = doctor.number(draw)
        bought = day + (draw.integer(0, 2) if draw.chance(0.25) else 0)
        pharmacy = self.pharmacy(dossier.person.household, bought)
        lines = []
        # nobody writes two brands of one substance on one ordonnance
        taken = {drug.dci for drug in dossier.person.treatment}  # and a doctor asks what one takes already
        for drug in {drug.dci: drug for drug in draw.sample(doctor.drugs, count)}.values():
            if drug.dci in taken:
                continue
            boxes = 2 if draw.chance(0.12) else 1
            known = draw.chance(0.7)
            lines.append(
                dossier.drug(
                    drug,
                    boxes,
                    pharmacy,
                    bought,
                    doctor,
                    number,
                    day,
                    days=5 * draw.integer(1, 6) if known else None,
                )
            )
        dossier.document("ORDONNANCE", number, doctor, day, lines)
        dossier.document("FACTURE", pharmacy.number(draw), pharmacy, bought, lines)

    def general(self, day: int) -> Dossier:
        """A general practitioner, then nearly always the pharmacy."""
        person = self.someone(day)
        home = person.household
        doctor = home.doctor
        if not (self.draw.chance(0.7) and doctor.open_on(day)):
            doctor = self.world.market.pick(self.draw, self.where(person), "MEDECIN", "GENERALISTE", day)
        dossier = Dossier(person, day)
        lines = self.visit(dossier, doctor, "V" if self.draw.chance(0.05) else "C", day)
        dossier.document("FEUILLE_SOINS", doctor.number(self.draw), doctor, day, lines)
        if self.draw.chance(0.88):
            self.prescribe(dossier, doctor, day, self.draw.integer(1, 4))
        return self.explore(dossier, doctor, day)

    def specialist(self, day: int) -> Dossier:
        """A specialist with an exploration or drugs of the trade."""
        draw = self.draw
        specialty, pool, codes = draw.weighted(
            (
                ("CARDIOLOGIE", self.adults, ("ECG", "ECHOC", "EFFORT", "HOLTER", "ECG")),
                ("GYNECOLOGIE", self.women, ("ECHOG", "FCV", "ECHOG")),
                ("PEDIATRIE", self.children, ("VACC", "AEROS", "AUDIM", "VACC")),
                ("OPHTALMOLOGIE", None, ("FO", "TONO", "OCT")),
                ("PSYCHIATRIE", self.adults, ()),
            ),
            (24.0, 48.0, 72.0, 94.0, 100.0),
        )
        person = self.someone(day, pool)
        doctor = self.world.market.pick(draw, self.where(person), "MEDECIN", specialty, day)
        dossier = Dossier(person, day)
        lines = self.visit(dossier, doctor, "CNPSY" if specialty == "PSYCHIATRIE" else "CS", day)
        if codes and draw.chance(0.5):
            lines.append(dossier.act(draw.pick(codes), doctor, day))
        dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, lines)
        if draw.chance(0.65):
            self.prescribe(dossier, doctor, day, draw.integer(1, 3))
        return self.explore(dossier, doctor, day)

    def explore(self, dossier: Dossier, doctor: Provider, day: int) -> Dossier:
        """Tests or images that the visit led to, when the family waits for them before it files."""
        if self.draw.chance(0.22):
            self.order(dossier, "LABO", self.draw.pick(LABS), doctor, day, day + self.draw.integer(0, 4))
        if self.draw.chance(0.12):
            self.order(
                dossier,
                "RADIOLOGIE",
                (self.draw.pick(("RXTHX", "RXOS", "ECHOA")),),
                doctor,
                day,
                day + self.draw.integer(0, 6),
            )
        return dossier

    def order(
        self, dossier: Dossier, kind: str, codes: tuple[str, ...], doctor: Provider, written: int, day: int
    ) -> Dossier:
        """Acts on a doctor's ordonnance, done in one place."""
        person = dossier.person
        number = doctor.number(self.draw)
        # who travels has the tests of the day done where the doctor is
        place = doctor.commune if day == written else person.household.commune
        executor = self.world.market.pick(self.draw, place, kind, day=day)
        while not executor.open_on(day):
            day += 1
        lines = [
            dossier.act(code, executor, day, prescriber=doctor, prescribed_on=written, prescription=number)
            for code in codes
            if ACT[code].extra.get("sex", person.sex) == person.sex
        ]
        if lines:
            dossier.document("ORDONNANCE", number, doctor, written, lines)
            dossier.document("FACTURE", executor.number(self.draw), executor, day, lines)
        return dossier

    def renewal(self, person: Person, day: int) -> Dossier:
        """The month's (or quarter's) boxes of a long treatment, on a renewable ordonnance."""
        draw = self.draw
        home = person.household
        person.seen = day
        doctor = person.prescriber or home.doctor
        number, written, left = person.prescription
        pharmacy = self.pharmacy(home, day)
        dossier = Dossier(person, day)
        if left <= 0:
            seen = max(day - draw.integer(0, 2), self.world.start)
            number, written, left = doctor.number(draw), seen, draw.pick((3, 3, 6))
            code = {"PSYCHIATRIE": "CNPSY", "GENERALISTE": "C"}.get(doctor.specialty, "CS")
            lines = self.visit(dossier, doctor, code, seen)
            dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, seen, lines)
        months = 3 if draw.chance(0.08) and person.treatment[0].price < 100_000 else 1
        lines = []
        for drug in person.treatment:
            boxes = _boxes(drug, months)
            if person.supplied.get(drug.ean13, day) > day + EARLY:
                continue  # a pack that lasts longer than a month is not asked for every month
            person.supplied[drug.ean13] = day + round(boxes * drug.units / drug.per_day)
            days = 30 * months
            lines.append(dossier.drug(drug, boxes, pharmacy, day, doctor, number, written, days=days))
        if lines:
            dossier.document("ORDONNANCE", number, doctor, written, lines, renewals=6)
            dossier.document("FACTURE", pharmacy.number(draw), pharmacy, day, lines)
        person.prescription = (number, written, left - 1)
        person.due = day + 30 * months + draw.integer(-2, 7)
        return dossier

    def ordered(
        self, day: int, kind: str, codes: tuple[str, ...], pool: list[Person] | None = None
    ) -> Dossier:
        """Acts that a doctor ordered a few days before, done in one place."""
        draw = self.draw
        person = self.someone(day, pool)
        doctor = person.household.doctor
        if draw.chance(0.3):
            doctor = self.world.market.pick(
                draw, person.household.commune, "MEDECIN", draw.pick(("GENERALISTE", "CARDIOLOGIE"))
            )
        return self.order(Dossier(person, day), kind, codes, doctor, day - draw.integer(0, 8), day)

    def laboratory(self, day: int) -> Dossier:
        """Blood or urine tests."""
        return self.ordered(day, "LABO", self.draw.pick(LABS))

    def imaging(self, day: int) -> Dossier:
        """One or two images."""
        names = [name for name, _ in IMAGES]
        code = self.draw.weighted(names, list(accumulate(float(share) for _, share in IMAGES)))
        return self.ordered(day, "RADIOLOGIE", (code,), self.women if code == "MAMMO" else None)

    def dental(self, day: int) -> Dossier:
        """A sitting at the dentist's: each tooth is treated once."""
        draw = self.draw
        person = self.someone(day, self.adults)
        if person.dentist is None or not person.dentist.open_on(day):
            kind = "CENTRE_DENTAIRE" if draw.chance(0.1) else "DENTISTE"
            person.dentist = self.world.market.pick(draw, person.household.commune, kind, day=day)
        dossier = Dossier(person, day)
        names = [name for name, _ in DENTAL]
        cumulative = list(accumulate(float(share) for _, share in DENTAL))
        lines = []
        done: set[str] = set()
        for _ in range(draw.pick((1, 1, 2, 2, 3))):
            code = draw.weighted(names, cumulative)
            if code in done and code in ("CD", "DETAR"):
                continue
            done.add(code)
            more: dict[str, Any] = {}
            if code not in ("CD", "DETAR"):
                more["teeth"] = [TEETH[(person.birth + person.mouth * 5) % len(TEETH)]]
                person.mouth += 1
            lines.append(dossier.act(code, person.dentist, day, **more))
        dossier.document("FEUILLE_SOINS", person.dentist.number(draw), person.dentist, day, lines)
        return dossier

    def exercises(self, day: int) -> Dossier:
        """A series at the physiotherapist's, agreed beforehand, billed at its end with the list of dates."""
        draw = self.draw
        person = self.patient(day, self.adults)
        kine = self.world.market.pick(draw, person.household.commune, "KINE", day=day)
        return self.series(day, person, kine, "AMM", draw.pick((6, 8, 10, 12)))

    def patient(self, day: int, pool: list[Person] | None = None) -> Person:
        """Someone who is not in the middle of a series of sessions, nor dialysed every other day."""
        while (person := self.someone(day, pool)).course >= day or person.dialysis is not None:
            pass
        return person

    def series(self, day: int, person: Person, executor: Provider, code: str, count: int) -> Dossier:
        """`count` sessions, two or three a week from `day` on."""
        draw = self.draw
        dates: list[int] = []
        when = day
        while len(dates) < count:
            if executor.open_on(when):
                dates.append(when)
                executor.booked[when] = executor.booked.get(when, 0) + (ACT[code].minutes or 0)
            when += draw.integer(1, 3)
        person.course = dates[-1]
        dossier = Dossier(person, day)
        doctor = person.household.doctor
        number = doctor.number(draw)
        written = day - draw.integer(1, 6)
        pec = f"PEC-{code}-{executor.inpe}-{executor.number(draw)}"
        approved = code != "AMI"
        more: dict[str, Any] = {"prior_approval": pec} if approved else {}
        line = dossier.act(
            code,
            executor,
            dates[0],
            quantity=count,
            prescriber=doctor,
            prescribed_on=written,
            prescription=number,
            service_end=clock.text(dates[-1]),
            sessions=[clock.text(d) for d in dates],
            **more,
        )
        dossier.document("ORDONNANCE", number, doctor, written, [line])
        dossier.document("FACTURE", executor.number(draw), executor, dates[-1], [line])
        if approved:
            dossier.approvals.append(
                {
                    "pec_id": pec,
                    "beneficiary": person.beneficiary,
                    "provider": executor.inpe,
                    "acts": [{"code": code, "quantity": count, "amount": dossier.amount}],
                    "amount_granted": dossier.amount,
                    "sessions_granted": count,
                    "valid_from": clock.text(day),
                    "valid_to": clock.text(day + 180),
                    "decision": "GRANTED",
                    "decided_by": "MC-02",
                }
            )
        return dossier

    def due(self, day: int, device: str, interval: int) -> Person:
        """Someone who may have the device (again)."""
        while (person := self.someone(day)).supplied.get(device, day) > day:
            pass
        person.supplied[device] = day + interval
        return person

    def optical(self, day: int) -> Dossier:
        """A frame and lenses on an ophthalmologist's ordonnance."""
        draw = self.draw
        person = self.due(day, "glasses", 740)
        doctor = self.world.market.pick(draw, person.household.commune, "MEDECIN", "OPHTALMOLOGIE")
        shop = self.world.market.pick(draw, person.household.commune, "OPTICIEN", day=day)
        number = doctor.number(draw)
        written = day - draw.integer(1, 12)
        dossier = Dossier(person, day)
        lines = []
        for code, above in (("VERRE", 1.5), ("MONT", 1.6)):
            if code == "MONT" and not draw.chance(0.8):
                continue
            price = round(ACT[code].tariff * draw.lognormal(above, 0.3) / 1000) * 1000
            line = dossier.act(
                code,
                shop,
                day,
                unit_price=price,
                prescriber=doctor,
                prescribed_on=written,
                prescription=number,
            )
            lines.append(line)
        dossier.document("ORDONNANCE", number, doctor, written, lines)
        dossier.document("FACTURE", shop.number(draw), shop, day, lines)
        return dossier

    def other(self, day: int) -> Dossier:
        """Nurses, midwives, speech therapists, devices, ambulances."""
        draw = self.draw
        kind = draw.pick(("INFIRMIER", "SAGE_FEMME", "ORTHOPHONISTE", "PROTHESISTE", "TRANSPORT"))
        if kind in ("INFIRMIER", "ORTHOPHONISTE"):
            person = self.patient(day, self.children if kind == "ORTHOPHONISTE" else self.adults)
            executor = self.world.market.pick(draw, person.household.commune, kind, day=day)
            return self.series(
                day, person, executor, "AMI" if kind == "INFIRMIER" else "AMO", draw.integer(4, 10)
            )
        if kind == "PROTHESISTE":
            code = draw.pick(("ORTHES", "ORTHES", "OXYG"))
            person = self.due(day, code, 380)
            doctor = person.household.doctor
            return self.order(Dossier(person, day), kind, (code,), doctor, day - draw.integer(1, 8), day)
        person = self.someone(day, self.women if kind == "SAGE_FEMME" else None)
        executor = self.world.market.pick(draw, person.household.commune, kind, day=day)
        dossier = Dossier(person, day)
        line = dossier.act("SF" if kind == "SAGE_FEMME" else "AMB", executor, day)
        dossier.document("FEUILLE_SOINS", executor.number(draw), executor, day, [line])
        return dossier


def _boxes(drug: Drug, months: int) -> int:
    """Boxes for some months at the usual dose, at least one."""
    return max(1, min(9, round(drug.per_day * 30 * months / drug.units)))
