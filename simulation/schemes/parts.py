"""Small files that several schemes are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from simulation import clock
from simulation.care import TEETH
from simulation.claims import Dossier
from simulation.draw import Draw
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.stage import Stage

Fits = Callable[[Person], bool]


def grown(stage: Stage, age: int = 22) -> Fits:
    """Whether somebody is of that age at least."""
    return lambda person: person.age(stage.day) >= age


def sheet(draw: Draw, person: Person, executor: Provider, day: int, *codes: str, **more: Any) -> Dossier:
    """Acts of one professional on one day, on one form."""
    dossier = Dossier(person, day)
    lines = [dossier.act(code, executor, day, **more) for code in codes]
    dossier.document("FEUILLE_SOINS", executor.number(draw), executor, day, lines)
    return dossier


def sitting(draw: Draw, person: Person, dentist: Provider, day: int, codes: Iterable[str]) -> Dossier:
    """Dental acts, each on a tooth that had nothing done so far."""
    dossier = Dossier(person, day)
    lines = []
    for code in codes:
        more: dict[str, Any] = {}
        if code not in ("CD", "DETAR"):
            more["teeth"] = [TEETH[(person.birth + person.mouth * 5) % len(TEETH)]]
            person.mouth += 1
        lines.append(dossier.act(code, dentist, day, **more))
    dossier.document("FEUILLE_SOINS", dentist.number(draw), dentist, day, lines)
    return dossier


def ordered(
    stage: Stage,
    draw: Draw,
    person: Person,
    executor: Provider,
    day: int,
    *codes: str,
    prices: tuple[int, ...] = (),
    **more: Any,
) -> Dossier:
    """Acts or goods on a doctor's ordonnance of some days before; `prices` in centimes, else the usual ones."""
    doctor = person.household.doctor
    number, written = doctor.number(draw), day - draw.integer(1, 8)
    dossier = Dossier(person, day)
    lines = [
        dossier.act(
            code,
            executor,
            day,
            prescriber=doctor,
            prescribed_on=written,
            prescription=number,
            unit_price=prices[i] if prices else None,
            **more,
        )
        for i, code in enumerate(codes)
    ]
    dossier.document("ORDONNANCE", number, doctor, written, lines)
    dossier.document("FACTURE", executor.number(draw), executor, day, lines)
    return dossier


def visit(stage: Stage, draw: Draw, person: Person, day: int | None = None) -> Dossier:
    """A plain visit to the family's doctor, with what was prescribed."""
    doctor = person.household.doctor
    day = stage.working_day(draw, 0, max(1, stage.days - 6), doctor) if day is None else day
    dossier = sheet(draw, person, doctor, day, "C")
    if draw.chance(0.8):
        stage.care.prescribe(dossier, doctor, day, draw.integer(1, 3))
    return dossier


def stay(stage: Stage, draw: Draw, person: Person, house: Provider, day: int, nights: int) -> Dossier:
    """A medical stay, billed by the day to the payer."""
    dossier = Dossier(person, day)
    end = clock.text(day + nights)
    dossier.act("JMED", house, day, quantity=nights, service_end=end, discharge="HOME")
    dossier.act("CONSO", house, day, unit_price=draw.integer(180, 900) * 100)
    return stage.hospital.invoice(dossier, house)


def prelude(dossier: Dossier, delay: int = 1) -> Dossier:
    """An honest file that a scheme or look-alike needs before its own, filed at once."""
    dossier.faults = {}
    dossier.delay = delay
    return dossier
