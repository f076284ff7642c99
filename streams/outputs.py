"""What goes out for one recorded verdict. Everything derives from the record, so a replay says the same
again.

The record (`screened`) is the full truth; `verdicts` and `payment-suspensions` are its projections for
readers who may not know why a claim is examined: an internal audit, a fraud review and the reasons of
either look the same to them.
"""

from __future__ import annotations

import datetime as dt
from operator import attrgetter
from typing import Any

import msgspec

from detectors.casework import innocent
from detectors.catalogue import BY_CODE
from detectors.decision import CONTROLS
from detectors.reasons import public_reasons
from schemas.invalid import Invalid
from schemas.outputs import Alert, AlertClaim, Peers, Screened, Suspension, Verdict, encode
from streams.messages import Message, Output

REVIEW = "REVIEW:"
"""How the cause of a revision begins when a person's outcome is behind it."""
CONFIRMING = tuple(REVIEW + outcome for outcome in ("CONFIRMED_FRAUD", "ABUSE"))
_VERDICT_FIELDS = Verdict.__struct_fields__
_verdict_values = attrgetter(*_VERDICT_FIELDS)
_decoder = msgspec.json.Decoder(Screened)

ACTIONS = {
    "COMPLETE_FILE": (
        "Demander les pièces citées ; payer les lignes non retenues.",
        "Ask for the documents named; pay the lines that are not held.",
    ),
    "MEDICAL_REVIEW": (
        "Transmettre au contrôle médical ; payer les lignes non retenues.",
        "Send to medical control; pay the lines that are not held.",
    ),
    "CONTROL": (
        "Contrôle en cours : ne pas ordonnancer les lignes retenues.",
        "Control under way: do not order payment of the lines held.",
    ),
}


def decode(blob: bytes) -> Screened:
    """Read a recorded verdict. Raises msgspec.ValidationError where it is damaged."""
    return _decoder.decode(blob)


def public(record: Screened) -> Verdict:
    """What a liquidator may read of a record."""
    values: dict[str, Any] = dict(zip(_VERDICT_FIELDS, _verdict_values(record), strict=True))
    if record.cause is not None:
        values["cause"] = _told_cause(record.cause)
    if not record.reasons and record.purpose is None and not record.cannot_check:
        return Verdict(**values)
    told = tuple(reason for reason in record.reasons if reason.visibility == "LIQUIDATOR")
    masked = len(told) < len(record.reasons)
    # A release has nothing under way: only what the liquidator may put right is worth saying.
    values["reasons"] = public_reasons(told if record.decision == "RELEASE" else record.reasons)
    if masked:  # what is proposed, and at which level, would tell the reasons that are not his
        proposed = dict.fromkeys(step for reason in told for step in CONTROLS.get(reason.code, ()))
        values.update(control_level=None, suggested_control=tuple(proposed))
    values["cannot_check"] = tuple(item for item in record.cannot_check if not _audit_only(item.code))
    if record.purpose in ("FRAUD_REVIEW", "INTERNAL_AUDIT"):
        values.update(
            purpose="CONTROL", control_level=None, suggested_control=(), legal_basis=None, on_expiry=None
        )
    return Verdict(**values)


def of_record(
    record: Screened, blob: bytes, message: Message, *, again: bool, before: str | None = None
) -> list[Output]:
    """Outputs of one recorded verdict.

    Args:
        blob: the record as recorded, published as it stands.
        again: the event was resubmitted: it is answered again, and nothing else is said twice.
        before: decision of the revision that this one supersedes.
    """
    key = (record.beneficiary or "").encode() or message.key
    verdict = public(record)
    outputs = [
        Output("verdicts", key, encode(verdict), message.partition),
        Output("screened", key, blob, message.partition, position_headers(message)),
    ]
    if again:
        return outputs
    if record.decision == "HOLD" or before == "HOLD":
        outputs.append(
            Output("payment-suspensions", record.claim_id.encode(), encode(suspension(record, verdict)))
        )
    alert = alert_of(record)
    if alert is not None:
        topic = "internal-alerts" if record.purpose == "INTERNAL_AUDIT" else "fraud-alerts"
        outputs.append(Output(topic, alert.entity.encode(), encode(alert)))
    return outputs


