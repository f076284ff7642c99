"""A clinic that recruits in one far locality and bills everybody the same; and an authorised eye caravan."""

from __future__ import annotations

from simulation import clock
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.places import COMMUNES
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.stage import Stage

FALSE_OPERATIONS, CARAVAN = 38, 34
SPAN = 6  # days of care


def _operations(stage: Stage, draw: Draw, count: int, first: int) -> tuple[Provider, int, list[Dossier]]:
    """`count` cataracts of people of one far commune at one clinic within days, at one price."""
    clinic = stage.provider(draw, "CLINIQUE", busy=True)
    surgeon = stage.world.market.pick(draw, clinic.commune, "MEDECIN", "CHIRURGIE")

    def fits(person: Person) -> bool:
        return person.age(stage.day) >= 30

    commune = stage.far_commune(clinic, count + 12, fits)
    people = stage.people(draw, count, lambda person: fits(person) and person.household.commune == commune)
    people += stage.people(draw, count - len(people), fits)
    implant, supplies = draw.integer(16, 22) * 10_000, draw.integer(40, 80) * 1000
    dossiers = []
    for person in people:
        day = stage.day + first + draw.integer(0, SPAN - 1)
        dossier = Dossier(person, day)
        pec = f"PEC-{clinic.inpe}-{clinic.number(draw)}"
        dossier.act(
            "CATAR",
            clinic,
            day,
            performer=surgeon.inpe,
            prior_approval=pec,
            service_end=clock.text(day),
            discharge="HOME",
        )
        dossier.act("IMPLI", clinic, day, unit_price=implant, prior_approval=pec)
        dossier.act("CONSO", clinic, day, unit_price=supplies, prior_approval=pec)
        stage.hospital.approve(dossier, pec, clinic, day)
        dossiers.append(stage.hospital.invoice(dossier, clinic))
    return clinic, commune, dossiers


def recruiting(stage: Stage) -> list[Dossier]:
    """Fictitious operations: same pathology, same amount, same locality."""
    return _operations(stage, stage.draws("clones"), FALSE_OPERATIONS, 2)[2]


def caravan(stage: Stage) -> list[Dossier]:
    """A real campaign, announced in the `campaigns` referential."""
    clinic, commune, dossiers = _operations(stage, stage.draws("caravan"), CARAVAN, 4)
    stage.campaigns.append(
        {
            "campaign": "CARAVANE-1",
            "provider": clinic.inpe,
            "communes": sorted(
                {COMMUNES[d.person.household.commune].code for d in dossiers} | {COMMUNES[commune].code}
            ),
            "acts": ["CATAR", "IMPLI", "CONSO"],
            "from": clock.text(stage.day),
            "to": clock.text(stage.day + 30),
        }
    )
    return dossiers
