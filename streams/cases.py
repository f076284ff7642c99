"""Alerts that a fraud team can work from: one case a scheme or an entity, told when it is new and when it has grown.

What an alert says stands in the record it derives from (`features["alert"]`): a replay tells it again word for word.
The part `now` is the state of the linked claims and of earlier reviews at that moment, which the order between topics
decides; all the rest follows from the order within one topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import inf
from typing import Any, Final, NamedTuple

import msgspec

from detectors import casework, findings
from detectors.base import Beside, Finding
from detectors.casework import Kind
from detectors.policy import Thresholds
from detectors.reasons import visibility
from detectors.referentials import Referentials
from schemas.claim import Claim
from schemas.liquidation import Liquidation
from schemas.observation import event_ref
from schemas.outputs import AlertClaim, Screened
from state import Store
from streams import entity_files, linked, outcomes, signals
from streams.entity_files import File
from streams.items import Item, Shelf
from streams.outputs import REVIEW

PURPOSES: Final = ("FRAUD_REVIEW", "MEDICAL_REVIEW", "INTERNAL_AUDIT")
GROUP_HOLD: Final = "GROUP_HOLD"
AUDIT: Final = "audit:"
DAILY: Final = frozenset(("U03",))
"""Rows whose scheme is one day: the days of one entity are one scheme here."""
GRAVITY: Final = ("ADM", "TAR", "MED", "PRE", "INT")


class Cause(NamedTuple):
    """Why a record asks for an alert. `left`: its money has left already."""

    lead: Finding
    found: list[Finding]
    held: bool
    left: bool
    kind: Kind
    entity: str
    key: str | None  # of the entity's file; None: the claim is a case by itself


def note(item: Item, shelf: Shelf, store: Store) -> None:
    """Put the alert that an answer deserves into its record, and count it in its case.

    Of what was answered before a crash nothing is told anew, but Redis may have lost since what it added to its case.
    """
    record = item.record
    if record is None or item.again:
        return
    answered = item.standing is not None
    if answered and record.features.get("alert"):
        _remember(record, shelf, store)
        return
    cause = _cause(item, record)
    if cause is None or (answered and cause.key is None):
        return
    thresholds = shelf.referentials.thresholds(shelf.referentials.local_date(record.at))
    file: File | None = None
    if cause.key is not None:
        file, news = _joined(cause, record, shelf, store, thresholds)
        if answered or not _worth_telling(cause, file, news, thresholds):
            shelf.files[cause.key] = file
            return
        file = shelf.files[cause.key] = file.telling(news)
    record.features["alert"] = _alert(item, record, cause, file, shelf, store, thresholds)


def _cause(item: Item, record: Screened) -> Cause | None:
    """Whether a record asks for an alert: money is stopped, or has left past a control, or a habit shows."""
    if record.purpose not in PURPOSES or (record.cause or "").startswith((REVIEW, GROUP_HOLD)):
        return None  # nothing is suspected, a person knows of it, or the family's case says it
    internal = record.purpose == "INTERNAL_AUDIT"
    kept = findings.kept(record.features)
    found = [one for one in kept if internal or visibility(one) != "AUDIT_ONLY"]
    if record.type != "claim":
        found = [one for one in found if one.nature in ("MED", "PRE", "INT")]
    if not found:
        return None  # what holds it is another event's, and was told with that one
    left = internal and record.features.get("status") == "PAID"
    held = record.decision == "HOLD"
    if not held and not left:
        found = casework.habits(found)
        if record.type != "claim" or not found:
            return None
    schemes = [one for one in found if one.scheme is not None]
    lead = max(schemes or found, key=_gravity)
    liquidator = item.event.liquidator if isinstance(item.event, Liquidation) else None
    who = casework.subject(lead, record.features.get("executors", {}), record.beneficiary or "", liquidator)
    kind, ident = who or ("claim", record.beneficiary or "")
    entity = f"{'beneficiary' if kind == 'claim' else kind}:{ident}"
    key = entity if who else lead.scheme
    if key is not None and internal:
        key = AUDIT + key
    return Cause(lead, found, held, left, kind, entity, key)


def _gravity(found: Finding) -> tuple[int, bool, bool, int]:
    """What leads: the graver nature, what holds by itself, what a rule names, the larger amount."""
    return GRAVITY.index(found.nature), found.cls == "H", not found.model, found.amount


def _joined(
    cause: Cause, record: Screened, shelf: Shelf, store: Store, thresholds: Thresholds
) -> tuple[File, dict[str, str]]:
    """The case's file with this claim in it, and what it brings to light of schemes."""
    assert cause.key is not None
    at = record.at.timestamp()
    file = shelf.files.get(cause.key)
    blob = None if file is None else entity_files.packed(file)
    if blob is None:
        (blob,) = store.models([entity_files.name(cause.key)])
    quiet = thresholds.policy("alert_days") * 86_400
    opened = entity_files.opened(blob, at, quiet)
    known = max((one.n or 0 for one in cause.found if one.scheme is not None), default=0)
    levels = entity_files.levels(
        (one.code if one.code in DAILY else one.scheme, one.group_hold and not one.review)
        for one in cause.found
        if one.scheme is not None
    )
    file = opened.joined(record.claim_id, event_ref(record.event_id), at, known)
    return file, file.raised(levels)


def _worth_telling(cause: Cause, file: File, news: dict[str, str], thresholds: Thresholds) -> bool:
    """News of a scheme; a first hold; a habit that came back; afterwards four times as many claims."""
    if news:
        return True
    enough = cause.held or cause.left or file.told or file.count >= thresholds.policy("alert_claims")
    return bool(enough) and file.grown


