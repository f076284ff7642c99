"""Answering an open event again: a new revision, with its cause, decided from what the stored verdict kept.

One live verdict an event: a revision supersedes the one before, and one that would say the same is not
written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec
import orjson

from detectors import decision, findings
from detectors.base import Finding
from detectors.models import score
from detectors.reasons import reason
from schemas.control import Rescreen
from schemas.outputs import Reason, Screened, Term
from schemas.registries import Beneficiary
from state import Store, codecs
from state.formats import version_of
from streams import persons, registry_changes, settling, signals, waiting
from streams.claim_state import ClaimState
from streams.control import rescreen
from streams.items import Item, Shelf
from streams.outputs import CONFIRMING, REVIEW, decode

REPLACED = "REPLACED"
BY_PEOPLE = (REVIEW, REPLACED)
"""How causes begin whose answer no rule gives."""
CLEARED = ("LEGITIMATE", "APPEAL_UPHELD")
NARROWED = ("CONFIRMED_FRAUD", "ABUSE", "ERROR")
"""Outcomes that may name the lines they apply to: the others are legitimate. The remaining ones change no
hold.
"""
BLANK: dict[str, Any] = {
    "scope": None,
    "lines": (),
    "purpose": None,
    "control_level": None,
    "suggested_control": (),
    "documents_requested": (),
    "legal_basis": None,
    "expires_at": None,
    "on_expiry": None,
    "amount_at_risk": 0,
    "expected_loss": 0.0,
    "priority": 0.0,
}
"""What a hold had and a release has not."""
OBJECTS = range(ord("{"), ord("{") + 1)
"""What open events begin with, in version 1: they are JSON objects."""


def person_changed(item: Item, event: Beneficiary, shelf: Shelf, store: Store) -> None:
    """A registry entry came: what waits for it, and open claims that it may say otherwise about, are answered again."""
    reads = item.answer.home_reads if item.answer else []
    stored = next((read for read in reads if isinstance(read, dict)), {})
    for value in stored.values():
        version_of("open", value, OBJECTS)
    waiting = {event_id.decode(): orjson.loads(value) for event_id, value in stored.items()}
    for event_id, record in shelf.open.get(event.beneficiary, {}).items():  # earlier in this batch
        waiting.pop(event_id, None)
        if record is not None:
            waiting[event_id] = open_event(record)
    asked = {
        event_id: (cause, kept["claim_id"])
        for event_id, kept in waiting.items()
        if (cause := registry_changes.cause_of(kept["codes"])) is not None
    }
    rows = (
        item.answer.home[-1] if item.question.history and item.answer and len(item.answer.home) > 1 else None
    )
    causes = registry_changes.in_question(event, codecs.unpack_log(rows)) if rows else {}
    pairs = [(event.beneficiary, reference) for reference in causes]
    for cause, identity in zip(causes.values(), store.identify(pairs) if pairs else (), strict=True):
        if identity is not None:
            asked.setdefault(identity.event_id, (cause, identity.claim_id))
    for event_id, (cause, claim_id) in sorted(asked.items()):
        item.follow_ups.append(
            rescreen(
                event_id,
                cause,
                event.beneficiary,
                claim_id,
                organism=event.organism,
                at=event.event_time.isoformat(),
            )
        )


def open_event(record: Screened) -> dict[str, Any]:
    """What is kept of a held claim or payment, to find what waits for a change."""
    return {"claim_id": record.claim_id, "codes": sorted({one.code for one in record.reasons})}


def answer(item: Item, event: Rescreen, shelf: Shelf, now: dt.datetime) -> None:
    """Give the event's next revision, where its cause changes anything."""
    reads = item.answer.home_reads if item.answer else []
    record = shelf.answered.get(event.event_id)
    if record is None and reads and isinstance(reads[0], list) and reads[0][1]:
        record = decode(reads[0][1])
    if record is None:
        return  # the event's verdict has expired, or it never had one
    state = shelf.claim(record.claim_id, reads[1] if len(reads) > 1 and isinstance(reads[1], dict) else {})
    registry = reads[2] if len(reads) > 2 and isinstance(reads[2], bytes) else None
    changed = _changed(record, event, state, codecs.registry_value(registry), shelf)
    if changed is None or _same(record, changed):
        return
    item.revision = int(record.verdict_id.rpartition("-")[2]) + 1
    item.before = record.decision
    values = {
        "verdict_id": f"V-{record.event_id}-{item.revision}",
        "supersedes": record.verdict_id,
        "cause": event.cause,
        "issued_at": now,
        "input": msgspec.structs.replace(
            record.input,
            topic=item.message.topic,
            partition=item.message.partition,
            offset=item.message.offset,
        ),
    }
    if record.type == "payment" or not event.cause.startswith(BY_PEOPLE):  # by the rules and tables of now
        values |= {"ruleset": _ruleset(record, shelf), "referentials": shelf.referentials.editions}
    features = {**changed.get("features", record.features), "before": record.decision}
    features.pop("alert", None)  # was told with the revision before
    item.record = msgspec.structs.replace(record, **{**changed, **values, "features": features})


