"""Who liquidates, when, and what is paid: frauds inside the caisse, and the colleague, the batch, the balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulation import clock
from simulation.backoffice import Habit
from simulation.claims import Dossier, Handling, Step
from simulation.draw import Draw
from simulation.population import Person
from simulation.providers import Provider
from simulation.schemes.parts import Fits, grown, ordered, visit
from simulation.schemes.stage import Stage

Event = dict[str, Any]
LINKLESS, LENT, FAVOURED, PORTFOLIO, SCRIPTED, BATCH = 12, 26, 17, 26, 26, 26
HABIT_DAYS = 45


def liquidated_by(name: str, *, role: str | None = None, fault: bool = True) -> Handling:
    """The claim's liquidation is this account's."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), payment = steps
        liquidation["liquidator"] = name
        if role is not None:
            liquidation["role"] = role
        return [(at, liquidation, fault), payment]

    return handle


def at_night(name: str | None, role: str | None, seconds: tuple[int, int]) -> Handling:
    """The liquidation happens in the small hours, in little time."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), payment = steps
        day = (at + 3600) // clock.DAY + clock.EPOCH
        at = clock.instant(day, 2 * 3600 + draw.integer(0, 5400))
        liquidation["event_time"] = liquidation["ingest_time"] = clock.iso(at)
        liquidation["duration_ms"] = draw.integer(*seconds)
        if name is not None:
            liquidation["liquidator"] = name
        if role is not None:
            liquidation["role"] = role
        return [(at, liquidation, True), payment]

    return handle


def _agency(stage: Stage, draw: Draw, *, routed: bool) -> str:
    """An agency, with or without dedicated portfolios, with people enough."""
    known = stage.world.routed
    names = known if routed else [name for name in sorted(stage.world.liquidators) if name not in known]
    counts = dict.fromkeys(names, 0)
    for person in stage.world.people:
        if person.household.agency in counts:
            counts[person.household.agency] += 1
    big = sorted(names, key=lambda name: (-counts[name], name))[: max(1, len(names) // 2)]
    return draw.pick(big)


def _of(agency: str, stage: Stage) -> Fits:
    return lambda person: person.household.agency == agency and grown(stage)(person)


def _account(
    stage: Stage, name: str, role: str, agency: str | None, first: str, last: str | None, **more: Any
) -> None:
    """A liquidator's entry in the registry."""
    at = clock.instant(stage.day, 4 * 3600)
    rights = [{"from": first, "to": last, "mutuelle": None, "agency": agency, "scope": None}]
    entry = {
        "liquidator": name,
        "role": role,
        "rights": rights,
        "linked_beneficiaries": [],
        "delegations": more.get("delegations", []),
    }
    stage.updates.append((at, {**stage.world.desk.envelope("liquidator", at, "ANAM"), **entry}))


def _visits(
    stage: Stage, scheme: str, count: int, fits: Fits, handling: Callable[[Draw], Handling]
) -> list[Dossier]:
    """Plain honest files with something done to them in the back office."""
    draw = stage.draws(scheme)
    dossiers = []
    for person in stage.people(draw, count, fits):
        dossier = visit(stage, draw, person)
        dossier.handling = handling(draw)
        dossiers.append(dossier)
    return dossiers


def unlinked_account(stage: Stage) -> list[Dossier]:
    """An account whose link with the mutuelle has ended goes on liquidating."""
    draw = stage.draws("unlinked")
    agency = _agency(stage, draw, routed=False)
    name = f"L-X-{stage.wave:02d}"
    _account(stage, name, "LIQUIDATION", agency, "2020-01-01", clock.text(stage.day - draw.integer(20, 200)))
    return _visits(stage, "unlinked_account", LINKLESS, _of(agency, stage), lambda draw: liquidated_by(name))


