"""The control plane's handlers: what a review outcome or a signal changes. Idempotent by event id, rare, off the hot path.

The Faust agents call them for the topics, and the event-log run calls them in line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from detectors.models import fusion
from schemas.control import Review, Signal
from state import Store
from streams.messages import Output
from streams.outputs import decode as decode_record


class SignalRecord(msgspec.Struct, array_like=True, frozen=True):
    """The strongest live signal on an entity, as the screening loop reads it. `expires` in seconds since the epoch."""

    version: int
    strength: float
    expires: float
    source: str


class ControlDesk:
    """Turns control events into what the streams must be told.

    Args:
        store: read for the verdict that a review names, written for signals.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def review(self, review: Review) -> list[Output]:
        """A reviewed verdict: its event is answered again, and the learner sees the outcome with the verdict's own terms.

        A review that names no verdict we gave says nothing: it yields no output.
        """
        event_id, _, _ = review.verdict_id.removeprefix("V-").rpartition("-")
        blob = self._store.verdict(review.beneficiary, event_id)
        if blob is None:
            return []
        record = decode_record(blob)
        again = rescreen(
            event_id,
            f"REVIEW:{review.outcome}",
            review.beneficiary,
            record.claim_id,
            organism=review.organism,
            at=review.event_time.isoformat(),
            finding={"lines": list(review.lines or ())},
        )
        lesson = fusion.message(
            review.verdict_id,
            review.outcome,
            review.decided_by,
            {
                reason.code: reason.outcome
                for reason in review.reasons or ()
                if reason.code and reason.outcome
            },
            record.features.get("terms", ()),
        )
        lesson["review"] = review.event_id
        return [again, Output("learning", None, orjson.dumps(lesson), 0)]

    def signal(self, signal: Signal) -> list[Output]:
        """A report on an entity: kept where screening looks, to raise priority until it expires."""
        key = signal_key(signal.entity)
        record = SignalRecord(1, signal.strength, signal.ends.timestamp(), signal.source)
        self._store.put_models({key: msgspec.msgpack.encode(record)})
        return []


def signal_key(entity: str) -> str:
    """The model record that keeps the signal on an entity ("provider:104512345")."""
    return f"signal:{entity}"


def rescreen(
    event_id: str,
    cause: str,
    beneficiary: str,
    claim_id: str,
    *,
    organism: str,
    at: str,
    finding: dict[str, Any] | None = None,
) -> Output:
    """A request to answer an open event again, keyed so that the event's own worker reads it."""
    body = {
        "type": "rescreen",
        "version": 1,
        "event_id": event_id,
        "event_time": at,
        "organism": organism,
        "cause": cause,
        "beneficiary": beneficiary,
        "claim_id": claim_id,
        "finding": finding,
    }
    return Output("rescreens", beneficiary.encode(), orjson.dumps(body))


def lessons(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """The learner's messages among some outputs."""
    return [orjson.loads(output.value) for output in outputs if output.topic == "learning"]