def _ruleset(record: Screened, shelf: Shelf) -> str:
    """What decides about the event of a record now: for a claim by its deposit, else by the day of the event."""
    referentials, case = shelf.referentials, record.features.get("case")
    if record.type == "claim":
        day = decision.from_record(case).deposit if case else None
    else:
        day = referentials.local_date(record.at)
    return referentials.thresholds(day or dt.date.max).ruleset


def _changed(
    record: Screened, event: Rescreen, state: ClaimState, registry: bytes | None, shelf: Shelf
) -> dict[str, Any] | None:
    """What the cause changes in the record; None where it changes nothing."""
    if record.type == "payment":
        return _payment(record, event, state, registry, shelf)
    if event.cause == REPLACED:
        return _ended(record, "RELEASE", event, shelf)
    if event.cause.startswith(REVIEW):
        return _reviewed(record, event, shelf)
    known = state.answers.get(record.event_id)
    if (known is not None and known.replaced) or (record.cause or "").startswith(REVIEW):
        return None  # nothing is asked for it any more, or a person has decided: no rule reopens that
    if event.cause == "GROUP_HOLD" and event.finding is not None:
        return _joined(record, findings.from_record(event.finding), state, shelf)
    if event.cause in registry_changes.CAUSES and record.type == "claim":
        filed = state.filed.get(record.event_id)
        if filed is None:  # a request without lines, or a claim of an earlier release
            return _put_right(record, registry, shelf)
        found = registry_changes.rechecked(record, filed, registry, shelf, paid=state.paid())
        return None if found is None else _redecided(record, found, shelf, event.event_time)
    if event.cause == waiting.REFERENTIAL_CHANGED and record.type == "claim":
        return _of_tables(record, state, registry, shelf)
    if record.type == "liquidation":
        return settling.again(record, state, registry, shelf)
    return None


def _of_tables(
    record: Screened, state: ClaimState, registry: bytes | None, shelf: Shelf
) -> dict[str, Any] | None:
    """The claim with what registries, orders and tables say now; one that is paid stays as it is."""
    filed = state.filed.get(record.event_id)
    if state.paid():
        return None
    fresh = registry_changes.looked_again(record, filed, registry, shelf, waiting.DETECTORS)
    if fresh is None:
        return None
    fresh += [
        one
        for one in findings.kept(record.features)
        if one.code in waiting.CODES and waiting.silent(one, record.beneficiary, shelf.referentials)
    ]
    found = registry_changes.replaced(record, fresh, waiting.CODES)
    return None if found is None else _redecided(record, found, shelf)


def _payment(
    record: Screened, event: Rescreen, state: ClaimState, registry: bytes | None, shelf: Shelf
) -> dict[str, Any] | None:
    """A payment's answer is always that of its claim's state; a review ends what was found in the payment itself."""
    if event.cause.startswith(REVIEW):
        if event.cause.removeprefix(REVIEW) not in (*CLEARED, "INSUFFICIENT"):
            return None
        record = msgspec.structs.replace(record, features={**record.features, "reviewed": True})
    return settling.again(record, state, registry, shelf)


def _ended(record: Screened, outcome: str, event: Rescreen, shelf: Shelf) -> dict[str, Any] | None:
    """The end of a hold. A flagged release keeps what a control after payment needs to know."""
    if record.decision != "HOLD":
        return None
    case = decision.from_record(record.features["case"])
    thresholds = shelf.referentials.thresholds(case.deposit or dt.date.max)
    days = thresholds.policy("valid_release", case.flow, case.organism)
    valid = {"decision": outcome, "valid_until": event.event_time + dt.timedelta(days=days)}
    if outcome == "RELEASE":
        return {**BLANK, **valid}
    gone = ("scope", "lines", "documents_requested", "legal_basis", "expires_at", "on_expiry")
    return {**{name: BLANK[name] for name in gone}, **valid}