def delegated_colleague(stage: Stage) -> list[Dossier]:
    """A colleague of another agency helps out, with a delegation in the registry."""
    draw = stage.draws("delegated")
    agency = _agency(stage, draw, routed=False)
    helped = stage.world.liquidators[agency][0]
    name = f"L-D-{stage.wave:02d}"
    lent = {
        "of": helped,
        "from": clock.text(stage.day - 1),
        "to": clock.text(stage.day + 120),
        "reason": "renfort",
    }
    _account(stage, name, "LIQUIDATION", "ELSEWHERE", "2020-01-01", None, delegations=[lent])
    return _visits(stage, "delegated_colleague", LENT, _of(agency, stage), lambda draw: liquidated_by(name))


def override_habit(stage: Stage) -> list[Dossier]:
    """A liquidator puts aside nearly every control that fails; the files are whatever comes."""
    _habit(stage, "override_habit", 0.4, 0.9, "FRAUD")
    return []


def complex_files(stage: Stage) -> list[Dossier]:
    """A liquidator of complex files: more controls fail, no more of them are put aside than elsewhere."""
    _habit(stage, "complex_files", 0.3, 0.3, "LOOKALIKE")
    return []


def _habit(stage: Stage, scheme: str, failing: float, forced: float, truth: str) -> None:
    draw = stage.draws(scheme)
    agency = _agency(stage, draw, routed=False)
    free = [name for name in stage.world.liquidators[agency][:-2] if not stage.taken(name)]
    name = draw.pick(free or stage.world.liquidators[agency][:-2])
    stage.take(name)
    first = clock.instant(stage.day, 0)
    blame = (truth, scheme, f"{scheme}-{stage.wave:02d}")
    stage.habits[name] = Habit(first, first + HABIT_DAYS * clock.DAY, failing, forced, blame)


def _favoured(stage: Stage, scheme: str, count: int, *, routed: bool) -> list[Dossier]:
    """Files of one laboratory, paid directly, all in the hands of one liquidator."""
    draw = stage.draws(scheme)
    agency = _agency(stage, draw, routed=routed)
    desk = stage.world.liquidators[agency][:-2]
    name = desk[0] if routed else draw.pick(desk)
    people = stage.people(draw, count, _of(agency, stage))
    lab = stage.world.market.pick(draw, people[0].household.commune, "LABO")
    dossiers = []
    for person in people:
        dossier = _invoice(stage, draw, person, lab)
        dossier.handling = liquidated_by(name)
        dossiers.append(dossier)
    return dossiers


def _invoice(stage: Stage, draw: Draw, person: Person, lab: Provider) -> Dossier:
    """Tests that the laboratory invoices to the payer."""
    day = stage.working_day(draw, 0, 6, lab)
    codes = draw.sample(("NFS", "CRP", "CREAT", "TSH", "GLY", "LIPID", "FERR"), draw.integer(1, 4))
    dossier = ordered(stage, draw, person, lab, day, *codes)
    dossier.documents.pop()
    return stage.hospital.invoice(dossier, lab)


def liquidator_concentration(stage: Stage) -> list[Dossier]:
    """One of eight equals has all the files of one laboratory."""
    return _favoured(stage, "liquidator_concentration", FAVOURED, routed=False)


def dedicated_portfolio(stage: Stage) -> list[Dossier]:
    """The liquidator whose portfolio it is, as the routing table says."""
    return _favoured(stage, "dedicated_portfolio", PORTFOLIO, routed=True)


def scripted_nights(stage: Stage) -> list[Dossier]:
    """A script liquidates at night under somebody's name, a file in a second or two."""
    draw = stage.draws("scripted")
    agency = _agency(stage, draw, routed=False)
    name = draw.pick(stage.world.liquidators[agency][:-2])
    return _visits(
        stage,
        "scripted_nights",
        SCRIPTED,
        _of(agency, stage),
        lambda draw: at_night(name, None, (600, 2_400)),
    )


def batch_account(stage: Stage) -> list[Dossier]:
    """The payer's own nightly batch, under an account that is one."""
    draw = stage.draws("batch")
    agency = _agency(stage, draw, routed=False)
    name = f"L-BATCH-{stage.wave:02d}"
    _account(stage, name, "BATCH", None, "2020-01-01", None)
    return _visits(
        stage, "batch_account", BATCH, _of(agency, stage), lambda draw: at_night(name, "BATCH", (200, 900))
    )
