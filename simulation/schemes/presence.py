"""Care while in hospital, a card lent to another city; a test given out by the house, and a son at the pharmacy."""

from __future__ import annotations

from simulation.claims import Dossier
from simulation.places import COMMUNES, distance
from simulation.population import Person
from simulation.schemes.parts import grown, ordered, prelude, sheet, stay, visit
from simulation.schemes.stage import Stage

OUTSIDE, GIVEN_OUT, LENT, FETCHED = 8, 13, 7, 13
FAR = 230  # km


def _stays(stage: Stage, scheme: str, count: int) -> list[tuple[Dossier, int, int]]:
    """(stay, a day inside it, its nights)."""
    draw = stage.draws(f"{scheme}/stay")
    made = []
    for person in stage.people(draw, count, grown(stage, 30)):
        house = stage.world.market.pick(draw, person.household.commune, "CLINIQUE")
        nights = draw.integer(7, 9)
        first = stage.day + draw.integer(0, 3)
        person.away = first + nights + 12
        made.append((stay(stage, draw, person, house, first, nights), first, nights))
    return made


def elsewhere_in_hospital(stage: Stage) -> list[Dossier]:
    """A doctor in town bills visits of somebody who lies in a clinic."""
    draw = stage.draws("elsewhere")
    dossiers = []
    for inside, first, nights in _stays(stage, "elsewhere", OUTSIDE):
        person = inside.person
        kind, specialty, code = draw.pick((("MEDECIN", "GENERALISTE", "C"), ("MEDECIN", "CARDIOLOGIE", "CS")))
        doctor = stage.world.market.pick(draw, person.household.commune, kind, specialty)
        day = first + draw.integer(2, 4)
        while not doctor.open_on(day):
            day += 1
        dossier = sheet(draw, person, doctor, day, code, *(("ECG",) if code == "CS" else ()))
        dossier.delay = first + nights - day + draw.integer(9, 12)
        dossiers += [prelude(inside), dossier]
    return dossiers


def given_out(stage: Stage) -> list[Dossier]:
    """An image that the clinic orders from a radiologist in town while the patient stays."""
    draw = stage.draws("given_out")
    dossiers = []
    for inside, first, nights in _stays(stage, "given_out", GIVEN_OUT):
        person, house = inside.person, inside.payee
        place = stage.world.market.pick(draw, person.household.commune, "RADIOLOGIE")
        day = first + draw.integer(2, 4)
        while not place.open_on(day):
            day += 1
        dossier = ordered(stage, draw, person, place, day, draw.pick(("SCAN", "IRM", "ECHOA", "RXTHX")))
        for line in dossier.lines:
            line["prescriber"] = house
        dossier.documents[0]["issuer"] = house
        dossier.delay = first + nights - day + draw.integer(2, 12)
        dossiers += [inside, dossier]
    return dossiers


def _far(stage: Stage, person: Person) -> int:
    """A town at more than `FAR` km from home."""
    here = COMMUNES[person.household.commune]
    towns = [i for i, c in enumerate(COMMUNES) if c.beds and distance(here, c) > FAR]
    return stage.draws(f"far/{person.beneficiary}").pick(towns)


def identity_lending(stage: Stage) -> list[Dossier]:
    """The holder sees a doctor at home; the same day, somebody else uses the name in another city."""
    draw = stage.draws("identity")
    dossiers = []
    for person in stage.people(draw, LENT, grown(stage)):
        at_home = person.household.doctor
        day = stage.working_day(draw, 2, 10, at_home)
        specialty = draw.pick(("CARDIOLOGIE", "OPHTALMOLOGIE"))
        doctor = stage.world.market.pick(draw, _far(stage, person), "MEDECIN", specialty)
        codes = ("CS", "ECHOC") if specialty == "CARDIOLOGIE" else ("CS", "OCT")
        borrowed = sheet(draw, person, doctor, day, *codes)
        borrowed.delay = draw.integer(9, 12)
        dossiers += [prelude(visit(stage, draw, person, day)), borrowed]
    return dossiers


def fetched_far(stage: Stage) -> list[Dossier]:
    """A visit at home; the boxes are bought the same day by a son who works in another city."""
    draw = stage.draws("fetched_far")
    dossiers = []
    for person in stage.people(draw, FETCHED, grown(stage, 40)):
        doctor = person.household.doctor
        day = stage.working_day(draw, 2, 10, doctor)
        pharmacy = stage.world.market.pick(draw, _far(stage, person), "PHARMACIE", day=day)
        dossiers.append(sheet(draw, person, doctor, day, "C"))
        number = doctor.number(draw)
        bought = Dossier(person, day)
        lines = [
            bought.drug(drug, 1, pharmacy, day, doctor, number, day, days=10)
            for drug in draw.sample(doctor.drugs, 2)
        ]
        bought.document("ORDONNANCE", number, doctor, day, lines)
        bought.document("FACTURE", pharmacy.number(draw), pharmacy, day, lines)
        dossiers.append(bought)
    return dossiers
