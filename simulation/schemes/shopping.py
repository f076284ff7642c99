"""Doctor shopping for costly and addictive drugs; and two honest patients with many prescribers."""

from __future__ import annotations

from simulation import clock
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.places import COMMUNES, VILLAGES, distance
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.stage import Stage

SHOPPERS, FILES = 3, 15
VILLAGERS, VILLAGE_FILES = 5, 5
DISCHARGED = 8
SOUGHT = (("N02AA", "N02AB"), ("A10BJ", "A10AE"), ("N05A",))
"""What each of them looks for, and nothing else: opioids, injectable antidiabetics, antipsychotics."""


def _deliver(
    dossier: Dossier,
    draw: Draw,
    doctor: Provider,
    pharmacy: Provider,
    day: int,
    drugs: list[tuple[Drug, int]],
    code: str | None,
) -> None:
    """A visit (if any), an ordonnance, boxes."""
    if code is not None:
        line = dossier.act(code, doctor, day)
        dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, [line])
    number = doctor.number(draw)
    lines = [dossier.drug(drug, boxes, pharmacy, day, doctor, number, day, days=30) for drug, boxes in drugs]
    dossier.document("ORDONNANCE", number, doctor, day, lines)
    dossier.document("FACTURE", pharmacy.number(draw), pharmacy, day, lines)


def _near(stage: Stage, kind: str, specialty: str, commune: int, kilometres: float) -> list[Provider]:
    """The providers of a group within reach."""
    here = COMMUNES[commune]
    members = stage.world.market.groups[kind, specialty]
    return [p for p in members if distance(here, COMMUNES[p.commune]) <= kilometres]


def shoppers(stage: Stage) -> list[Dossier]:
    """A new doctor and a new pharmacy each time, the same class of drugs, several boxes."""
    draw = stage.draws("shopping")
    home = COMMUNES.index(next(c for c in COMMUNES if c.name == "Casablanca"))
    people = stage.people(
        draw, SHOPPERS, lambda p: p.ald is None and 25 < p.age(stage.day) < 60 and p.household.commune == home
    )
    doctors = draw.sample(_near(stage, "MEDECIN", "GENERALISTE", home, 130), 60)
    pharmacies = draw.sample(_near(stage, "PHARMACIE", "", home, 130), 60)
    dossiers = []
    for i, person in enumerate(people):
        sought = stage.world.by_atc(*SOUGHT[i % len(SOUGHT)])
        when = -2  # it had begun before
        for visit in range(FILES):
            doctor = doctors[(i * FILES + visit) % len(doctors)]
            pharmacy = pharmacies[(i * 7 + visit) % len(pharmacies)]
            day = stage.working_day(draw, when, when + 1, doctor)
            when = min(when + draw.pick((1, 1, 1, 2)), stage.days - 3)
            dossier = Dossier(person, day)
            boxes = [(drug, draw.integer(3, 5)) for drug in draw.sample(sought, 1)]
            _deliver(dossier, draw, doctor, pharmacy, day, boxes, "C" if draw.chance(0.8) else None)
            dossiers.append(dossier)
    return dossiers


def village(stage: Stage) -> list[Dossier]:
    """One pharmacy for everybody, and a locum each week at the health centre: cheap sleeping pills."""
    draw = stage.draws("village")
    cheap = [drug for drug in stage.world.by_atc("N05B", "N05C") if drug.price < 9000]
    people = stage.people(
        draw, VILLAGERS, lambda p: p.household.commune in VILLAGES and p.age(stage.day) > 35 and p.ald is None
    )
    dossiers = []
    for person in people:
        locums = draw.sample(
            _near(stage, "MEDECIN", "GENERALISTE", person.household.commune, 200), VILLAGE_FILES
        )
        drug = draw.pick(cheap)
        other = [one for one in cheap if one.dci != drug.dci]
        for visit, doctor in enumerate(locums):
            day = stage.working_day(draw, visit * 4, visit * 4 + 1, doctor)
            now = draw.pick(other) if stage.wave and visit % 2 else drug
            dossiers.append(_cheap(stage, draw, person, doctor, now, day))
    return dossiers


def _cheap(stage: Stage, draw: Draw, person: Person, doctor: Provider, drug: Drug, day: int) -> Dossier:
    dossier = Dossier(person, day)
    _deliver(dossier, draw, doctor, person.household.pharmacy, day, [(drug, 1)], "C")
    return dossier


def discharge(stage: Stage) -> list[Dossier]:
    """Back from hospital with the ordonnances of four doctors of the house, delivered together."""
    draw = stage.draws("discharge")
    pain = [drug for drug in stage.world.by_atc("N02AX", "N05B") if drug.price < 11000]
    dossiers = []
    for person in stage.people(draw, DISCHARGED, lambda p: p.age(stage.day) > 50 and p.ald is None):
        doctors = draw.sample(_near(stage, "MEDECIN", "CHIRURGIE", person.household.commune, 800), 4)
        pharmacy = person.household.pharmacy
        day = stage.working_day(draw, 4, max(5, stage.days - 6), pharmacy)
        dossiers.append(_stay(stage, draw, person, day))
        dossier = Dossier(person, day)
        for doctor in doctors:
            _deliver(dossier, draw, doctor, pharmacy, day, [(draw.pick(pain), 1)], None)
        dossiers.append(dossier)
    return dossiers


def _stay(stage: Stage, draw: Draw, person: Person, out: int) -> Dossier:
    """The stay that ended the day before."""
    house = stage.world.market.pick(draw, person.household.commune, "CLINIQUE")
    nights = draw.integer(2, 3)
    dossier = Dossier(person, out - 1 - nights)
    end = clock.text(out - 1)
    dossier.act("JMED", house, dossier.day, quantity=nights, service_end=end, discharge="HOME")
    dossier.act("CONSO", house, dossier.day, unit_price=draw.integer(180, 900) * 100)
    return stage.hospital.invoice(dossier, house)
