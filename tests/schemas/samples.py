"""Lawful messages as plain dictionaries, to be bent by the tests."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

NOW = dt.datetime(2026, 3, 2, 10, 15, 4, tzinfo=dt.UTC)

ENVELOPE: dict[str, Any] = {
    "version": 1,
    "event_id": "E-1",
    "event_time": "2026-03-02T10:15:00Z",
    "ingest_time": "2026-03-02T10:15:04Z",
    "organism": "CNOPS",
}
LINE: dict[str, Any] = {
    "line": 1,
    "care_group": "CONSULTATION",
    "nomenclature": "NGAP",
    "code": "CS",
    "quantity": 1,
    "unit": "ACT",
    "service_date": "2026-02-27",
    "executor": "104512345",
    "amount": 25000,
}
_BODIES: dict[str, dict[str, Any]] = {
    "claim": {
        "claim_id": "D-1",
        "kind": "AMBULATOIRE",
        "beneficiary": "B-1",
        "insured": "A-1",
        "deposit_date": "2026-03-02",
        "lines": [LINE],
    },
    "liquidation": {"claim_id": "D-1", "beneficiary": "B-1", "action": "COMPUTE", "liquidator": "L-1"},
    "payment": {
        "payment_id": "P-1",
        "claim_id": "D-1",
        "beneficiary": "B-1",
        "payee": "INSURED",
        "status": "ORDERED",
        "base_amount": 100,
    },
    "prior_approval": {
        "pec_id": "PEC-1",
        "beneficiary": "B-1",
        "valid_from": "2026-01-01",
        "valid_to": "2026-06-30",
        "decision": "GRANTED",
    },
    "beneficiary": {"beneficiary": "B-1", "insured": "A-1"},
    "provider": {"inpe": "104512345", "kind": "MEDECIN"},
    "liquidator": {"liquidator": "L-1", "role": "LIQUIDATION"},
    "order": {
        "order_id": "O-1",
        "entity": "provider:104512345",
        "scope": "PAYEE",
        "from": "2026-01-01",
        "ordered_by": ["A", "B"],
        "motive": "art. 1",
    },
    "review": {
        "verdict_id": "V-E-1-1",
        "claim_id": "D-1",
        "beneficiary": "B-1",
        "outcome": "LEGITIMATE",
        "decided_by": ["A"],
    },
    "signal": {"entity": "provider:104512345", "source": "CAISSE", "strength": 0.5, "expires": "2026-12-31"},
    "rescreen": {"cause": "rights known", "beneficiary": "B-1", "claim_id": "D-1"},
}


def message(type_: str = "claim", **changes: Any) -> dict[str, Any]:
    """A lawful message of the type with some members replaced."""
    return {"type": type_, **ENVELOPE, **_BODIES[type_], **changes}


def claim(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A lawful claim; each argument changes one line of it."""
    numbered = [{**LINE, "line": number, **line} for number, line in enumerate(lines or ({},), start=1)]
    return message("claim", **{"lines": numbered, **changes})


def wire(tree: Any) -> bytes:
    """The message as it travels."""
    return json.dumps(tree).encode()


TYPES = tuple(_BODIES)