def _remember(record: Screened, shelf: Shelf, store: Store) -> None:
    """An alert that was told before a crash: Redis may have lost its case since."""
    told = record.features["alert"]
    key = told.get("key")
    if key is None:
        return
    if key not in shelf.files:
        (blob,) = store.models([entity_files.name(key)])
        first = float(told["first"])
        shelf.files[key] = entity_files.opened(blob, first, inf)
    file = shelf.files[key]
    if file.revision < told["revision"] and file.round <= told["round"]:
        at = record.at.timestamp()
        file = file.joined(record.claim_id, event_ref(record.event_id), at, told["count"])
        shelf.files[key] = msgspec.structs.replace(
            file,
            told=told["count"],
            revision=told["revision"],
            round=told["round"],
            schemes={**file.schemes, **told["schemes"]},
        )


def _alert(
    item: Item,
    record: Screened,
    cause: Cause,
    file: File | None,
    shelf: Shelf,
    store: Store,
    thresholds: Thresholds,
) -> dict[str, Any]:
    """What the alert says beside what stands in the record anyway."""
    codes = [one.code for one in sorted(cause.found, key=lambda one: one is not cause.lead)]
    subject = cause.key or (AUDIT if record.purpose == "INTERNAL_AUDIT" else "") + record.claim_id
    number = 0 if file is None else file.round
    minutes, speciality = _work(item, record, cause, codes, shelf.referentials, thresholds)
    peers = cause.lead.peers or _activity(item, cause)
    at = record.at.timestamp()
    said: dict[str, Any] = {
        "case": case_id(subject if not number else f"{subject}#{number}"),
        "entity": cause.entity,
        "kind": cause.lead.code,
        "codes": list(dict.fromkeys(codes)),
        "key": cause.key,
        "round": number,
        "revision": 1 if file is None else file.revision,
        "count": 1 if file is None else file.count,
        "first": at if file is None else file.first,
        "schemes": {} if file is None else file.schemes,
        "routes": list(casework.routes(cause.lead.nature, cause.kind)),
        "minutes": minutes,
        "left": cause.left,
        "now": _now(record, cause, file, minutes, shelf, store, thresholds),
    }
    if speciality is not None:
        said["speciality"] = speciality
    if peers is not None:
        said["peers"] = peers._asdict()
    return said


def _now(
    record: Screened,
    cause: Cause,
    file: File | None,
    minutes: float,
    shelf: Shelf,
    store: Store,
    thresholds: Thresholds,
) -> dict[str, Any]:
    """The linked claims as they stand, what of them can be stopped still, and what earlier reviews found."""
    wanted = [outcomes.name(cause.entity), outcomes.of_code(cause.lead.code)]
    history, code = map(outcomes.known, store.models(wanted))
    mine = linked.own(record, left=cause.left)
    claims = [mine, *_linked(record, cause, file, shelf, store)]
    stoppable = sum(one.stoppable or 0 for one in claims)
    at_risk = sum(one.amount or 0 for one in claims)
    before, after = thresholds.policy("recovered_before"), thresholds.policy("recovered_after")
    loss = (record.score or 0.0) * (stoppable * before + (at_risk - stoppable) * after)
    return {
        "claims": [msgspec.to_builtins(one) for one in claims],
        "amount_at_risk": at_risk,
        "amount_stoppable": stoppable,
        "priority": signals.raised(round(loss / 100 / minutes, 4), record.features),
        "history": history.counts,
        "precision": code.precision,
    }


def _linked(
    record: Screened, cause: Cause, file: File | None, shelf: Shelf, store: Store
) -> list[AlertClaim]:
    """The case's other claims: those of its scheme, then those that its file names."""
    if file is None:
        return []
    wanted = [pair for one in cause.found if one.scheme is not None for pair in one.evidence]
    entity = cause.entity.partition(":")[2]
    wanted += [(entity, event) for _, event in reversed(file.links)]
    return linked.claims(wanted, record.claim_id, entity_files.LINKS, shelf, store)


def _work(
    item: Item,
    record: Screened,
    cause: Cause,
    codes: Sequence[str],
    referentials: Referentials,
    thresholds: Thresholds,
) -> tuple[float, str | None]:
    """(minutes, speciality of the doctor needed or None), by the payer's capacity where it says."""
    speciality = None
    if casework.doctor(codes):
        executors = record.features.get("executors", {})
        concerned = set(cause.lead.lines)
        inpes = [inpe for inpe, lines in sorted(executors.items()) if not concerned or concerned & set(lines)]
        if cause.kind == "provider":
            inpes.insert(0, cause.entity.partition(":")[2])
        entries = [entry for inpe in inpes if (entry := referentials.provider(inpe)) is not None]
        speciality = next((entry.specialty for entry in entries if entry.specialty is not None), None)
    day = referentials.local_date(record.at)
    rows = referentials.capacity(record.control_level or "LOCAL", day)
    fitting = [row for row in rows if row.speciality == speciality] or [
        row for row in rows if row.speciality is None
    ]
    said = next((row.minutes_per_review for row in fitting if row.minutes_per_review), None)
    usual = thresholds.policy("review_minutes", record.flow, record.organism)
    return float(said or usual), speciality


def _activity(item: Item, cause: Cause) -> Beside | None:
    """The ratio by which the entity stands out most among its peers, where it is a provider with enough of them."""
    if item.evidence is None or cause.kind != "provider" or not isinstance(item.event, Claim):
        return None
    figures = item.evidence.activity_of.get(cause.entity.partition(":")[2], ())
    worst = max(figures, key=lambda one: one.z, default=None)
    return None if worst is None else worst.beside


def case_id(subject: str) -> str:
    """The name of a case: the same for all alerts on one subject."""
    return f"C-{blake2b(subject.encode(), digest_size=8).hexdigest()}"
