"""Answering an open event again: a new revision, with its cause, decided from what the stored verdict kept.

One live verdict an event: a revision supersedes the one before, and one that would say the same is not written.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import orjson

from detectors import decision, findings
from detectors.base import Finding
from detectors.models import score
from detectors.reasons import reason
from schemas.control import Rescreen
from schemas.outputs import Screened, Term
from schemas.registries import Beneficiary
from state import codecs
from streams import gate
from streams.claim_state import ClaimState
from streams.control import rescreen
from streams.items import Item, Shelf
from streams.outputs import decode

RELEASING = {
    "REVIEW:LEGITIMATE": "RELEASE",
    "REVIEW:APPEAL_UPHELD": "RELEASE",
    "REVIEW:INSUFFICIENT": "RELEASE_FLAGGED",
    "REPLACED": "RELEASE",
}
_beneficiary = msgspec.msgpack.Decoder(Beneficiary)


def rights_changed(item: Item, event: Beneficiary) -> None:
    """A registry entry came: what waits for this person's rights is answered again."""
    opened = next(
        (read for read in (item.answer.home_reads if item.answer else []) if isinstance(read, dict)), {}
    )
    for event_id, value in sorted(opened.items()):
        waiting = orjson.loads(value)
        if "E01" in waiting["codes"]:
            item.follow_ups.append(
                rescreen(
                    event_id.decode(),
                    "RIGHTS_CHANGED",
                    event.beneficiary,
                    waiting["claim_id"],
                    organism=event.organism,
                    at=event.event_time.isoformat(),
                )
            )


def answer(item: Item, event: Rescreen, shelf: Shelf, now: dt.datetime) -> None:
    """Give the event's next revision, where its cause changes anything."""
    reads = item.answer.home_reads if item.answer else []
    record = shelf.answered.get(event.event_id)
    if record is None and reads and isinstance(reads[0], list) and reads[0][1]:
        record = decode(reads[0][1])
    if record is None:
        return  # the event's verdict has expired, or it never had one
    state = shelf.claim(record.claim_id, reads[1] if isinstance(reads[1], dict) else {})
    if record.type == "payment":
        changed = _payment(record, state)
    elif event.cause in RELEASING:
        changed = _released(record, RELEASING[event.cause])
    elif event.cause == "GROUP_HOLD" and event.finding is not None:
        changed = _joined(record, findings.from_record(event.finding), state, shelf)
    elif event.cause == "RIGHTS_CHANGED":
        registry = codecs.registry_value(reads[2] if isinstance(reads[2], bytes) else None)
        changed = _put_right(record, registry, shelf)
    else:
        changed = None
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
    item.record = msgspec.structs.replace(record, **{**changed, **values})


def _payment(record: Screened, state: ClaimState) -> dict[str, Any]:
    features = record.features
    at = record.event_time or record.issued_at
    passed = gate.pass_payment(features["status"], tuple(features["lines"]), at, features["amount"], state)
    blank: dict[str, Any] = {
        "scope": None,
        "lines": (),
        "purpose": None,
        "reasons": (),
        "amount_at_risk": None,
        "expires_at": None,
        "on_expiry": None,
    }
    return {**blank, **passed}


def _released(record: Screened, outcome: str) -> dict[str, Any] | None:
    if record.decision != "HOLD":
        return None
    return {
        "decision": outcome,
        "scope": None,
        "lines": (),
        "purpose": None,
        "expires_at": None,
        "on_expiry": None,
    }


def _joined(record: Screened, found: Finding, state: ClaimState, shelf: Shelf) -> dict[str, Any] | None:
    """The claim turns out to be of a family that is held: unless its money has left."""
    kept = [findings.from_record(one) for one in record.features.get("findings", ())]
    mine = next((one for one in kept if one.code == found.code and one.scheme == found.scheme), None)
    found.lines = mine.lines if mine else ()
    found.review = state.paid()
    others = [one for one in kept if one is not mine]
    return _redecided(record, [*others, found], shelf)


def _put_right(record: Screened, registry: bytes | None, shelf: Shelf) -> dict[str, Any] | None:
    """Rights that are open now at every date of care: the finding goes, and what is left decides."""
    if registry is None:
        return None
    rights = _beneficiary.decode(registry).rights
    days = [dt.date.fromisoformat(day) for day in record.features.get("days", ())]
    if rights is None or not all(
        any(right.covers(day) and right.status in ("OPEN", "MAINTAINED") for right in rights) for day in days
    ):
        return None
    kept = [findings.from_record(one) for one in record.features.get("findings", ())]
    left = [one for one in kept if one.code != "E01"]
    return None if len(left) == len(kept) else _redecided(record, left, shelf)


def _redecided(record: Screened, left: list[Finding], shelf: Shelf) -> dict[str, Any]:
    """Decide again, with the weights in force now and everything else as it was."""
    scored = score(left, shelf.records.fusion)
    case = msgspec.structs.replace(decision.from_record(record.features["case"]), score=scored.value)
    decided = decision.decide(case, left, shelf.referentials.thresholds(case.deposit or dt.date.max))
    features = {
        **record.features,
        "case": decision.to_record(case),
        "findings": [findings.to_record(one) for one in left],
        "terms": [{"code": term.code, "value": term.value, "start": term.start} for term in scored.terms],
    }
    values = {name: getattr(decided, name) for name in decided.__struct_fields__ if name != "good_cause"}
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
        for name in ("decision", "scope", "lines", "purpose")
        if name in changed
    )
