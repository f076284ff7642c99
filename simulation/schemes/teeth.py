"""Crowns on teeth that were taken out, and a shell centre of a network; treated roots, and an honest opening."""

from __future__ import annotations

from typing import Any

from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.places import COMMUNES
from simulation.population import Person
from simulation.schemes.parts import grown, prelude
from simulation.schemes.stage import Stage

CROWNED, ROOTED, SHELL, OPENING = 9, 13, 66, 26
TOWNS = [i for i, commune in enumerate(COMMUNES) if commune.weight >= 20]


def _two_sittings(
    stage: Stage, scheme: str, count: int, first: str, *, other: bool
) -> list[tuple[Dossier, Dossier]]:
    """Something on a tooth, and a crown on the same one ten days later; `other` = elsewhere."""
    draw = stage.draws(scheme)
    pairs = []
    for person in stage.people(draw, count, grown(stage)):
        dentist = stage.world.market.pick(draw, person.household.commune, "DENTISTE", day=stage.day)
        second = (
            stage.world.market.pick(draw, person.household.commune, "DENTISTE", day=stage.day)
            if other
            else dentist
        )
        tooth = TEETH[(person.birth + person.mouth * 5) % len(TEETH)]
        person.mouth += 1
        day = stage.working_day(draw, 0, 2, dentist)
        before = Dossier(person, day)
        line = before.act(first, dentist, day, teeth=[tooth])
        before.document("FEUILLE_SOINS", dentist.number(draw), dentist, day, [line])
        later = stage.working_day(draw, 10, 13, second)
        crown = Dossier(person, later)
        lines = [crown.act("COUR", second, later, teeth=[tooth])]
        if draw.chance(0.4):
            lines.append(crown.act("DETAR", second, later))
        crown.faults = {1: scheme} if other else None
        crown.document("FEUILLE_SOINS", second.number(draw), second, later, lines)
        crown.delay = draw.integer(2, 9)
        pairs.append((prelude(before), crown))
    return pairs


def crown_after_extraction(stage: Stage) -> list[Dossier]:
    """The tooth is gone, and a crown is billed on it."""
    pairs = _two_sittings(stage, "crown_after_extraction", CROWNED, "EXTR", other=True)
    return [dossier for pair in pairs for dossier in pair]


def crown_on_root(stage: Stage) -> list[Dossier]:
    """The root was treated, and the crown follows, as it should."""
    pairs = _two_sittings(stage, "crown_on_root", ROOTED, "ENDO", other=False)
    for before, _ in pairs:
        before.faults = None
    return [dossier for pair in pairs for dossier in pair]


def _centre(stage: Stage, scheme: str, count: int, span: int, codes: tuple[str, ...]) -> list[Dossier]:
    """Files of a dental centre that has just opened."""
    draw = stage.draws(scheme)
    commune = draw.pick(TOWNS)
    centre = stage.install(draw, "CENTRE_DENTAIRE", "", commune, network=draw.pick(("N-ATLAS", "N-RIF")))

    def near(person: Person) -> bool:
        return person.age(stage.day) > 20 and person.household.commune == commune

    people = stage.people(draw, count, near)
    people += stage.people(draw, count - len(people), grown(stage))
    dossiers = []
    for person in people:
        day = stage.working_day(draw, 0, span, centre)
        dossier = Dossier(person, day)
        start = (person.birth + person.mouth * 5) % len(TEETH)
        lines = []
        for i in range(draw.integer(1, 3)):
            code = draw.pick(codes)
            teeth: dict[str, Any] = (
                {} if code in ("CD", "DETAR") else {"teeth": [TEETH[(start + i * 2) % len(TEETH)]]}
            )
            lines.append(dossier.act(code, centre, day, **teeth))
        person.mouth += 3
        dossier.document("FEUILLE_SOINS", centre.number(draw), centre, day, lines)
        dossiers.append(dossier)
    return dossiers


def shell_centre(stage: Stage) -> list[Dossier]:
    """A new centre of a network bills prostheses by the dozen from its first week on."""
    return _centre(stage, "shell_centre", SHELL, 11, ("COUR", "ENDO", "OBTUR", "COUR"))


def opening_centre(stage: Stage) -> list[Dossier]:
    """A new centre that fills slowly with ordinary care."""
    return _centre(stage, "opening_centre", OPENING, 18, ("CD", "DETAR", "OBTUR", "OBTUR", "EXTR"))
