"""What follows a claim: a liquidation is screened, a payment passes the gate; and both are answered again when what
they rest on changes.
"""

from __future__ import annotations

from typing import Any

from detectors import catalogue, decision, findings
from detectors.base import CannotCheck, Finding
from detectors.decision import Case
from detectors.dossier import Dossier
from detectors.filed import About
from detectors.followers import FollowerContext
from detectors.models import score
from detectors.reasons import reason
from detectors.settlement import Paid
from schemas.observation import Followed
from schemas.outputs import CannotCheckItem, Screened, Term
from schemas.payment import Payment
from streams import gate, persons
from streams.claim_state import ClaimState
from streams.follower_record import WHOLE, Follower, amounts_of, event_of, features_of, total
from streams.items import Item, Shelf

OF_THE_DAY = tuple(d for d in catalogue.DETECTORS if d.declaration.code in ("E01", "E02", "E04", "ORD"))
"""What is checked again when the money is about to leave: rights, death, exclusions, orders."""
OF_THE_FILE = tuple(d for d in catalogue.FOLLOWERS if d.declaration.code in ("T01", "D05", "L02", "Y01"))
"""What compares an event with the rest of its claim, and so may say otherwise when that changes."""
RECHECKED = {d.declaration.code for d in OF_THE_DAY} | {d.declaration.code for d in OF_THE_FILE}
LATER = frozenset(("T01", "Y01"))


def detect(item: Item, event: Follower, shelf: Shelf, state: ClaimState) -> None:
    """Run the detectors of liquidations and payments, and score what they find."""
    context = _context(event, state, item.followed or Followed(), shelf)
    found = catalogue.run_followers(context)
    item.say(found)
    if isinstance(event, Payment):
        today = _of_the_day(event, context)
        item.findings, item.shadow = found.findings + today.findings, found.shadow + today.shadow
    item.score = score(item.findings, shelf.records.fusion)


def answer(item: Item, event: Follower, shelf: Shelf, state: ClaimState) -> dict[str, Any]:
    """The fields of the record of a liquidation or payment: the decision with everything it rested on."""
    context = _context(event, state, item.followed or Followed(), shelf)
    return _answered(event, context, item.findings, shelf) | {
        "shadow": tuple(map(reason, item.shadow)),
        "cannot_check": _unsaid(item.cannot_check),
    }


def noted(event: Follower) -> dict[str, Any]:
    """The fields of what was only observed: it is remembered, and nothing is decided."""
    return {"decision": "RELEASE", "features": features_of(event), "score": None}


def again(record: Screened, state: ClaimState, registry: bytes | None, shelf: Shelf) -> dict[str, Any] | None:
    """What the record of a liquidation or payment says now that something it rests on has changed.

    What people decided about its own findings stands; None where the record does not say what was asked.
    """
    event = event_of(record)
    if event is None:
        return None
    person = None if registry is None else persons.read(registry)
    context = _context(event, state, Followed(person=person), shelf)
    kept = findings.kept(record.features)
    if record.features.get("reviewed"):
        found: list[Finding] = []
    else:
        found = [one for one in kept if one.code not in RECHECKED]
        fresh = catalogue.run_followers(context, OF_THE_FILE)
        found += fresh.findings
        if isinstance(event, Payment):
            found += _of_the_day(event, context).findings
    changed = _answered(event, context, found, shelf)
    if record.features.get("reviewed"):
        changed["features"]["reviewed"] = True
    return changed


def _context(event: Follower, state: ClaimState, seen: Followed, shelf: Shelf) -> FollowerContext:
    referentials = shelf.referentials
    thresholds = referentials.thresholds(referentials.local_date(event.event_time))
    return FollowerContext(event, state.dossier(event.event_id), seen, referentials, thresholds)


def _of_the_day(event: Payment, context: FollowerContext) -> catalogue.Answers:
    """The claim's own hard rules with what is known now; what its verdict has weighed already is not weighed again."""
    told = catalogue.Answers.none()
    filed, person = context.dossier.filed, context.seen.person
    if event.status != "ORDERED" or filed is None or not context.dossier.screened:
        return told
    about = About(
        event.event_id, event.event_time, event.organism, event.flow, event.claim_id, event.beneficiary
    )
    today = filed.context(about, person, context.referentials, context.thresholds)
    paid = Paid.of(event)
    said = catalogue.run(today, OF_THE_DAY)
    for findings_of, kept in ((said.findings, told.findings), (said.shadow, told.shadow)):
        for found in findings_of:
            lines = found.lines
            if paid.lines and found.lines:
                lines = tuple(sorted(set(found.lines) & set(paid.lines)))
            weighed = found.code in context.dossier.codes and found.scope is None
            if weighed or (found.lines and paid.lines and not lines):  # an order binds whoever released it
                continue
            found.lines = lines or paid.lines
            found.amount = total(amounts_of(event), found.lines)
            kept.append(found)
    return told


