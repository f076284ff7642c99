"""The record of one event: what was decided, why, and everything needed to decide it again.

A claim is decided by `detectors.decision` from its findings and score. A liquidation is answered and noted;
a payment is released when every line that it pays is releasable.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import msgspec

from detectors import decision, findings
from detectors.base import CannotCheck
from detectors.decision import Case
from detectors.models import flag_from
from detectors.plan import essential, sole_provider
from detectors.reasons import reason
from detectors.referentials import Referentials
from schemas import invalid, warnings
from schemas.claim import Claim
from schemas.envelope import Envelope
from schemas.invalid import Invalid
from schemas.liquidation import Liquidation
from schemas.outputs import CannotCheckItem, Compared, InputPosition, Screened, ScreenedLine, Term, encode
from schemas.payment import Payment
from streams import following, settling, signals
from streams.follower_record import compared_of
from streams.items import Item, Shelf
from streams.outputs import decode

Common = dict[str, Any]
NO_RULES, NOT_KNOWN = "none", -1
"""Rule set and offset of an answer to what was only observed."""


def claim(item: Item, shelf: Shelf, now: dt.datetime, *, observe_only: bool) -> None:
    """Decide a claim."""
    event = item.event
    assert isinstance(event, Claim)
    referentials = shelf.referentials
    if observe_only:
        item.record = _unexamined(item, event, shelf, now)
        return
    thresholds = referentials.thresholds(event.deposit_date)
    case = _case(item, event, shelf)
    decided = decision.decide(case, item.findings, thresholds)
    features = _features(item, event, case, decided, shelf)
    terms = item.score.terms if item.score else ()
    item.record = Screened(
        **_common(item, event, shelf, now),
        decision=decided.decision,
        scope=decided.scope,
        lines=decided.lines,
        purpose=decided.purpose,
        control_level=decided.control_level,
        suggested_control=decided.suggested_control,
        documents_requested=decided.documents_requested,
        valid_until=decided.valid_until,
        expires_at=decided.expires_at,
        on_expiry=decided.on_expiry,
        legal_basis=decided.legal_basis,
        amount_at_risk=decided.amount_at_risk,
        expected_loss=decided.expected_loss,
        priority=signals.raised(decided.priority, features),
        reasons=tuple(map(reason, item.findings)),
        shadow=tuple(map(reason, item.shadow)),
        cannot_check=tuple(map(_unchecked, dict.fromkeys(item.cannot_check))) if item.cannot_check else (),
        screened=Compared(lines=tuple([ScreenedLine(line=line.line) for line in event.lines])),
        score=case.score,
        score_state=item.score.state if item.score else "UNCALIBRATED",
        terms=tuple([Term(code=term.code, value=term.value, weight=term.weight) for term in terms]),
        models=item.evidence.models if item.evidence else {},
        mode="enforce",
        features=features,
    )


@lru_cache(maxsize=1024)
def _unchecked(check: CannotCheck) -> CannotCheckItem:
    return CannotCheckItem(code=check.code, missing=check.missing)


def follower(
    item: Item, event: Liquidation | Payment, shelf: Shelf, now: dt.datetime, *, observe_only: bool
) -> None:
    """Answer what follows a claim: a liquidation, or a payment at the gate, which is open in history."""
    state = shelf.claim(event.claim_id, following.claim_fields(item))
    said = settling.noted(event) if observe_only else settling.answer(item, event, shelf, state)
    item.record = Screened(
        **_common(item, event, shelf, now),
        **said,
        screened=compared_of(event),
        mode="enforce",
    )


def cannot_screen(item: Item, shelf: Shelf, now: dt.datetime) -> None:
    """Answer a message that could not be read but whose ids could: nobody waits for ever."""
    said = item.invalid
    if said is None or not answerable(said):
        return
    assert said.event_id is not None
    assert said.claim_id is not None
    assert said.type is not None
    item.record = Screened(
        verdict_id=verdict_id(said.event_id, 1),
        event_id=said.event_id,
        claim_id=said.claim_id,
        type=said.type,
        decision="CANNOT_SCREEN",
        issued_at=now,
        ruleset=_ruleset(shelf.referentials),
        beneficiary=said.beneficiary,
        cannot_check=(
            CannotCheckItem(
                code="FORM", missing=f"{said.reason}: {said.field}" if said.field else said.reason
            ),
        ),
        score=None,
        input=_position(item),
    )


def answerable(said: Invalid | None) -> bool:
    """Whether somebody waits for an answer to this unreadable message, and can be told by its ids."""
    return bool(
        said is not None
        and said.event_id
        and said.claim_id
        and said.type in ("claim", "liquidation", "payment")
    )


def reused(item: Item) -> Invalid:
    """Why an event whose id stands for another content is a dead letter: it must not inherit that one's
    release.
    """
    event = item.event
    if event is None and item.invalid is not None:
        return item.invalid  # its form is wrong besides, which is what has to be mended
    return Invalid(
        invalid.REUSED_EVENT_ID,
        "event_id",
        event.event_id if event is not None else None,
        "an id that no other event bears",
        event_id=event.event_id if event is not None else None,
        claim_id=item.claim_id or None,
    )


def foreign(item: Item) -> Invalid:
    """Why an event that names another person's to correct or cancel is a dead letter: nobody's care may be taken out
    through somebody else's file.
    """
    event = item.event
    assert isinstance(event, Claim | Liquidation)
    field, value = ("replaces", event.replaces) if isinstance(event, Claim) else ("cancels", event.cancels)
    return Invalid(
        invalid.OTHER_PERSON,
        field,
        value,
        "an event of the same beneficiary",
        event_id=event.event_id,
        claim_id=event.claim_id,
        beneficiary=event.beneficiary,
        type=event.type,
    )


def forgotten(item: Item) -> Invalid:
    """Why an event that was applied long ago, and whose answer nobody keeps any more, is a dead letter when it is read
    again: another answer could contradict the first, and none at all would be lost in silence.
    """
    return Invalid(
        invalid.FORGOTTEN,
        "event_id",
        item.event_id,
        "a correction that replaces it, where it was never answered",
        event_id=item.event_id,
        claim_id=item.claim_id,
        beneficiary=item.beneficiary,
    )


def restore(item: Item, shelf: Shelf) -> None:
    """Take up the verdict that stands for this message. One that was only observed is told as that, always
    alike.
    """
    if item.standing:
        item.record, item.blob = decode(item.standing), item.standing
        item.revision = int(item.record.verdict_id.rpartition("-")[2])
        item.before = item.record.features.get("before")
    elif item.standing is not None and item.again and isinstance(item.event, Claim | Liquidation | Payment):
        observed = _unexamined(item, item.event, shelf, item.event.event_time)
        # Only what every resubmission says alike: no rule was asked, and where it stood first is not remembered.
        place = msgspec.structs.replace(observed.input, offset=NOT_KNOWN)
        item.record = msgspec.structs.replace(observed, ruleset=NO_RULES, referentials={}, input=place)
        item.blob = encode(item.record)


def _unexamined(item: Item, event: Claim | Liquidation | Payment, shelf: Shelf, now: dt.datetime) -> Screened:
    """The answer to an event of the history: nothing was decided about it."""
    features = {"action": event.action} if isinstance(event, Claim) else {}
    return Screened(**_common(item, event, shelf, now), decision="RELEASE", score=None, features=features)


def verdict_id(event_id: str, revision: int) -> str:
    """The verdict's id: a replay gives the same."""
    return f"V-{event_id}-{revision}"


