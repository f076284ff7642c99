"""Boxes fetched too early, a doctor in league with a pharmacy; a supply for a journey, and a village with one shop."""

from __future__ import annotations

from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.places import COMMUNES, VILLAGES
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.parts import grown
from simulation.schemes.stage import Stage

HOARDERS, REFILLS, TRAVELLERS, STEERED, VILLAGE = 2, 7, 13, 64, 26
COSTLY = ("A10BJ", "B01AC", "N05AH", "A10BH")
CITY = 34  # weight of a commune with pharmacies enough to choose from


def _bought(
    draw: Draw, person: Person, doctor: Provider, pharmacy: Provider, day: int, drugs: list[tuple[Drug, int]]
) -> Dossier:
    """Boxes on an ordonnance of the day."""
    dossier = Dossier(person, day)
    number = doctor.number(draw)
    lines = [
        dossier.drug(
            drug, boxes, pharmacy, day, doctor, number, day, days=round(boxes * drug.units / drug.per_day)
        )
        for drug, boxes in drugs
    ]
    dossier.document("ORDONNANCE", number, doctor, day, lines)
    dossier.document("FACTURE", pharmacy.number(draw), pharmacy, day, lines)
    return dossier


def early_refills(stage: Stage) -> list[Dossier]:
    """A month's boxes of a dear drug every few days, one ordonnance after another of the same doctor."""
    draw = stage.draws("early_refills")
    dossiers = []
    for i, person in enumerate(stage.people(draw, HOARDERS, lambda p: p.ald is None and grown(stage, 35)(p))):
        drug = draw.pick(stage.world.by_atc(*COSTLY))
        doctor = person.household.doctor
        for visit in range(REFILLS):
            pharmacy = person.household.pharmacy
            day = stage.working_day(draw, visit * 3, visit * 3 + 1, pharmacy)
            dossier = _bought(draw, person, doctor, pharmacy, day, [(drug, 2)])
            dossier.case = f"{i}"
            dossiers.append(dossier)
    return dossiers


def travel_supply(stage: Stage) -> list[Dossier]:
    """The month's boxes, and soon after three months more for a journey, which the form says."""
    draw = stage.draws("travel_supply")
    dossiers = []
    for person in stage.people(draw, TRAVELLERS, lambda p: p.ald is None and grown(stage, 35)(p)):
        drug = draw.pick(stage.world.by_atc("C08", "C09", "C10", "H03"))
        doctor, pharmacy = person.household.doctor, person.household.pharmacy
        first = stage.working_day(draw, 0, 3, pharmacy)
        dossiers.append(_bought(draw, person, doctor, pharmacy, first, [(drug, 1)]))
        second = stage.working_day(draw, 10, 15, pharmacy)
        supply = _bought(draw, person, doctor, pharmacy, second, [(drug, 3)])
        for line in supply.lines:
            line["modifiers"] = ["TRAVEL"]
        dossiers.append(supply)
    return dossiers


def _prescribed(draw: Draw, person: Person, doctor: Provider, pharmacy: Provider, day: int) -> Dossier:
    """A visit, and its boxes at a pharmacy."""
    dossier = Dossier(person, day)
    line = dossier.act("C", doctor, day)
    dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, [line])
    number = doctor.number(draw)
    lines = [
        dossier.drug(drug, 1, pharmacy, day, doctor, number, day, days=draw.integer(5, 20))
        for drug in draw.sample(doctor.drugs, draw.integer(1, 4))
    ]
    dossier.document("ORDONNANCE", number, doctor, day, lines)
    dossier.document("FACTURE", pharmacy.number(draw), pharmacy, day, lines)
    return dossier


def collusion(stage: Stage) -> list[Dossier]:
    """A doctor who has just set up sends everybody to one pharmacy of a town that has many."""
    draw = stage.draws("collusion")
    shops = [p for p in stage.world.market.groups["PHARMACIE", ""] if COMMUNES[p.commune].weight >= CITY]
    pharmacy = draw.pick([p for p in shops if p.inpe not in stage.cast] or shops)
    stage.take(pharmacy.inpe)
    doctor = stage.install(draw, "MEDECIN", "GENERALISTE", pharmacy.commune)
    near = stage.people(draw, STEERED, lambda p: p.household.commune == pharmacy.commune and grown(stage)(p))
    people = near + stage.people(draw, STEERED - len(near), grown(stage))
    return [
        _prescribed(draw, person, doctor, pharmacy, stage.working_day(draw, 0, stage.days - 6, pharmacy))
        for person in people
    ]


def village_doctor(stage: Stage) -> list[Dossier]:
    """One doctor, one pharmacy, and nothing else for miles."""
    draw = stage.draws("village_doctor")
    village = VILLAGES[stage.wave % len(VILLAGES)]
    market = stage.world.market
    doctor = market.pick(draw, village, "MEDECIN", "GENERALISTE")
    pharmacy = market.pick(draw, village, "PHARMACIE")
    near = stage.people(draw, VILLAGE, lambda p: p.household.commune == village and grown(stage, 3)(p))
    people = near + stage.people(draw, VILLAGE - len(near), lambda p: p.household.commune in VILLAGES)
    return [
        _prescribed(draw, person, doctor, pharmacy, stage.working_day(draw, 0, stage.days - 6, doctor))
        for person in people
    ]
