"""Dearer codes than the care, and codes that the tables forbid together; graver patients, and two teeth at once."""

from __future__ import annotations

from simulation.acts import ACT
from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.schemes.parts import grown, ordered, sitting
from simulation.schemes.stage import Stage

UPCODED, MIXED, UNBUNDLED, APART = 42, 26, 18, 26
TRADES = (
    ("LABO", ("VITD", "FERR", "TSH"), ("NFS", "GLY", "CRP", "CREAT", "HBA1C")),
    ("RADIOLOGIE", ("IRM", "SCAN"), ("RXTHX", "RXOS", "ECHOA")),
    ("DENTISTE", ("COUR",), ("OBTUR", "ENDO", "DETAR", "EXTR")),
)
"""Kind, its dearest codes, and what comes oftener"""
BESIDE = ("NFS", "CRP", "CREAT", "TSH", "GLY", "FERR")


def _graded(stage: Stage, scheme: str, count: int, dear: float) -> list[tuple[Dossier, list[int]]]:
    """Files of one provider whose dearest codes take that share of the lines, and the numbers of those lines.

    The trade turns from wave to wave: a group of peers in which everybody is dear has nobody who stands out.
    """
    draw = stage.draws(scheme)
    kind, top, usual = TRADES[stage.wave % len(TRADES)]
    provider = stage.provider(draw, kind)
    made = []
    for person in stage.people(draw, count, grown(stage)):
        day = stage.working_day(draw, 0, max(1, stage.days - 6), provider)
        drawn = [draw.pick(top) if draw.chance(dear) else draw.pick(usual) for _ in range(draw.integer(1, 3))]
        codes = [
            code for code in dict.fromkeys(drawn) if ACT[code].extra.get("sex", person.sex) == person.sex
        ]
        codes = codes or [usual[0]]
        if kind == "DENTISTE":
            dossier = sitting(draw, person, provider, day, codes)
        else:
            dossier = ordered(stage, draw, person, provider, day, *codes)
        made.append((dossier, [line["line"] for line in dossier.lines if line["code"] in top]))
    return made


def upcoding(stage: Stage) -> list[Dossier]:
    """Whatever the patient came for, the dearest code of the letter is billed."""
    dossiers = []
    for dossier, dear in _graded(stage, "upcoding", UPCODED, 1.0):
        dossier.faults = dict.fromkeys(dear, "upcoding")
        dossiers.append(dossier)
    return dossiers


def case_mix(stage: Stage) -> list[Dossier]:
    """A colleague to whom graver patients are sent: dear codes a little oftener than elsewhere."""
    return [dossier for dossier, _ in _graded(stage, "case_mix", MIXED, 0.3)]


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
