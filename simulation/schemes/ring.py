"""A dental ring: files of a struck-off dentist, some under a colleague's number; his last honest ones."""

from __future__ import annotations

from typing import Any

from simulation import clock
from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.stage import Stage

FILES, EARLIER = 22, 10
USUAL = ("OBTUR", "ENDO", "OBTUR", "EXTR", "COUR")


def _dentists(stage: Stage) -> tuple[Provider, Provider]:
    """The struck-off dentist and the colleague who lends his number."""
    if "ring" not in stage.roles:
        draw = stage.draws("ring/cast")
        group = stage.world.market.groups["DENTISTE", ""]
        working = [p for p in group if p.until > stage.day]
        free = [p for p in working if not stage.taken(p.inpe)]
        practice = sorted(free if len(free) > 1 else working, key=lambda p: p.inpe)
        first = draw.pick(practice)
        stage.roles["ring"] = first, draw.pick([p for p in practice if p is not first])
    first, second = stage.roles["ring"]
    return first, second


def _prosthesis(dossier: Dossier, draw: Draw, executor: Provider, day: int, **more: Any) -> None:
    """Crowns and root canals on a quadrant."""
    start = draw.integer(0, len(TEETH) - 4)
    lines = []
    for i in range(draw.integer(2, 3)):
        code = "COUR" if i < 2 else draw.pick(("ENDO", "OBTUR"))
        lines.append(dossier.act(code, executor, day, teeth=[TEETH[start + i]], **more))
    dossier.document("FEUILLE_SOINS", executor.number(draw), executor, day, lines)


def false_files(stage: Stage) -> list[Dossier]:
    """Files dated after the strike-off: most in his own name, a few through a colleague, two unlinked."""
    draw = stage.draws("ring")
    struck, colleague = _dentists(stage)
    stage.take(struck.inpe, colleague.inpe)
    at = clock.instant(stage.day, 6 * 3600)
    reason = [{"from": clock.text(stage.day), "to": None, "reason": "radiation"}]
    stage.updates.append((at, {**stage.world.desk.envelope("provider", at, "ANAM"), **struck.entry(reason)}))

    def neighbour(person: Person) -> bool:
        return person.age(stage.day) > 25 and person.household.commune == struck.commune

    people = stage.people(draw, FILES, neighbour)
    people += stage.people(draw, FILES - len(people), lambda person: person.age(stage.day) > 25)
    dossiers = []
    for i, person in enumerate(people):
        day = stage.working_day(draw, 0, max(1, stage.days - 8), struck)
        dossier = Dossier(person, day)
        if i % 11 == 10:
            _prosthesis(dossier, draw, colleague, day)
        elif i % 4 == 3:
            _prosthesis(dossier, draw, colleague, day, performer=struck.inpe)
        else:
            _prosthesis(dossier, draw, struck, day)
        dossiers.append(dossier)
    struck.until = stage.day - 1  # honest patients hear of it
    return dossiers


def earlier_care(stage: Stage) -> list[Dossier]:
    """Real care of the same dentist before the strike-off, filed after it: payable."""
    draw = stage.draws("ring/earlier")
    struck, _ = _dentists(stage)
    dossiers = []

    def fits(person: Person) -> bool:
        return person.age(stage.day) > 20 and (not stage.wave or person.seen < stage.day - 22)

    for person in stage.people(draw, stage.many(EARLIER, 26), fits):
        day = stage.day - draw.integer(2, 14)
        while not struck.open_on(day):
            day -= 1
        struck_file = Dossier(person, day)
        first, codes = ("DETAR", ("OBTUR",)) if not stage.wave else (draw.pick(("DETAR", "CD")), USUAL)
        lines = [struck_file.act(first, struck, day)]
        for code in draw.sample(codes, draw.integer(1, 2)) if stage.wave else codes:
            lines.append(struck_file.act(code, struck, day, teeth=[draw.pick(TEETH)]))
        struck_file.document("FEUILLE_SOINS", struck.number(draw), struck, day, lines)
        dossiers.append(struck_file)
    return dossiers