def _common(item: Item, event: Claim | Liquidation | Payment, shelf: Shelf, now: dt.datetime) -> Common:
    return {
        "verdict_id": verdict_id(event.event_id, 1),
        "event_id": event.event_id,
        "claim_id": event.claim_id,
        "type": event.type,
        "event_time": event.event_time,
        "organism": event.organism,
        "mutuelle": event.mutuelle,
        "agency": event.agency,
        "region": event.region,
        "flow": event.flow,
        "beneficiary": event.beneficiary,
        "issued_at": now,
        "ruleset": _ruleset(shelf.referentials, event),
        "referentials": shelf.referentials.editions,
        "input": _position(item),
    }


def _case(item: Item, event: Claim, shelf: Shelf) -> Case:
    referentials = shelf.referentials
    deadline = referentials.deadline(event.organism, event.flow, event.deposit_date)
    return Case(
        organism=event.organism,
        arrived=event.arrived,
        amounts={line.line: line.amount for line in event.lines},
        score=item.score.value if item.score else 0.0,
        kind=event.kind,
        flow=event.flow,
        deposit=event.deposit_date,
        calibrated=bool(item.score and item.score.state == "CALIBRATED"),
        essential=essential(event, referentials, item.seen.beneficiary),
        sole_provider=sole_provider(event, referentials),
        days_to_pay=deadline.days_to_pay if deadline else None,
        flagged=flag_from(shelf.records.quantile),
    )


def _features(item: Item, event: Claim, case: Case, decided: decision.Decision, shelf: Shelf) -> Common:
    """What the decision rested on: `decide(case, findings)` gives the verdict again."""
    kept: Common = {
        "case": case,  # written as `decision.to_record` says it
        "findings": [findings.to_record(finding) for finding in item.findings],
        "terms": [{"code": term.code, "value": term.value, "start": term.start} for term in item.score.terms]
        if item.score
        else [],
        "days": [day.isoformat() for day in sorted({line.service_date for line in event.lines})],
    }
    executors: dict[str, list[int]] = {}
    for line in event.lines:
        if line.executor is not None:
            executors.setdefault(line.executor, []).append(line.line)
    kept["executors"] = executors
    if event.action != "SUBMIT":
        kept["action"] = event.action
    if item.shadow_cannot:
        kept["shadow_cannot_check"] = unheard(item)
    if shelf.signals:
        told = signals.live(signals.names(event, shelf.referentials), shelf.signals, event.event_time)
        if told:
            kept["signals"] = told
    said = warnings.of(event)
    if said:
        kept["warnings"] = list(said)
    if decided.good_cause:
        kept["good_cause"] = decided.good_cause
    schemes = [finding for finding in item.findings if finding.scheme]
    if schemes:
        kept["scheme"] = schemes[0].scheme
    return kept


def unheard(item: Item) -> list[list[str]]:
    """What detectors in shadow could not check: [code, what it lacked] each, beside the verdict's own."""
    return [[check.code, check.missing] for check in dict.fromkeys(item.shadow_cannot)]


def _ruleset(referentials: Referentials, event: Envelope | None = None) -> str:
    day = dt.date.max
    if isinstance(event, Claim):
        day = event.deposit_date
    elif event is not None:
        day = referentials.local_date(event.event_time)
    return referentials.thresholds(day).ruleset


def _position(item: Item) -> InputPosition:
    message = item.message
    return InputPosition(topic=message.topic, partition=message.partition, offset=message.offset)