def _answered(
    event: Follower, context: FollowerContext, found: list[Finding], shelf: Shelf
) -> dict[str, Any]:
    scored = score(found, shelf.records.fusion)
    amounts = amounts_of(event)
    case = Case(  # of no kind: whether the claim is known yet must not show
        organism=event.organism,
        arrived=event.arrived,
        amounts=amounts,
        score=scored.value,
        flow=event.flow,
        calibrated=scored.state == "CALIBRATED",
    )
    decided = decision.decide(case, found, context.thresholds)
    values = {name: getattr(decided, name) for name in decided.__struct_fields__ if name != "good_cause"}
    values["reasons"] = tuple(map(reason, found))
    values["lines"] = _lines(decided.scope, decided.lines, amounts, context.dossier)
    if isinstance(event, Payment):
        _gated(values, event, context, amounts)
    features = features_of(event) | {
        "case": decision.to_record(case),
        "findings": [findings.to_record(one) for one in found],
        "terms": [{"code": term.code, "value": term.value, "start": term.start} for term in scored.terms],
    }
    schemes = [one.scheme for one in found if one.scheme]
    if schemes:
        features["scheme"] = schemes[0]
    return values | {
        "score": scored.value,
        "score_state": scored.state,
        "terms": tuple(Term(code=term.code, value=term.value, weight=term.weight) for term in scored.terms),
        "features": features,
    }


def _gated(values: dict[str, Any], event: Payment, context: FollowerContext, amounts: dict[int, int]) -> None:
    """Join what the gate keeps back with what the detectors hold."""
    paid = Paid.of(event)
    named = [line.liquidation_event_id for line in event.lines or () if line.liquidation_event_id is not None]
    strict = context.value("Y01", "needs_liquidation") > 0
    blocked = gate.examine(paid, named, context.dossier, needs_liquidation=strict)
    if not blocked:
        return
    held = values["decision"] == "HOLD"
    lines: set[int] | None = set()
    if held:
        lines = set(values["lines"]) if values["scope"] == "LINES" else None
    for one in blocked:
        lines = None if lines is None or one.lines is None else lines | one.lines
    purposes = [one.purpose for one in blocked] + ([values["purpose"]] if held else [])
    ends = [one.expires_at for one in blocked if one.expires_at is not None]
    ends += [values["expires_at"]] if held and values["expires_at"] is not None else []
    told = tuple({one.why.facts_en: one.why for one in blocked}.values())
    if not held:
        for name in ("control_level", "valid_until", "legal_basis"):
            values[name] = None
        values["suggested_control"] = ()
    named_lines = _named(lines, context.dossier)
    values |= {
        "decision": "HOLD",
        "scope": "CLAIM" if lines is None else "LINES",
        "lines": named_lines,
        "purpose": min(purposes, key=gate.GRAVITY.index),
        "reasons": told + values["reasons"],
        "amount_at_risk": total(amounts, () if lines is None else named_lines),
        "expires_at": max(ends, default=None),
        "on_expiry": "ESCALATE",
    }


def _named(lines: set[int] | None, dossier: Dossier) -> tuple[int, ...]:
    """The lines that are held; where it is the whole claim, all that are known of it."""
    if lines is not None:
        return tuple(sorted(lines))
    return () if dossier.filed is None else tuple(sorted(line.line for line in dossier.filed.lines))


def _lines(
    scope: str | None, lines: tuple[int, ...], amounts: dict[int, int], dossier: Dossier
) -> tuple[int, ...]:
    if scope is None:
        return ()
    if WHOLE in amounts:
        return _named(None, dossier)
    return lines


def _unsaid(checks: list[CannotCheck]) -> tuple[CannotCheckItem, ...]:
    """What could not be checked, but for rows that are asked again when the rest of the claim comes: what they lack is
    counted, and in a record it would tell the order of arrival alone."""
    checks = [check for check in checks if check.code not in LATER]
    return tuple(CannotCheckItem(code=check.code, missing=check.missing) for check in dict.fromkeys(checks))
