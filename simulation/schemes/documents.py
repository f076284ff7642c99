"""Receipts used again by other insured; and one receipt for siblings, one ordonnance for several months."""

from __future__ import annotations

from simulation.claims import Dossier, Filed
from simulation.draw import Draw
from simulation.population import Person
from simulation.schemes.stage import Stage

RECYCLED, FAMILIES, RENEWED = 18, 10, 20
WORTH = 60_000  # centimes: nobody forges for less


def _reusable(filed: Filed) -> bool:
    """A whole file of some worth whose papers have number and issuer, complete enough to pass a counter."""
    lines = filed.event["lines"]
    return (
        filed.dossier.amount >= WORTH
        and filed.event["kind"] == "AMBULATOIRE"
        and filed.dossier.person.ald is None
        and all("executor" in line and "sessions" not in line and "teeth" not in line for line in lines)
    )


def recycled(stage: Stage) -> list[Dossier]:
    """Sheets and invoices already reimbursed, filed again for another insured."""
    draw = stage.draws("recycled")
    sources = draw.sample([filed for filed in stage.known[-1500:] if _reusable(filed)], RECYCLED)
    dossiers = []
    for source in sources:
        original = source.dossier
        home = original.person.household

        def other(person: Person, home: object = home, original: Dossier = original) -> bool:
            return (
                person.household is not home
                and person.sex == original.person.sex
                and person.age(stage.day) >= 18
                and (person.household.mutuelle is None) == (original.person.household.mutuelle is None)
            )

        for person in stage.people(draw, 1, other):
            dossiers.append(_forged(stage, draw, original, person))
    return dossiers


def _forged(stage: Stage, draw: Draw, original: Dossier, person: Person) -> Dossier:
    """The same papers and acts under another name."""
    forged = Dossier(person, original.day)
    forged.lines = [dict(line) for line in original.lines]
    forged.documents = [dict(document) for document in original.documents]
    forged.dues = list(original.dues)
    forged.last = stage.day + draw.integer(0, max(1, stage.days - 10))
    return forged


def siblings(stage: Stage) -> list[Dossier]:
    """Two children with one cold: two visits, one receipt of the pharmacy, two files."""
    draw = stage.draws("siblings")
    families = {
        p.household.insured: p.household
        for p in stage.world.people
        if sum(m.link == "ENFANT" and m.age(stage.day) < 15 for m in p.household.members) >= 2
    }
    dossiers = []
    for home in draw.sample(list(families.values()), FAMILIES):
        doctor = stage.world.market.pick(draw, home.commune, "MEDECIN", "PEDIATRIE")
        day = stage.working_day(draw, 0, max(1, stage.days - 6), doctor)
        receipt = home.pharmacy.number(draw)
        for child in [m for m in home.members if m.link == "ENFANT" and m.age(stage.day) < 15][:2]:
            dossier = Dossier(child, day)
            visit = dossier.act("CS", doctor, day)
            dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, [visit])
            number = doctor.number(draw)
            lines = [
                dossier.drug(drug, 1, home.pharmacy, day, doctor, number, day, days=7)
                for drug in draw.sample(doctor.drugs, 2)
            ]
            dossier.document("ORDONNANCE", number, doctor, day, lines)
            dossier.document("FACTURE", receipt, home.pharmacy, day, lines)
            dossiers.append(dossier)
    return dossiers


def renewals(stage: Stage) -> list[Dossier]:
    """The next month's boxes on an ordonnance that was already used, as its renewals allow."""
    draw = stage.draws("renewals")
    due = [
        p
        for p in stage.world.ill
        if p.prescription[2] > 0
        and stage.day <= p.due <= stage.day + 8
        and p.alive(stage.day + 90)
        and not stage.taken(p.beneficiary)
    ]
    dossiers = []
    for person in draw.sample(due, RENEWED):
        stage.take(person.beneficiary)
        day = person.due
        while not person.household.pharmacy.open_on(day):
            day += 1
        dossiers.append(stage.care.renewal(person, day))
    return dossiers