def position_headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """Where the answered message stood: by them recovery finds a published answer without its body."""
    return (
        ("topic", message.topic.encode()),
        ("partition", str(message.partition).encode()),
        ("offset", str(message.offset).encode()),
    )


def suspension(record: Screened, verdict: Verdict) -> Suspension:
    """The hold as a liquidation system applies it, or its end where the record no longer holds."""
    held = record.decision == "HOLD"
    purpose = verdict.purpose or "CONTROL"
    french, english = ACTIONS.get(purpose, ACTIONS["CONTROL"])
    if not held:
        french, english = "Suspension levée : reprendre le paiement.", "Suspension lifted: resume payment."
    return Suspension(
        suspension_id=f"S-{record.event_id}",
        verdict_id=record.verdict_id,
        event_id=record.event_id,
        claim_id=record.claim_id,
        beneficiary=record.beneficiary,
        organism=record.organism,
        mutuelle=record.mutuelle,
        agency=record.agency,
        scope=record.scope or "CLAIM",
        lines=record.lines,
        amount=record.amount_at_risk,
        reasons=verdict.reasons,
        purpose=purpose,
        state=("CONFIRMED" if record.cause in CONFIRMING else "HELD") if held else "RELEASED",
        held_at=record.issued_at,
        expires_at=record.expires_at,
        on_expiry=verdict.on_expiry,
        documents_requested=record.documents_requested,
        action_fr=french,
        action_en=english,
        legal_basis=verdict.legal_basis,
        good_cause=record.features.get("good_cause"),
    )


def alert_of(record: Screened) -> Alert | None:
    """The alert that a record tells of, if it does (`streams.cases`)."""
    said = record.features.get("alert")
    if said is None:
        return None
    internal = record.purpose == "INTERNAL_AUDIT"
    told = tuple(one for one in record.reasons if internal or one.visibility != "AUDIT_ONLY")
    lead = next(one for one in told if one.code == said["kind"])
    now, peers = said["now"], said.get("peers")
    return Alert(
        alert_id=f"A-{record.verdict_id[2:]}",
        case_id=said["case"],
        entity=said["entity"],
        kind=lead.code,
        severity="HIGH" if lead.cls == "H" else "MEDIUM",
        organism=record.organism,
        region=record.region,
        reasons=told,
        claims=msgspec.convert(now["claims"], tuple[AlertClaim, ...]),
        amount_at_risk=now["amount_at_risk"],
        amount_stoppable=now["amount_stoppable"],
        peers=msgspec.convert(peers, Peers) if peers else None,
        history=now["history"],
        precision_to_date=now["precision"],
        innocent_explanations=innocent(said["codes"]),
        suggested_control=record.suggested_control,
        suggested_route=tuple(said["routes"]),
        control_level=record.control_level,
        speciality_needed=said.get("speciality"),
        est_minutes=said["minutes"],
        priority=now["priority"],
        first_seen=dt.datetime.fromtimestamp(said["first"], dt.UTC),
        last_seen=record.at,
        count=said["count"],
        revision=said["revision"],
    )


def dead_letter(message: Message, invalid: Invalid, now: dt.datetime) -> Output:
    """The bytes as they came; everything that is known about them is in the headers."""
    headers = invalid.headers(message.topic, message.partition, message.offset, message.timestamp or now)
    return Output(
        "dead-letters",
        message.key,
        message.value or b"",
        None,
        tuple((name, text.encode()) for name, text in headers.items()),
    )


def _told_cause(cause: str) -> str:
    """Why a revision exists, without what a person found or which control asked for it."""
    if cause.startswith(REVIEW):
        return "REVIEW"
    return "CONTROL" if cause == "GROUP_HOLD" else cause


def _audit_only(code: str) -> bool:
    declaration = BY_CODE.get(code)
    return declaration is not None and declaration.visibility == "AUDIT_ONLY"
