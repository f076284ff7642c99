"""The claims of a case as they stand: what is held of them, what is paid, what can still be stopped. Centimes."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.outputs import AlertClaim, Screened
from state import Store
from streams.claim_state import CLAIM, ClaimState
from streams.items import Shelf


def own(record: Screened, *, left: bool) -> AlertClaim:
    """The claim of the record itself: what is at stake of it is what the decision says."""
    amount = record.amount_at_risk or 0
    return AlertClaim(
        claim_id=record.claim_id,
        verdict_id=record.verdict_id,
        state=record.decision,
        amount=record.amount_at_risk,
        paid=left,
        stoppable=0 if left else amount,
    )


def claims(
    wanted: Iterable[tuple[str, bytes]], but: str, most: int, shelf: Shelf, store: Store
) -> list[AlertClaim]:
    """The claims of these events, each once, as they stand now; those that are forgotten or replaced are left out.

    Args:
        wanted: (entity whose record names it, reference of an event), those that matter most in front.
        but: the claim that is told already.
    """
    pairs = list(dict.fromkeys(wanted))
    named: dict[str, str] = {}
    for identity in store.identify(pairs) if pairs else ():
        if identity is not None and identity.claim_id and identity.claim_id != but:
            named.setdefault(identity.claim_id, identity.beneficiary)
    chosen = list(named.items())[:most]
    missing = [(who, claim_id) for claim_id, who in chosen if claim_id not in shelf.claims]
    stored = dict(zip((claim_id for _, claim_id in missing), store.claims(missing), strict=True))
    found = []
    for claim_id, _ in chosen:
        state = shelf.claims.get(claim_id) or ClaimState.of(stored[claim_id])
        one = standing(claim_id, state)
        if one is not None:
            found.append(one)
    return found


def standing(claim_id: str, state: ClaimState) -> AlertClaim | None:
    """One claim as its state says; None where nothing of it stands."""
    live = [(name, answer) for name, answer in sorted(state.answers.items()) if not answer.replaced]
    answers = [answer for _, answer in live if answer.type == CLAIM]
    if not answers:
        return None
    dossier = state.dossier("")
    held = {line for hold in dossier.holds for line in hold.lines}
    if any(not hold.lines for hold in dossier.holds):
        held = set()
    due = dossier.liquidated()
    lines = () if dossier.filed is None else dossier.filed.lines
    concerned = [line for line in lines if not held or line.line in held]
    amount = 0
    for line in concerned:
        said = due.lines.get(line.line)
        payable = line.amount if said is None else (said.base or 0) + (said.complementary or 0)
        amount += payable
    if due.whole is not None and len(concerned) == len(lines) and not due.lines:
        amount = (due.whole.base or 0) + (due.whole.complementary or 0)
    numbers = {line.line for line in concerned}
    gone = 0
    for payment in dossier.payments.values():
        if payment.status == "PAID":
            parts = payment.parts or ()
            named = [part for part in parts if part.line is not None and part.base is not None]
            if len(named) == len(parts) and parts:
                gone += sum(
                    (part.base or 0) + (part.complementary or 0) for part in named if part.line in numbers
                )
            else:
                gone += payment.base + payment.complementary
    worst = next((hold.verdict_id for hold in dossier.holds if hold.of == CLAIM), answers[-1].verdict_id)
    return AlertClaim(
        claim_id=claim_id,
        verdict_id=worst,
        state="HOLD" if dossier.holds else answers[-1].decision,
        amount=amount,
        paid=state.paid(),
        stoppable=max(0, amount - gone),
    )
