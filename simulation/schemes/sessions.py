"""Five dialysis sessions a week, and sick notes sold at a place of work; an acute phase, and influenza."""

from __future__ import annotations

from simulation import clock
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.hospital import allowance
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.parts import grown
from simulation.schemes.stage import Stage

PHANTOM, ACUTE, SOLD, ILL = 6, 26, 9, 26


def _dialysis(stage: Stage, scheme: str, count: int, weekdays: tuple[int, ...]) -> list[Dossier]:
    """Two or three weeks of sessions on those weekdays, agreed beforehand."""
    draw = stage.draws(scheme)
    dossiers = []
    pool = stage.people(draw, count, lambda p: p.age(stage.day) > 40 and p.dialysis is None and p.ald is None)
    for person in pool:
        centre = stage.world.market.pick(draw, person.household.commune, "ASSOC_DIALYSE")
        first, length = stage.day + draw.integer(0, 3), draw.integer(11, 17)
        dates = [d for d in range(first, first + length) if clock.weekday(d) in weekdays]
        pec = f"PEC-HD-{stage.wave:02d}-{person.beneficiary[2:]}"
        dossier = Dossier(person, dates[0])
        dossier.act(
            "HD",
            centre,
            dates[0],
            quantity=len(dates),
            service_end=clock.text(dates[-1]),
            sessions=[clock.text(d) for d in dates],
            prior_approval=pec,
        )
        stage.hospital.approve(dossier, pec, centre, stage.day)
        person.course = dates[-1]
        dossiers.append(stage.hospital.invoice(dossier, centre))
    return dossiers


def extra_dialysis(stage: Stage) -> list[Dossier]:
    """A centre bills every working day."""
    return _dialysis(stage, "extra_dialysis", PHANTOM, (0, 1, 2, 3, 4))


def acute_dialysis(stage: Stage) -> list[Dossier]:
    """The first weeks of a treatment: four sessions a week."""
    return _dialysis(stage, "acute_dialysis", ACUTE, (0, 1, 3, 5))


def _leave(
    stage: Stage, draw: Draw, person: Person, doctor: Provider, day: int, days: int, employer: str
) -> Dossier:
    """A leave with its certificate."""
    wage = draw.integer(180, 520) * 100
    dossier = allowance(person, doctor, doctor.number(draw), day, days, wage)
    assert dossier.sick_leave is not None
    dossier.sick_leave |= {"employer": employer, "contribution_days": draw.integer(60, 156)}
    person.course = day + days
    return dossier


def _monday(stage: Stage) -> int:
    day = stage.day
    while clock.weekday(day) != 0:
        day += 1
    return day


def _workers(stage: Stage, draw: Draw, count: int) -> list[Person]:
    return stage.people(
        draw, count, lambda p: p.household.regime == "SALARIE" and p.rank == 0 and grown(stage)(p)
    )


def false_sick_notes(stage: Stage) -> list[Dossier]:
    """A doctor sells notes to the employees of one factory, in one week."""
    draw = stage.draws("sick_notes")
    doctor = stage.provider(draw, "MEDECIN", "GENERALISTE")
    employer, monday = f"EMP-8{stage.wave:03d}", _monday(stage)
    return [
        _leave(stage, draw, person, doctor, monday + draw.integer(0, 3), draw.integer(9, 15), employer)
        for person in _workers(stage, draw, SOLD)
    ]


def influenza(stage: Stage) -> list[Dossier]:
    """Half a factory is ill in one week; everybody goes to the doctor of the family."""
    draw = stage.draws("influenza")
    employer, monday = f"EMP-7{stage.wave:03d}", _monday(stage)
    return [
        _leave(
            stage,
            draw,
            person,
            person.household.doctor,
            monday + draw.integer(0, 4),
            draw.integer(4, 8),
            employer,
        )
        for person in _workers(stage, draw, ILL)
    ]
