"""Crowns on teeth that were taken out, and a shell centre of a network; treated roots, and an honest opening."""

from __future__ import annotations

from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.places import COMMUNES
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.parts import grown, prelude, sitting
from simulation.schemes.stage import Stage

CROWNED, ROOTED, SHELL, OPENING = 9, 13, 80, 26
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


def _files(
    stage: Stage, draw: Draw, centre: Provider, count: int, span: int, codes: tuple[str, ...]
) -> list[Dossier]:
    """Files of a dental centre, of people of its town as far as there are enough."""

    def near(person: Person) -> bool:
        return person.age(stage.day) > 20 and person.household.commune == centre.commune

    people = stage.people(draw, count, near)
    people += stage.people(draw, count - len(people), grown(stage))
    dossiers = []
    for person in people:
        day = stage.working_day(draw, 0, span, centre)
        chosen = [draw.pick(codes) for _ in range(draw.integer(1, 3))]
        dossiers.append(sitting(draw, person, centre, day, chosen))
    return dossiers


def shell_centre(stage: Stage) -> list[Dossier]:
    """A sleepy centre, bought by a network, bills prostheses by the dozen within a week, and is paid directly."""
    draw = stage.draws("shell_centre")
    centre = stage.provider(draw, "CENTRE_DENTAIRE")
    dossiers = _files(stage, draw, centre, SHELL, 5, ("COUR", "ENDO", "OBTUR", "COUR", "CD", "DETAR"))
    for dossier in dossiers:
        dossier.kind, dossier.payee, dossier.delay = "FACTURE_TP", centre.inpe, draw.integer(1, 2)
    return dossiers


def opening_centre(stage: Stage) -> list[Dossier]:
    """A new centre that fills slowly with ordinary care."""
    draw = stage.draws("opening_centre")
    network = draw.pick(("N-ATLAS", "N-RIF"))
    centre = stage.install(draw, "CENTRE_DENTAIRE", "", draw.pick(TOWNS), network=network)
    return _files(stage, draw, centre, OPENING, 18, ("CD", "DETAR", "OBTUR", "OBTUR", "EXTR"))
