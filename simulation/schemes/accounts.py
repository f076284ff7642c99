"""Whose account is paid: a mule, an account changed on the eve; a couple's joint account, and one changed long ago.

The claims are honest: the fault lies in the steps of the back office.
"""

from __future__ import annotations

from typing import Any

from simulation import clock
from simulation.acts import ACT
from simulation.claims import Dossier, Handling, Step
from simulation.draw import Draw
from simulation.population import Household, Person
from simulation.schemes.parts import grown, ordered, visit
from simulation.schemes.stage import Stage

MULES, JOINT, HIJACKED, MOVED = 6, 13, 4, 13
Event = dict[str, Any]


def paid_to(account: str, *, fault: bool, only_payment: bool = False) -> Handling:
    """Steps that pay another account than the registry's."""

    def handle(draw: Draw, claim: Event, steps: list[Step]) -> list[Step]:
        changed: list[Step] = []
        for at, event, blamed in steps:
            if event["type"] == "payment" or not only_payment:
                event["bank_account"] = account
                changed.append((at, event, fault or blamed))
            else:
                changed.append((at, event, blamed))
        return changed

    return handle


def shared_account(stage: Stage) -> list[Dossier]:
    """Files of six unrelated insured are paid into one account."""
    draw = stage.draws("shared_account")
    account = f"K-{draw.hexadecimal(12)}"
    dossiers = []
    for person in stage.people(draw, MULES, lambda p: p.rank == 0 and grown(stage)(p)):
        dossier = visit(stage, draw, person)
        dossier.handling = paid_to(account, fault=True)
        dossiers.append(dossier)
    return dossiers


def joint_account(stage: Stage) -> list[Dossier]:
    """A couple, each insured in his or her own right, with one account."""
    draw = stage.draws("joint_account")
    people = stage.people(draw, JOINT * 2, lambda p: p.rank == 0 and grown(stage)(p))
    dossiers = []
    for first, second in zip(people[::2], people[1::2], strict=False):
        for person in (first, second):
            dossier = visit(stage, draw, person)
            dossier.handling = paid_to(first.household.account, fault=True)
            dossiers.append(dossier)
    return dossiers


def _hearing(stage: Stage, draw: Draw, person: Person) -> Dossier:
    """A pair of hearing aids, agreed beforehand: 7,000 MAD that the insured has paid."""
    shop = stage.world.market.pick(draw, person.household.commune, "PROTHESISTE")
    day = stage.day + draw.integer(0, 6)
    pec = f"PEC-AUD-{stage.wave:02d}-{person.beneficiary[2:]}"
    price = ACT["AUDIO"].tariff + draw.integer(0, 90) * 2_000
    dossier = ordered(
        stage, draw, person, shop, day, "AUDIO", prices=(price,), quantity=2, prior_approval=pec
    )
    stage.hospital.approve(dossier, pec, shop, day - 9)
    person.supplied["AUDIO"] = day + 1500
    return dossier


def _deaf(stage: Stage, draw: Draw, count: int) -> list[Person]:
    return stage.people(draw, count, lambda p: "AUDIO" not in p.supplied and grown(stage, 50)(p))


def _registered(stage: Stage, home: Household, account: str, at: int, since: int) -> None:
    """The registry learns of a new account of everybody in a household."""
    for person in home.members:
        if person.death is None:
            event = stage.world.update(person, at)
            event["bank_account"], event["bank_account_since"] = account, clock.text(since)
            stage.updates.append((at, event))


def changed_account(stage: Stage) -> list[Dossier]:
    """The account of somebody to whom much is due is changed some days before the payment."""
    draw = stage.draws("changed_account")
    dossiers = []
    for person in _deaf(stage, draw, HIJACKED):
        account = f"K-{draw.hexadecimal(12)}"
        dossier = _hearing(stage, draw, person)

        def handle(
            draw: Draw, claim: Event, steps: list[Step], person: Person = person, account: str = account
        ) -> list[Step]:
            (at, liquidation, blamed), (paid, payment, _) = steps
            day = paid // clock.DAY + clock.EPOCH - draw.integer(2, 5)
            update = stage.world.update(person, at + 60)
            update["bank_account"], update["bank_account_since"] = account, clock.text(day)
            update["ingest_time"] = update["event_time"] = clock.iso(paid - 36_000)
            liquidation["bank_account"] = payment["bank_account"] = account
            return [(at, liquidation, blamed), (paid - 36_000, update, blamed), (paid, payment, True)]

        dossier.handling = handle
        dossiers.append(dossier)
    return dossiers


def account_of_last_year(stage: Stage) -> list[Dossier]:
    """The same, but the account was changed two months ago; and small refunds just after a change."""
    draw = stage.draws("account_of_last_year")
    dossiers = []
    for i, person in enumerate(_deaf(stage, draw, MOVED * 2)):
        account = f"K-{draw.hexadecimal(12)}"
        at = clock.instant(stage.day, 4 * 3600)
        if i % 2:
            _registered(stage, person.household, account, at, stage.day - draw.integer(50, 80))
            dossier = _hearing(stage, draw, person)
        else:
            _registered(stage, person.household, account, at, stage.day - 1)
            dossier = visit(stage, draw, person, stage.working_day(draw, 0, 3, person.household.doctor))
        person.household.account = account
        dossier.handling = paid_to(account, fault=True)
        dossiers.append(dossier)
    return dossiers
