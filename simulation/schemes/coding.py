"""Dearer codes than the care, and codes that the tables forbid together; a rhythmologist, and two teeth at once."""

from __future__ import annotations

from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.schemes.parts import grown, ordered, sheet
from simulation.schemes.stage import Stage

UPCODED, MIXED, UNBUNDLED, APART = 42, 26, 18, 26
HEAVY = ("HOLTER", "EFFORT")
BESIDE = ("NFS", "CRP", "CREAT", "TSH", "GLY", "FERR")


def upcoding(stage: Stage) -> list[Dossier]:
    """A cardiologist whose every patient has the dearest exploration."""
    draw = stage.draws("upcoding")
    doctor = stage.provider(draw, "MEDECIN", "CARDIOLOGIE")
    dossiers = []
    for person in stage.people(draw, UPCODED, grown(stage, 30)):
        day = stage.working_day(draw, 0, max(1, stage.days - 6), doctor)
        codes = [draw.pick(HEAVY), *draw.sample(("CS", "ECG", "CS"), draw.integer(0, 2))]
        dossier = sheet(draw, person, doctor, day, *dict.fromkeys(codes))
        dossier.faults = {1: "upcoding"}
        dossiers.append(dossier)
    return dossiers


def case_mix(stage: Stage) -> list[Dossier]:
    """A colleague to whom others send their irregular hearts: half of the explorations are dear, not all."""
    draw = stage.draws("case_mix")
    doctor = stage.provider(draw, "MEDECIN", "CARDIOLOGIE")
    dossiers = []
    for person in stage.people(draw, MIXED, grown(stage, 40)):
        day = stage.working_day(draw, 0, max(1, stage.days - 6), doctor)
        code = draw.pick(("ECG", "ECHOC", "ECG", "HOLTER", "EFFORT"))
        dossiers.append(sheet(draw, person, doctor, day, *(("CS", code) if draw.chance(0.7) else (code,))))
    return dossiers


def unbundling(stage: Stage) -> list[Dossier]:
    """A laboratory bills sodium and potassium beside the electrolytes that contain them."""
    draw = stage.draws("unbundling")
    lab = stage.provider(draw, "LABO")
    dossiers = []
    for person in stage.people(draw, UNBUNDLED, grown(stage)):
        day = stage.working_day(draw, 0, max(1, stage.days - 6), lab)
        codes = ("IONO", "NAK", *draw.sample(BESIDE, draw.integer(0, 3)))
        dossier = ordered(stage, draw, person, lab, day, *codes)
        dossier.faults = {2: "unbundling"}
        dossiers.append(dossier)
    return dossiers


def distinct_teeth(stage: Stage) -> list[Dossier]:
    """A root canal and an extraction in one sitting, on two teeth: lawful together."""
    draw = stage.draws("distinct_teeth")
    dossiers = []
    for person in stage.people(draw, APART, grown(stage)):
        dentist = stage.world.market.pick(draw, person.household.commune, "DENTISTE", day=stage.day)
        day = stage.working_day(draw, 0, max(1, stage.days - 6), dentist)
        first = (person.birth + person.mouth * 5) % len(TEETH)
        person.mouth += 2
        dossier = Dossier(person, day)
        lines = [
            dossier.act("ENDO", dentist, day, teeth=[TEETH[first]]),
            dossier.act("EXTR", dentist, day, teeth=[TEETH[(first + 5) % len(TEETH)]]),
        ]
        dossier.document("FEUILLE_SOINS", dentist.number(draw), dentist, day, lines)
        dossiers.append(dossier)
    return dossiers
