"""Prices just under the control threshold, files cut in two, glasses again and again; and what only looks so."""

from __future__ import annotations

from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.parts import grown, ordered, sitting
from simulation.schemes.stage import Stage

UNDER, DEAR, CUT, TWICE, SHOPPERS, CHANGED = 25, 26, 5, 13, 2, 13


def _glasses(stage: Stage, draw: Draw, person: Person, shop: Provider, day: int, price: int) -> Dossier:
    """Lenses and a frame that come to `price` centimes together."""
    frame = price * draw.integer(20, 35) // 10_000 * 100
    dossier = ordered(stage, draw, person, shop, day, "VERRE", "MONT", prices=(price - frame, frame))
    person.supplied["glasses"] = day + 740
    return dossier


def _without(stage: Stage, draw: Draw, count: int) -> list[Person]:
    """People who have had no glasses so far."""
    return stage.people(draw, count, lambda p: "glasses" not in p.supplied and grown(stage, 20)(p))


def _sold(stage: Stage, scheme: str, count: int, low: int, high: int) -> list[Dossier]:
    """Pairs of one optician at prices between two bounds in MAD."""
    draw = stage.draws(scheme)
    shop = stage.provider(draw, "OPTICIEN")
    dossiers = []
    for person in _without(stage, draw, count):
        day = stage.working_day(draw, 0, stage.days - 6, shop)
        dossiers.append(_glasses(stage, draw, person, shop, day, draw.integer(low, high) * 100))
    return dossiers


def just_under(stage: Stage) -> list[Dossier]:
    """An optician whose every pair costs a little less than what would be controlled."""
    return _sold(stage, "just_under", UNDER, 4_600, 4_990)


def dear_glasses(stage: Stage) -> list[Dossier]:
    """An optician of dear lenses: as often over the threshold as under it."""
    return _sold(stage, "dear_glasses", DEAR, 3_600, 6_400)


def _sittings(
    stage: Stage, scheme: str, count: int, codes: tuple[tuple[str, ...], tuple[str, ...]]
) -> list[Dossier]:
    """Two files of one dentist within three days."""
    draw = stage.draws(scheme)
    dossiers = []
    for i, person in enumerate(stage.people(draw, count, grown(stage, 25))):
        dentist = stage.world.market.pick(draw, person.household.commune, "DENTISTE", day=stage.day)
        day = stage.working_day(draw, 0, stage.days - 10, dentist)
        for each in codes:
            dossier = sitting(draw, person, dentist, day, each)
            dossier.case = f"{i}"
            dossiers.append(dossier)
            day += 1
            while not dentist.open_on(day):
                day += 1
    return dossiers


def split_claims(stage: Stage) -> list[Dossier]:
    """A bridge's worth of crowns in two files, each under the threshold."""
    return _sittings(stage, "split_claims", CUT, (("COUR", "COUR", "ENDO"), ("COUR", "COUR", "OBTUR")))


def two_sittings(stage: Stage) -> list[Dossier]:
    """Ordinary care that takes two sittings."""
    return _sittings(stage, "two_sittings", TWICE, (("ENDO",), ("COUR", "OBTUR")))


def early_glasses(stage: Stage) -> list[Dossier]:
    """The same person's third pair within a month."""
    draw = stage.draws("early_glasses")
    dossiers = []
    for i, person in enumerate(_without(stage, draw, SHOPPERS)):
        for pair in range(3):
            shop = stage.world.market.pick(draw, person.household.commune, "OPTICIEN")
            day = stage.working_day(draw, pair * 7, pair * 7 + 1, shop)
            dossier = _glasses(stage, draw, person, shop, day, draw.integer(1_200, 2_400) * 100)
            dossier.delay = draw.integer(1, 4)
            dossier.case = f"{i}"
            if pair == 0:
                dossier.faults = {}
            dossiers.append(dossier)
    return dossiers


def broken_glasses(stage: Stage) -> list[Dossier]:
    """A second pair with the payer's agreement, the first being broken."""
    draw = stage.draws("broken_glasses")
    dossiers = []
    for person in _without(stage, draw, CHANGED):
        shop = stage.world.market.pick(draw, person.household.commune, "OPTICIEN")
        first = stage.working_day(draw, 0, 2, shop)
        second = stage.working_day(draw, 12, 16, shop)
        dossiers.append(_glasses(stage, draw, person, shop, first, draw.integer(500, 900) * 100))
        again = _glasses(stage, draw, person, shop, second, draw.integer(500, 900) * 100)
        pec = f"PEC-OPT-{stage.wave:02d}-{person.beneficiary[2:]}"
        for line in again.lines:
            line["prior_approval"] = pec
        stage.hospital.approve(again, pec, shop, second - 4)
        dossiers.append(again)
    return dossiers
