"""What `crible screen` says in the end, counted from what was published."""

from __future__ import annotations

import orjson

from streams.messages import Output
from streams.tally import Tally


def _record(decision: str, purpose: str | None) -> Output:
    said = {"type": "claim", "decision": decision, "purpose": purpose, "amount_at_risk": 100}
    return Output("screened", None, orjson.dumps({**said, "reasons": [], "cannot_check": []}))


def test_only_holds_are_told_as_held() -> None:
    """A claim that is flagged and paid has a purpose too: who looks at it afterwards."""
    tally = Tally()
    tally.taking(None, None)(
        [
            _record("HOLD", "FRAUD_REVIEW"),
            _record("HOLD", "COMPLETE_FILE"),
            _record("RELEASE_FLAGGED", "FRAUD_REVIEW"),
            _record("RELEASE", None),
        ]
    )
    said = tally.summary()
    assert said["holds_by_purpose"] == {"FRAUD_REVIEW": 1, "COMPLETE_FILE": 1}
    assert sum(said["holds_by_purpose"].values()) == said["decisions"]["HOLD"]
