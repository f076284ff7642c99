"""A recorded verdict taken apart: its reasons, what its score is made of, and whether it is decided alike again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from detectors import decision, findings
from detectors.catalogue import DECLARATIONS
from detectors.models.score import BIAS, DIGITS, sigmoid
from detectors.policy import Thresholds
from detectors.referentials import Referentials
from schemas.outputs import Screened, ScreenedLine
from state.inspection import Inspection
from streams import outputs

NOT_BY_RULES = ("REVIEW:", "REPLACED")
"""How causes begin that a person or a correction gave: no rule decides these again."""


def event_of(name: str) -> str:
    """The event id of a verdict id "V-<event id>-<revision>"; anything else is an event id itself."""
    middle, _, revision = name.removeprefix("V-").rpartition("-")
    return middle if name.startswith("V-") and middle and revision.isdigit() else name


def verdict(state: Inspection, name: str, referentials: Referentials | None) -> dict[str, Any] | None:
    """All revisions of an event's verdict, by event id or verdict id; None where none is kept."""
    event_id = name
    found = state.verdict(name)
    if not found:
        event_id = event_of(name)
        found = state.verdict(event_id)
    if not found:
        return None
    revisions = [blob for kept in found for _, blob in sorted(kept.items())]
    return {
        "event_id": event_id,
        "only_observed": not any(revisions),
        "revisions": [_revision(outputs.decode(blob), referentials) for blob in revisions if blob],
    }


def summary(record: Screened) -> dict[str, Any]:
    """A verdict in one row."""
    return {
        "verdict_id": record.verdict_id,
        "claim_id": record.claim_id,
        "type": record.type,
        "event_time": record.event_time.isoformat() if record.event_time else None,
        "decision": record.decision,
        "purpose": record.purpose,
        "codes": [reason.code for reason in record.reasons],
        "score": record.score,
        "amount_at_risk": record.amount_at_risk,
        "expires_at": record.expires_at.isoformat() if record.expires_at else None,
        "lines": [line_of(line) for line in record.screened.lines] if record.screened else [],
    }


def line_of(line: ScreenedLine) -> dict[str, int | None]:
    """A line that was compared, base and complementary amounts apart (centimes)."""
    return {"line": line.line, "base": line.base_amount, "complementary": line.complementary_amount}


def decides_alike(record: Screened, referentials: Referentials | None) -> tuple[str, list[str]]:
    """ "yes", "no" with the fields that differ, or why it cannot be said."""
    if record.type != "claim" or record.decision == "CANNOT_SCREEN":
        return "not asked: no claim's verdict", []
    if record.score is None or "case" not in record.features:
        return "not asked: only observed", []
    if (record.cause or "").startswith(NOT_BY_RULES):
        return "not asked: a person or a correction gave it", []
    case = decision.from_record(record.features["case"])
    thresholds = Thresholds(DECLARATIONS)
    if thresholds.ruleset != record.ruleset and referentials is not None:
        thresholds = referentials.thresholds(case.deposit or dt.date.max)
    if thresholds.ruleset != record.ruleset:
        return f"cannot say: the policies of {record.ruleset} are not at hand", []
    kept = findings.kept(record.features)
    again = decision.decide(case, kept, thresholds)
    differ = [
        name
        for name in again.__struct_fields__
        if name not in ("good_cause", "priority") and getattr(again, name) != getattr(record, name)
    ]
    if record.features.get("good_cause") != again.good_cause:
        differ.append("good_cause")
    if (record.priority or 0) < again.priority:  # signals may have raised it
        differ.append("priority")
    if [reason.code for reason in record.reasons] != [one.code for one in kept]:
        differ.append("reasons")
    return ("no", differ) if differ else ("yes", [])


def _revision(record: Screened, referentials: Referentials | None) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(record)
    alike, differ = decides_alike(record, referentials)
    said.pop("beneficiary", None)  # never told: whoever asks by an event's id may not hold it
    said["terms"] = [
        {"code": term.code, "value": term.value, "weight": term.weight, "adds": term.value * term.weight}
        for term in sorted(record.terms, key=lambda term: -abs(term.value * term.weight))
    ]
    said["prior"] = BIAS  # log odds of a claim without findings
    said["adds_up_to"] = round(sigmoid(BIAS + sum(term["adds"] for term in said["terms"])), DIGITS)
    said["lines_compared"] = [line_of(line) for line in record.screened.lines] if record.screened else []
    said["features"] = {
        name: value for name, value in said["features"].items() if name not in ("findings", "event")
    }
    said.pop("screened", None)
    return {**said, "decides_alike": alike, "differs_in": differ}
