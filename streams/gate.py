"""The payment gate: money leaves when every line that it pays is releasable.

A payment that precedes its claim is held, and answered again when the claim has its verdict. An expired hold
lets money go, or not, as its row says, at the payment's own `event_time`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from schemas.outputs import Reason
from streams.claim_state import ClaimState

RELEASED: dict[str, Any] = {"decision": "RELEASE"}
GRAVITY = ("INTERNAL_AUDIT", "FRAUD_REVIEW", "MEDICAL_REVIEW", "COMPLETE_FILE")

NOT_SCREENED = Reason(
    code="GATE",
    label_fr="Paiement d'un dossier non encore contrôlé",
    label_en="Payment of a claim that has no verdict yet",
    label_ar="أداء ملف لم تتم مراقبته بعد",
    nature="ADM",
    cls="H",
    facts_fr="Le dossier n'a pas encore de verdict : le paiement sera réexaminé dès qu'il en aura un.",
    facts_en="The claim has no verdict yet: the payment is answered again as soon as it has one.",
    visibility="LIQUIDATOR",
)
CANCELLED = Reason(
    code="GATE",
    label_fr="Paiement d'un dossier annulé",
    label_en="Payment of a claim that was cancelled",
    label_ar="أداء ملف تم إلغاؤه",
    nature="ADM",
    cls="H",
    facts_fr="Le dossier a été annulé et rien ne le remplace : rien n'est à payer sans nouveau dépôt.",
    facts_en="The claim was cancelled and nothing replaces it: nothing is payable until it is filed again.",
    visibility="LIQUIDATOR",
)
CLAIM_HELD = Reason(
    code="GATE",
    label_fr="Paiement de lignes suspendues",
    label_en="Payment of lines that are on hold",
    label_ar="أداء أسطر معلقة",
    nature="ADM",
    cls="H",
    facts_fr="Des lignes payées par cet ordre sont suspendues à titre préventif : il attend leur issue.",
    facts_en="Lines that this order pays are on preventive hold: the payment waits for their outcome.",
    visibility="LIQUIDATOR",
)


def pass_payment(
    status: str, lines: tuple[int, ...], at: dt.datetime, amount: int, state: ClaimState
) -> dict[str, Any]:
    """The decision on a payment of these lines (none named = all) at that instant. `amount` in centimes.

    What is paid, returned or cancelled already is only noted: there is nothing left to hold.
    """
    if status != "ORDERED":
        return dict(RELEASED)
    if not state.screened:
        why = CANCELLED if state.cancelled else NOT_SCREENED
        return _hold(why, "COMPLETE_FILE", lines, amount, at + dt.timedelta(days=15))
    blocking = state.blocking(lines, at)
    if not blocking:
        return dict(RELEASED)
    purpose = min((answer.purpose or "COMPLETE_FILE" for answer in blocking), key=GRAVITY.index)
    ends = [answer.expires_at for answer in blocking if answer.expires_at is not None]
    return _hold(CLAIM_HELD, purpose, lines, amount, max(ends, default=None))


def _hold(
    why: Reason, purpose: str, lines: tuple[int, ...], amount: int, expires_at: dt.datetime | None
) -> dict[str, Any]:
    return {
        "decision": "HOLD",
        "scope": "LINES" if lines else "CLAIM",
        "lines": lines,
        "purpose": purpose,
        "reasons": (why,),
        "amount_at_risk": amount,
        "expires_at": expires_at,
        "on_expiry": "ESCALATE",
    }
