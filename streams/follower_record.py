"""What a record keeps of a liquidation or payment: the event itself, what the gate compares, its amounts by line."""

from __future__ import annotations

from typing import Any

import msgspec

from detectors.settlement import Paid
from schemas.liquidation import Liquidation
from schemas.outputs import Compared, Screened, ScreenedLine
from schemas.payment import Payment

WHOLE = 0
"""Stands among the amounts of a case for what is not shared out over lines."""
Follower = Liquidation | Payment


def event_of(record: Screened) -> Follower | None:
    """The liquidation or payment that a record answered; a record of an earlier release tells a payment alone."""
    said = record.features.get("event")
    if isinstance(said, Liquidation | Payment):
        return said
    if said is not None:
        if record.type == "payment":
            return msgspec.convert(said, Payment)
        return msgspec.convert(said, Liquidation)
    compared = record.screened
    if record.type != "payment" or compared is None:
        return None
    kept = record.features
    base = sum(line.base_amount or 0 for line in compared.lines)
    return msgspec.convert(
        {
            "type": "payment",
            "version": 1,
            "event_id": record.event_id,
            "event_time": record.at,
            "organism": record.organism or "-",
            "flow": record.flow,
            "claim_id": record.claim_id,
            "beneficiary": record.beneficiary or "-",
            "payment_id": kept.get("payment_id") or "-",
            "status": kept.get("status", "ORDERED"),
            "payee": compared.payee or "INSURED",
            "payee_inpe": compared.payee_inpe,
            "bank_account": compared.bank_account,
            "base_amount": base or kept.get("amount", 0),
            "complementary_amount": kept.get("amount", 0) - base if base else None,
            "lines": [msgspec.to_builtins(line) for line in compared.lines] or None,
        },
        Payment,
    )


def features_of(event: Follower) -> dict[str, Any]:
    """What happened, as the event said it."""
    if isinstance(event, Liquidation):
        return {"action": event.action, "event": event}
    return {
        "status": event.status,
        "payment_id": event.payment_id,
        "amount": event.base_amount + (event.complementary_amount or 0),
        "lines": list(Paid.of(event).lines),
        "event": event,
    }


def compared_of(event: Follower) -> Compared:
    """What the gate compares of this event with others of its claim."""
    parts: tuple[tuple[int, int | None, int | None], ...]
    if isinstance(event, Liquidation):
        parts = () if event.line is None else ((event.line, event.base_amount, event.complementary_amount),)
    else:
        parts = tuple(
            (line.line, line.base_amount, line.complementary_amount)
            for line in event.lines or ()
            if line.line is not None
        )
    return Compared(
        lines=tuple(
            ScreenedLine(line=line, base_amount=base, complementary_amount=more) for line, base, more in parts
        ),
        payee=event.payee,
        payee_inpe=event.payee_inpe,
        bank_account=event.bank_account,
    )


def amounts_of(event: Follower) -> dict[int, int]:
    """Centimes by line, base and complementary together; under WHOLE where they are not shared out."""
    total = (event.base_amount or 0) + (event.complementary_amount or 0)
    if isinstance(event, Liquidation):
        return {WHOLE if event.line is None else event.line: total}
    paid = Paid.of(event)
    if not paid.lines or any(part.base is None for part in paid.parts):
        return {WHOLE: total} if not paid.lines else dict.fromkeys(paid.lines, 0) | {paid.lines[0]: total}
    amounts: dict[int, int] = {}
    for part in paid.parts:
        assert part.line is not None
        amounts[part.line] = amounts.get(part.line, 0) + (part.base or 0) + (part.complementary or 0)
    return amounts


def total(amounts: dict[int, int], lines: tuple[int, ...]) -> int:
    known = [amounts[line] for line in lines if line in amounts]
    return sum(known) if known and lines else sum(amounts.values())
