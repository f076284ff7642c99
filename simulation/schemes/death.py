"""Bills for people who are dead; and what is lawfully billed after a death."""

from __future__ import annotations

from simulation import clock
from simulation.acts import ACT
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.population import Person
from simulation.schemes.stage import Stage

PHANTOMS, LAWFUL = 18, 14


def _dead(stage: Stage, first: int, last: int) -> list[Person]:
    """Those who died in a span of days and play no other part."""
    people = stage.world.people
    return [
        p
        for p in people
        if p.death is not None and first <= p.death <= last and not stage.taken(p.beneficiary)
    ]


def phantoms(stage: Stage) -> list[Dossier]:
    """A physiotherapist, a pharmacy and a clinic go on billing for the dead of their files."""
    draw = stage.draws("phantoms")
    dead = _dead(stage, stage.world.start - 400, stage.day - 22)
    if not dead:
        return []
    dossiers = []
    for i in range(PHANTOMS):
        person = dead[i % len(dead)]
        stage.take(person.beneficiary)
        day = clock.office_day(stage.day + draw.integer(0, max(1, stage.days - 9)))
        dossiers.append((_visit, _exercises, _stay)[i % 3](stage, draw, person, day))
    return dossiers


def _visit(stage: Stage, draw: Draw, person: Person, day: int) -> Dossier:
    """A visit and its boxes."""
    doctor = person.household.doctor
    dossier = Dossier(person, day)
    line = dossier.act("C", doctor, day)
    dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, [line])
    stage.care.prescribe(dossier, doctor, day, 4)
    return dossier


def _exercises(stage: Stage, draw: Draw, person: Person, day: int) -> Dossier:
    """Sessions that never were."""
    kine = stage.world.market.pick(draw, person.household.commune, "KINE", day=day)
    return stage.care.series(day, person, kine, "AMM", draw.pick((6, 8)))


def _stay(stage: Stage, draw: Draw, person: Person, day: int) -> Dossier:
    """A stay of some days."""
    clinic = stage.world.market.pick(draw, person.household.commune, "CLINIQUE")
    nights = draw.integer(2, 4)
    dossier = Dossier(person, day)
    dossier.act("JMED", clinic, day, quantity=nights, service_end=clock.text(day + nights), discharge="HOME")
    dossier.act("CONSO", clinic, day, unit_price=draw.integer(180, 900) * 100)
    return stage.hospital.invoice(dossier, clinic)


def lawful(stage: Stage) -> list[Dossier]:
    """A certificate, a transport, a device ordered in life and delivered after."""
    draw = stage.draws("lawful")
    dead = _dead(stage, stage.day - 50, stage.day + stage.days - 12)
    chosen = draw.sample(dead, stage.many(LAWFUL, 9))
    dossiers = []
    for i, person in (
        [(i, person) for person in chosen for i in range(3)] if stage.wave else enumerate(chosen)
    ):
        assert person.death is not None
        stage.take(person.beneficiary)
        commune = person.household.commune
        dossier = Dossier(person, person.death)
        if i % 3 == 0:
            doctor = person.household.doctor
            line = dossier.act("CERTDC", doctor, person.death + 2)
            dossier.document("CERTIFICAT", doctor.number(draw), doctor, person.death + 2, [line])
        elif i % 3 == 1:
            carrier = stage.world.market.pick(draw, commune, "TRANSPORT")
            line = dossier.act("AMBPM", carrier, person.death + 2)
            dossier.document("FACTURE", carrier.number(draw), carrier, person.death + 2, [line])
        else:
            shop = stage.world.market.pick(draw, commune, "PROTHESISTE")
            doctor = person.household.doctor
            number = doctor.number(draw)
            line = dossier.act(
                "OXYG",
                shop,
                person.death + 5,
                unit_price=ACT["OXYG"].tariff,
                prescriber=doctor,
                prescribed_on=person.death - 9,
                prescription=number,
            )
            dossier.document("ORDONNANCE", number, doctor, person.death - 9, [line])
            dossier.document("FACTURE", shop.number(draw), shop, person.death + 5, [line])
        dossiers.append(dossier)
    return dossiers
