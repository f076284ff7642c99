"""What a liquidation or a payment asks of the windows: its liquidator's, the pairs it makes, its bank account's.

A liquidation that names another one in `cancels` takes out what that one put in. A payment counts once, by the last
event of its `payment_id`: an event of a payment takes the place of the one before, and one that was returned or
cancelled leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

from detectors.grading import off_day
from detectors.referentials import Referentials
from schemas.liquidation import Liquidation
from schemas.observation import Followed, LiquidatorCounts, day_number, entity_ref, event_ref
from schemas.payment import Payment
from state import codecs, ops
from streams import persons

if TYPE_CHECKING:
    from streams.questions import Question

PAIR_DAYS = 30  # L04's window
LIFE = 0  # bucket of what is not counted by date
ACT_DAYS, ACT_SLOTS = 5, 7  # L03's 30 days, whatever the day
OPENS, CLOSES = 7, 20  # L05: local hours
HASTY_MS = 5000  # L05: a step by hand under five seconds
COUNTED = ("ORDERED", "PAID")


def liquidation(
    asked: Question, event: Liquidation, referentials: Referentials, insured: str | None = None
) -> None:
    """A step: the liquidator's windows and counts, and whom it met. `insured`: of the beneficiary, if known."""
    asked.home.append(ops.registered(event.beneficiary))
    asked.undo = None if event.cancels is None else event_ref(event.cancels)
    name, day = event.liquidator, day_number(referentials.local_date(event.event_time))
    who = entity_ref(event.beneficiary)
    asked.away += [
        ops.tile(
            "l",
            name,
            instant=int(event.event_time.timestamp()),
            day=day,
            lines=1,
            amount=(event.base_amount or 0) + (event.complementary_amount or 0),
            beneficiary=who,
        ),
        ops.sums(
            "l", name, counts(event, referentials), bucket=day // ACT_DAYS, slots=ACT_SLOTS, days=ACT_DAYS
        ),
        ops.pair("lb", name, who, bucket=day // PAIR_DAYS, days=PAIR_DAYS),
    ]
    asked.followed = ["liquidator", "acts", "beneficiary"]
    if event.payee_inpe is not None:
        partner = entity_ref(event.payee_inpe)
        asked.away.append(ops.pair("lp", name, partner, bucket=day // PAIR_DAYS, days=PAIR_DAYS))
        asked.followed.append("provider")
    me, bucket = entity_ref(name), day // PAIR_DAYS
    asked.away.append(ops.pair("bl", who.hex(), me, bucket=bucket, days=PAIR_DAYS))
    asked.followed.append("of_beneficiary")
    if event.payee_inpe is not None:
        asked.away.append(ops.pair("pl", event.payee_inpe, me, bucket=bucket, days=PAIR_DAYS))
        asked.followed.append("of_provider")
    if event.role is not None:
        told = counts(event, referentials)
        role = f"role {event.role}"  # beside its liquidators, none of whom is named with a blank
        asked.away.append(ops.sums("l", role, told, bucket=day // ACT_DAYS, slots=ACT_SLOTS, days=ACT_DAYS))
        asked.followed.append("role")
    _account(asked, event, insured)


def payment(asked: Question, event: Payment, referentials: Referentials, insured: str | None = None) -> None:
    """A payment: the windows of the account it goes to."""
    asked.home.append(ops.registered(event.beneficiary))
    asked.undo = event_ref(f"payment|{event.beneficiary}|{event.payment_id}")  # no event id has a bar in it
    asked.undo_payment = True
    if event.bank_account is None or event.status not in COUNTED:
        return
    asked.away.append(
        ops.tile(
            "b",
            event.bank_account,
            instant=int(event.event_time.timestamp()),
            day=day_number(referentials.local_date(event.event_time)),
            lines=len(event.lines or ()) or 1,
            amount=event.base_amount + (event.complementary_amount or 0),
            beneficiary=entity_ref(
                event.beneficiary if event.payee == "INSURED" else event.payee_inpe or "provider"
            ),
        )
    )
    asked.followed = ["account"]
    _account(asked, event, insured)


def _account(asked: Question, event: Liquidation | Payment, insured: str | None) -> None:
    """The insured whom an account was named for; families are told apart by the registry alone."""
    if event.bank_account is None or event.payee != "INSURED" or insured is None:
        return
    member = entity_ref(insured).hex()
    asked.away.append(ops.count(f"account|{event.bank_account}", LIFE, member, ops.KEEP_LONG))
    asked.followed.append("insured")


def counts(event: Liquidation, referentials: Referentials) -> LiquidatorCounts:
    """What one step adds to its liquidator's counts."""
    results = [control.result for control in event.controls or ()]
    local = event.event_time.astimezone(referentials.zone)
    timed = event.duration_ms is not None and event.role != "BATCH"
    hasty = timed and event.duration_ms is not None and event.duration_ms < HASTY_MS
    return LiquidatorCounts(
        steps=1,
        validations=int(event.action == "VALIDATE"),
        overrides=int(event.action == "OVERRIDE"),
        cancellations=int(event.action == "CANCEL"),
        controls=len(results),
        failed=results.count("FAILED"),
        overridden=results.count("OVERRIDDEN"),
        timed=int(timed),
        hasty=int(hasty),
        off_hours=int(not OPENS <= local.hour < CLOSES or off_day(local.date(), referentials)),
        verdicts_overridden=sum(
            control.result == "OVERRIDDEN" and control.verdict_id is not None
            for control in event.controls or ()
        ),
    )


def followed(asked: Question, answers: Iterable[bytes | None], registry: bytes | None = None) -> Followed:
    """Read the answers, in the order of `liquidation` and `payment`; one that is not remembered stays unknown.

    `registry`: the beneficiary's entry, as it was applied.
    """
    seen = Followed(person=persons.read(registry) if registry else None)
    for name, data in zip_longest(asked.followed, answers):  # a memo of an older version has fewer
        if data is None:
            continue
        if name == "liquidator":
            seen.liquidator = codecs.window(data)
        elif name == "acts":
            seen.acts = LiquidatorCounts(*codecs.sums(data))
        elif name == "beneficiary":
            seen.beneficiary = codecs.pair_window(data)
        elif name == "provider":
            seen.provider = codecs.pair_window(data)
        elif name == "of_beneficiary":
            seen.of_beneficiary = codecs.pair_window(data)
        elif name == "of_provider":
            seen.of_provider = codecs.pair_window(data)
        elif name == "role":
            seen.role = LiquidatorCounts(*codecs.sums(data))
        elif name == "insured":
            seen.insured = codecs.frequency(data)
        else:
            seen.account = codecs.window(data)
    return seen