def _reviewed(record: Screened, event: Rescreen, shelf: Shelf) -> dict[str, Any] | None:
    """What a person found out of a hold: it ends, or stays on the lines concerned until a person ends it."""
    outcome = event.cause.removeprefix(REVIEW)
    asked = event.finding or {}
    later = asked.get("verdict_id") not in (None, record.verdict_id)
    if later and not outcome.startswith("APPEAL") and not (record.cause or "").startswith(REVIEW):
        return None  # the hold rests on something else by now, which the reviewer has not seen
    if outcome in CLEARED:
        return _ended(record, "RELEASE", event, shelf)
    if outcome == "INSUFFICIENT":
        return _ended(record, "RELEASE_FLAGGED", event, shelf)
    if record.decision != "HOLD" or outcome not in NARROWED:
        return None
    named = set(asked.get("lines") or ())
    lines = tuple(line for line in record.lines if not named or line in named)
    if not lines and record.lines:
        return _ended(record, "RELEASE", event, shelf)
    changed: dict[str, Any] = {"decision": "HOLD"}
    if lines != record.lines:
        amounts = decision.from_record(record.features["case"]).amounts
        amount = sum(amounts.get(line, 0) for line in lines)
        changed |= {"scope": "LINES", "lines": lines, "amount_at_risk": amount}
    if event.cause in CONFIRMING:
        changed |= {"on_expiry": "ESCALATE", "cause": event.cause}
    return changed


def _joined(record: Screened, found: Finding, state: ClaimState, shelf: Shelf) -> dict[str, Any] | None:
    """The claim turns out to be of a family that is held: unless its money has left."""
    kept = findings.kept(record.features)
    mine = next((one for one in kept if one.code == found.code and one.scheme == found.scheme), None)
    executors = record.features.get("executors", {})
    found.lines = mine.lines if mine else tuple(executors.get(found.facts.get("inpe"), ()))
    amounts = decision.from_record(record.features["case"]).amounts
    found.amount = sum(amounts.get(line, 0) for line in found.lines or amounts)
    found.facts = {**found.facts, "amount": found.amount, "lines": len(found.lines or amounts)}
    found.review = state.paid()
    others = [one for one in kept if one is not mine]
    changed = _redecided(record, [*others, found], shelf)
    changed["features"].setdefault("scheme", found.scheme)
    return changed


def _put_right(record: Screened, registry: bytes | None, shelf: Shelf) -> dict[str, Any] | None:
    """Rights that are open now at every date of care: the finding goes, and what is left decides."""
    if registry is None:
        return None
    rights = persons.read(registry).rights
    days = [dt.date.fromisoformat(day) for day in record.features.get("days", ())]
    if rights is None or not all(
        any(right.covers(day) and right.status in ("OPEN", "MAINTAINED") for right in rights) for day in days
    ):
        return None
    kept = findings.kept(record.features)
    left = [one for one in kept if one.code != "E01"]
    return None if len(left) == len(kept) else _redecided(record, left, shelf)


def _redecided(
    record: Screened, left: list[Finding], shelf: Shelf, begins: dt.datetime | None = None
) -> dict[str, Any]:
    """Decide again, with the weights in force now and everything else as it was.

    `begins`: from when on the time of a hold counts that the record had not.
    """
    scored = score(left, shelf.records.fusion)
    case = msgspec.structs.replace(decision.from_record(record.features["case"]), score=scored.value)
    if begins is not None and record.decision != "HOLD":
        case = msgspec.structs.replace(case, arrived=max(case.arrived, begins))
    decided = decision.decide(case, left, shelf.referentials.thresholds(case.deposit or dt.date.max))
    features = {
        **record.features,
        "case": decision.to_record(case),
        "findings": [findings.to_record(one) for one in left],
        "terms": [{"code": term.code, "value": term.value, "start": term.start} for term in scored.terms],
    }
    if decided.good_cause:
        features["good_cause"] = decided.good_cause
    values = {name: getattr(decided, name) for name in decided.__struct_fields__ if name != "good_cause"}
    values["priority"] = signals.raised(decided.priority, features)
    terms = tuple(Term(code=term.code, value=term.value, weight=term.weight) for term in scored.terms)
    return {
        **values,
        "reasons": tuple(reason(one) for one in left),
        "score": scored.value,
        "terms": terms,
        "features": features,
    }


def _same(record: Screened, changed: dict[str, Any]) -> bool:
    return all(
        getattr(record, name) == changed[name]
        for name in ("decision", "scope", "lines", "purpose", "on_expiry", "cause")
        if name in changed
    ) and (record.type == "claim" or _told(record.reasons) == _told(changed.get("reasons", record.reasons)))


def _told(reasons: Iterable[Reason]) -> set[str]:
    """By their codes: for which of its parts an order waits is no news while it waits."""
    return {one.code for one in reasons}
