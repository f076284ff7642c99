"""Steps that change what was screened: a hold put aside, another amount or account, paid twice; and the lawful ones."""

from __future__ import annotations

from typing import Any

from simulation import clock
from simulation.claims import Dossier, Filed, Handling, Step
from simulation.draw import Draw
from simulation.schemes.parts import grown, visit
from simulation.schemes.stage import Stage

Event = dict[str, Any]
FORCED, CHECKED, CHANGED, PARTS, TWICE, RETURNED, RAISED, RATED = 6, 26, 9, 26, 6, 26, 8, 26


def _later(stage: Stage, event: Event, at: int, **more: Any) -> Event:
    """The same event once more under a new identifier at another time."""
    stamp = clock.iso(at)
    return {
        **event,
        "event_id": stage.world.desk.event_id(),
        "event_time": stamp,
        "ingest_time": stamp,
        **more,
    }


def _plain(stage: Stage, scheme: str, count: int, handling: Handling, *, ill: bool = False) -> list[Dossier]:
    """Honest visits with that done to them."""
    draw = stage.draws(scheme)
    dossiers = []
    for person in stage.people(draw, count, lambda p: grown(stage)(p) and (not ill or p.ald is not None)):
        dossier = visit(stage, draw, person)
        dossier.handling = handling
        dossiers.append(dossier)
    return dossiers


def _forgeable(filed: Filed) -> bool:
    lines = filed.event["lines"]
    return filed.event["kind"] == "AMBULATOIRE" and all(
        "executor" in line and "sessions" not in line and line["code"] != "AMI" for line in lines
    )


def hold_override(stage: Stage) -> list[Dossier]:
    """A file that was paid already comes again, is held, and its own liquidator puts the hold aside."""
    draw = stage.draws("hold_override")

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), (paid, payment, _) = steps
        liquidation["action"] = "COMPUTE"
        put_aside = {"code": "VERDICT", "result": "OVERRIDDEN", "verdict_id": f"V-{claim['event_id']}-1"}
        forced = _later(stage, liquidation, at + 4000, action="OVERRIDE", controls=[put_aside])
        return [(at, liquidation, False), (at + 4000, forced, True), (paid, payment, False)]

    dossiers = []
    for source in draw.sample([filed for filed in stage.known[-1500:] if _forgeable(filed)], FORCED):
        original = source.dossier
        copy = Dossier(original.person, original.day)
        copy.lines = [dict(line) for line in original.lines]
        copy.documents = [dict(paper) for paper in original.documents]
        copy.dues, copy.handling = list(original.dues), handle
        copy.last = stage.day + draw.integer(0, 8)
        copy.truth, copy.scheme = "FRAUD", "copied_file"
        dossiers.append(copy)
    return dossiers


def checked_by_another(stage: Stage) -> list[Dossier]:
    """A control fails, and a second person of the validation desk puts it aside with a reason."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), payment = steps
        liquidation["action"] = "COMPUTE"
        desk = stage.world.liquidators[liquidation["agency"]]
        control = {"code": "CTL-PIECES", "result": "OVERRIDDEN", "reason": "pièce reçue"}
        checked = _later(
            stage,
            liquidation,
            at + 5000,
            action="OVERRIDE",
            controls=[control],
            liquidator=desk[-1],
            role="VALIDATION",
        )
        return [(at, liquidation, False), (at + 5000, checked, True), payment]

    return _plain(stage, "checked_by_another", CHECKED, handle)


def payment_changed(stage: Stage) -> list[Dossier]:
    """Between the verdict and the order, the account or the amount becomes another."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        liquidation, (at, payment, _) = steps
        if draw.chance(0.6):
            payment["bank_account"] = f"K-{draw.hexadecimal(12)}"
        else:
            more = payment["base_amount"] // 2 + 5_000
            payment["base_amount"] += more
            payment["lines"][0]["base_amount"] += more
        return [liquidation, (at, payment, True)]

    return _plain(stage, "payment_changed", CHANGED, handle)


def part_payments(stage: Stage) -> list[Dossier]:
    """A part now, the balance a week later: together what was liquidated."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        liquidation, (at, payment, _) = steps
        first, second = [], []
        for line in payment["lines"]:
            half = {key: line[key] // 2 for key in ("base_amount", "complementary_amount")}
            rest = {key: line[key] - half[key] for key in half}
            first.append({**line, **half})
            second.append({**line, **rest})
        later = clock.instant(clock.office_day(at // clock.DAY + clock.EPOCH + 7), 6 * 3600)
        balance = _later(stage, payment, later, payment_id=payment["payment_id"] + "-2")
        for event, lines in ((payment, first), (balance, second)):
            event["lines"] = lines
            for key in ("base_amount", "complementary_amount"):
                event[key] = sum(line[key] for line in lines)
        return [liquidation, (at, payment, True), (later, balance, True)]

    return _plain(stage, "part_payments", PARTS, handle)


def double_payment(stage: Stage) -> list[Dossier]:
    """The whole is ordered a second time."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        liquidation, (at, payment, _) = steps
        later = clock.instant(clock.office_day(at // clock.DAY + clock.EPOCH + draw.integer(3, 9)), 6 * 3600)
        again = _later(stage, payment, later, payment_id=payment["payment_id"] + "-B")
        return [liquidation, (at, payment, False), (later, again, True)]

    return _plain(stage, "double_payment", TWICE, handle)


def returned_payment(stage: Stage) -> list[Dossier]:
    """The bank sends the money back, and it is ordered again."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        liquidation, (at, payment, _) = steps
        back = _later(stage, payment, at + 3 * clock.DAY, status="RETURNED")
        later = clock.instant(clock.office_day(at // clock.DAY + clock.EPOCH + 6), 6 * 3600)
        again = _later(stage, payment, later, payment_id=payment["payment_id"] + "-R")
        return [liquidation, (at, payment, True), (at + 3 * clock.DAY, back, True), (later, again, True)]

    return _plain(stage, "returned_payment", RETURNED, handle)


def over_liquidated(stage: Stage) -> list[Dossier]:
    """More is liquidated than the tariff gives, for a friend."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), (paid, payment, _) = steps
        more = round(liquidation["basis_amount"] * 0.4) + 2_000
        liquidation["basis_amount"] += more
        liquidation["base_amount"] += round(more * 0.7)
        payment["base_amount"] += round(more * 0.7)
        payment["lines"][0]["base_amount"] += round(more * 0.7)
        return [(at, liquidation, True), (paid, payment, False)]

    return _plain(stage, "over_liquidated", RAISED, handle)


def full_rate(stage: Stage) -> list[Dossier]:
    """A higher rate with its ground, for somebody with a long-term illness."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        (at, liquidation, _), payment = steps
        liquidation["rate_ground"] = "ALD"
        return [(at, liquidation, True), payment]

    return _plain(stage, "full_rate", RATED, handle, ill=True)
