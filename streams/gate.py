"""The payment gate: money leaves when every line that it pays is releasable.

A payment that precedes its claim or its liquidation is held, and answered again when they come. An expired hold
lets money go, or not, as its row says, at the payment's own `event_time`. What differs from what was screened is
the detectors' to say (`detectors.remittance`); what they hold and what the gate holds are one answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from detectors.dossier import Dossier
from detectors.settlement import Paid
from schemas.enums import Purpose
from schemas.outputs import Reason

GRAVITY: tuple[Purpose, ...] = ("INTERNAL_AUDIT", "FRAUD_REVIEW", "MEDICAL_REVIEW", "COMPLETE_FILE")
WAITS_DAYS = 15  # the time to complete a file


def _reason(french: str, english: str, arabic: str, facts_fr: str, facts_en: str) -> Reason:
    return Reason(
        code="GATE",
        label_fr=french,
        label_en=english,
        label_ar=arabic,
        nature="ADM",
        cls="H",
        facts_fr=facts_fr,
        facts_en=facts_en,
        visibility="LIQUIDATOR",
    )


NOT_SCREENED = _reason(
    "Paiement d'un dossier non encore contrôlé",
    "Payment of a claim that has no verdict yet",
    "أداء ملف لم تتم مراقبته بعد",
    "Le dossier n'a pas encore de verdict : le paiement sera réexaminé dès qu'il en aura un.",
    "The claim has no verdict yet: the payment is answered again as soon as it has one.",
)
CANCELLED = _reason(
    "Paiement d'un dossier annulé",
    "Payment of a claim that was cancelled",
    "أداء ملف تم إلغاؤه",
    "Le dossier a été annulé et rien ne le remplace : rien n'est à payer sans nouveau dépôt.",
    "The claim was cancelled and nothing replaces it: nothing is payable until it is filed again.",
)
NOT_LIQUIDATED = _reason(
    "Paiement de lignes non liquidées",
    "Payment of lines that are not liquidated",
    "أداء أسطر غير مصفاة",
    "Aucune liquidation en vigueur ne porte sur ces lignes : le paiement sera réexaminé dès qu'il y en aura une.",
    "No liquidation in force concerns these lines: the payment is answered again as soon as there is one.",
)
LINE_HELD = _reason(
    "Paiement de lignes suspendues",
    "Payment of lines that are on hold",
    "أداء أسطر معلقة",
    "Des lignes payées par cet ordre sont suspendues à titre préventif : il attend leur issue.",
    "Lines that this order pays are on preventive hold: the payment waits for their outcome.",
)


class Blocked(NamedTuple):
    """Why the gate keeps something back. `lines` None: whatever the payment pays."""

    why: Reason
    lines: frozenset[int] | None
    purpose: Purpose
    expires_at: dt.datetime | None


def examine(paid: Paid, named: Iterable[str], dossier: Dossier, *, needs_liquidation: bool) -> list[Blocked]:
    """What keeps an order back, line by line.

    Args:
        named: event ids of the liquidations that the order rests on.
        needs_liquidation: whether lines that nobody liquidated are kept back.
    """
    if paid.status != "ORDERED":
        return []  # what is paid, returned or cancelled already is only noted: there is nothing left to hold
    lines, later = frozenset(paid.lines), paid.at + dt.timedelta(days=WAITS_DAYS)
    if not dossier.screened:
        why = CANCELLED if dossier.cancelled else NOT_SCREENED
        return [Blocked(why, lines or None, "COMPLETE_FILE", later)]
    blocked = []
    filed = None if dossier.filed is None else {line.line for line in dossier.filed.lines}
    strange = frozenset() if filed is None else lines - filed
    if strange:
        blocked.append(Blocked(NOT_SCREENED, strange, "COMPLETE_FILE", later))
    for hold in dossier.blocking(lines, paid.at):
        held = (lines & set(hold.lines)) if hold.lines else lines
        purpose: Purpose = next((one for one in GRAVITY if one == hold.purpose), "COMPLETE_FILE")
        blocked.append(Blocked(LINE_HELD, held or None, purpose, hold.expires_at))
    if any(one.lines is None for one in blocked):
        return blocked
    free = lines.difference(*(one.lines or () for one in blocked))  # what is held already waits for one thing
    if free or not lines:
        blocked += _not_liquidated(free, named, dossier, later, needs_liquidation=needs_liquidation)
    return blocked


def _not_liquidated(
    lines: frozenset[int],
    named: Iterable[str],
    dossier: Dossier,
    until: dt.datetime,
    *,
    needs_liquidation: bool,
) -> list[Blocked]:
    """What waits for its liquidation: the one that the order names, or any."""
    if set(named) - dossier.live().keys():
        return [Blocked(NOT_LIQUIDATED, lines or None, "COMPLETE_FILE", until)]
    said = dossier.liquidated()
    bare = frozenset(line for line in lines if said.due(line) is None)
    if needs_liquidation and (bare or (not lines and said.whole is None and not said.lines)):
        return [Blocked(NOT_LIQUIDATED, bare or None, "COMPLETE_FILE", until)]
    return []
