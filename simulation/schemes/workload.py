"""A day of more hours than a day has; and two long days that are honest."""

from __future__ import annotations

from typing import Any

from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.schemes.stage import Stage

IMPOSSIBLE, BY_DAY, BY_NIGHT, SITTINGS = 32, 22, 9, 22


def impossible_day(stage: Stage) -> list[Dossier]:
    """A cardiologist lends his stamp: some fifty hours of examinations dated on one day."""
    draw = stage.draws("impossible")
    doctor = stage.provider(draw, "MEDECIN", "CARDIOLOGIE", busy=True)
    day = stage.working_day(draw, 2, 4, doctor)
    dossiers = []
    for person in stage.people(draw, IMPOSSIBLE, lambda p: p.age(stage.day) > 35):
        dossier = Dossier(person, day)
        codes = ["CS", "ECHOC", draw.pick(("HOLTER", "EFFORT"))] + (["ECG"] if draw.chance(0.4) else [])
        lines = [dossier.act(code, doctor, day) for code in codes]
        dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, lines)
        dossiers.append(dossier)
    return dossiers


def duty_night(stage: Stage) -> list[Dossier]:
    """A general practitioner on duty: a full day, then house calls at night with their surcharge."""
    draw = stage.draws("duty")
    doctor = stage.provider(draw, "MEDECIN", "GENERALISTE")
    day = stage.working_day(draw, 3, 9, doctor)
    people = stage.people(draw, BY_DAY + BY_NIGHT, lambda p: p.household.commune == doctor.commune)
    people += stage.people(draw, BY_DAY + BY_NIGHT - len(people))
    dossiers = []
    for i, person in enumerate(people):
        dossier = Dossier(person, day)
        night: dict[str, Any] = {
            "modifiers": ["NIGHT"],
            "service_time": f"{draw.integer(21, 23)}:{draw.integer(0, 5)}0",
        }
        line = (
            dossier.act("V", doctor, day, **night)
            if i >= BY_DAY
            else dossier.act("C" if i % 2 else "V", doctor, day)
        )
        dossier.document("FEUILLE_SOINS", doctor.number(draw), doctor, day, [line])
        dossiers.append(dossier)
    return dossiers


def establishment_day(stage: Stage) -> list[Dossier]:
    """A mutualist dental centre with many chairs and one INPE, on its open day."""
    draw = stage.draws("establishment")
    centre = stage.provider(draw, "CENTRE_DENTAIRE")
    day = stage.working_day(draw, 3, 9, centre)
    dossiers = []
    for person in stage.people(draw, SITTINGS, lambda p: p.age(stage.day) > 18):
        dossier = Dossier(person, day)
        tooth = draw.pick(TEETH)
        if not stage.wave or draw.chance(0.35):
            lines = [
                dossier.act("DETAR", centre, day),
                dossier.act(draw.pick(("OBTUR", "ENDO", "EXTR")), centre, day, teeth=[tooth]),
            ]
        else:
            codes = draw.sample(("CD", "OBTUR", "ENDO", "EXTR", "COUR", "OBTUR"), draw.integer(1, 3))
            lines = []
            for i, code in enumerate(codes):
                teeth: dict[str, Any] = {} if code == "CD" else {"teeth": [tooth + i]}
                lines.append(dossier.act(code, centre, day, **teeth))
        dossier.document("FEUILLE_SOINS", centre.number(draw), centre, day, lines)
        dossiers.append(dossier)
    return dossiers
