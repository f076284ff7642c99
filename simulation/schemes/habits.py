"""Files stamped at a clinic by its own clerk, Sundays full of crowns; a patient after an operation, and a duty rota."""

from __future__ import annotations

from simulation import clock
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.population import Person
from simulation.schemes.parts import grown, ordered, sheet, sitting, visit
from simulation.schemes.stage import Stage

CLERKS, STAMPED, OPERATED, FOLLOWED, SUNDAYS, DUTY = 2, 14, 4, 6, 36, 26
CLOSED = (
    ("DENTISTE", ("COUR", "ENDO", "OBTUR")),
    ("LABO", ("NFS", "CRP", "LIPID", "TSH", "CREAT", "GLY")),
    ("RADIOLOGIE", ("RXTHX", "RXOS", "ECHOA", "SCAN")),
)
SPECIALTIES = ("CARDIOLOGIE", "OPHTALMOLOGIE", "GYNECOLOGIE", "PSYCHIATRIE", "CARDIOLOGIE")


def stamps_at_work(stage: Stage) -> list[Dossier]:
    """A clinic's clerk uses the stamps at hand: a file every day or two, for nobody's illness."""
    draw = stage.draws("stamps")
    dossiers = []
    clerks = stage.people(draw, CLERKS, lambda p: p.ald is None and p.rank == 0 and grown(stage, 25)(p))
    for i, person in enumerate(clerks):
        for number in range(STAMPED):
            specialty = "GENERALISTE" if number % 2 else draw.pick(SPECIALTIES)
            doctor = stage.world.market.pick(draw, person.household.commune, "MEDECIN", specialty)
            when = number * 18 // STAMPED
            day = stage.working_day(draw, when, when, doctor)
            code = {"GENERALISTE": "C", "PSYCHIATRIE": "CNPSY"}.get(specialty, "CS")
            extra = {"CARDIOLOGIE": ("ECHOC",), "OPHTALMOLOGIE": ("OCT",)}.get(specialty, ())
            dossier = sheet(draw, person, doctor, day, code, *extra)
            stage.care.prescribe(dossier, doctor, day, draw.integer(3, 5))
            dossier.delay, dossier.case = draw.integer(1, 6), f"{i}"
            dossiers.append(dossier)
    return dossiers


def after_operation(stage: Stage) -> list[Dossier]:
    """A gall bladder taken out, and the visits, tests and images that follow."""
    draw = stage.draws("after_operation")
    dossiers = []
    for person in stage.people(draw, OPERATED, grown(stage, 30)):
        house = stage.world.market.pick(draw, person.household.commune, "CLINIQUE")
        first = stage.day
        operation = Dossier(person, first)
        pec = f"PEC-{house.inpe}-{house.number(draw)}"
        end = clock.text(first + 2)
        operation.act("HERNI", house, first, service_end=end, prior_approval=pec, discharge="HOME")
        operation.act("JMED", house, first, quantity=2, service_end=end, prior_approval=pec)
        stage.hospital.approve(operation, pec, house, first)
        dossiers.append(stage.hospital.invoice(operation, house))
        for number in range(FOLLOWED):
            dossiers.append(_follow_up(stage, draw, person, 4 + number * 2))
    return dossiers


def _follow_up(stage: Stage, draw: Draw, person: Person, when: int) -> Dossier:
    """One of the many files of somebody who was operated on."""
    if when % 4 == 0:
        return visit(stage, draw, person, stage.working_day(draw, when, when, person.household.doctor))
    kind, code = draw.pick((("LABO", "NFS"), ("LABO", "CRP"), ("RADIOLOGIE", "ECHOA"), ("LABO", "CREAT")))
    place = stage.world.market.pick(draw, person.household.commune, kind)
    return ordered(stage, draw, person, place, stage.working_day(draw, when, when, place), code)


def _sundays(stage: Stage) -> list[int]:
    return [day for day in range(stage.day, stage.day + 21) if clock.weekday(day) == clock.SUNDAY]


def weekend_billing(stage: Stage) -> list[Dossier]:
    """A dentist, a laboratory or a radiologist who bills on Sundays what nobody does on Sundays."""
    draw = stage.draws("weekend")
    kind, codes = CLOSED[stage.wave % len(CLOSED)]
    provider = stage.provider(draw, kind)
    days = _sundays(stage)
    dossiers = []
    for i, person in enumerate(stage.people(draw, SUNDAYS, grown(stage))):
        day = days[i * len(days) // SUNDAYS]
        if kind == "DENTISTE":
            dossier = sitting(draw, person, provider, day, (draw.pick(codes),))
        else:
            dossier = ordered(stage, draw, person, provider, day, *draw.sample(codes, draw.integer(1, 2)))
        dossier.delay = draw.integer(1, 9)
        dossiers.append(dossier)
    return dossiers


def duty_sunday(stage: Stage) -> list[Dossier]:
    """The general practitioner on duty, with the surcharge of the day."""
    draw = stage.draws("duty_sunday")
    doctor = stage.provider(draw, "MEDECIN", "GENERALISTE")
    days = _sundays(stage)
    return [
        sheet(draw, person, doctor, draw.pick(days), draw.pick(("C", "C", "V")), modifiers=["EMERGENCY"])
        for person in stage.people(draw, DUTY, grown(stage, 2))
    ]
