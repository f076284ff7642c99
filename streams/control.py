"""The control plane's handlers: what a review outcome or a signal changes. Idempotent by event id, rare, off
the hot path.

The Faust agents call them for the topics, and the event-log run calls them in line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from detectors.models import fusion
from detectors.models.folds import freeze
from schemas.control import Review, Signal
from schemas.observation import day_number
from schemas.outputs import Screened
from state import Store
from streams import outcomes, signals
from streams.messages import Output
from streams.outputs import decode as decode_record


class ControlDesk:
    """Turns control events into what the streams must be told.

    Args:
        store: read for the verdict that a review names, written for signals.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def review(self, review: Review) -> list[Output]:
        """A reviewed verdict: its event is answered again, the learner sees the outcome with the verdict's
        own terms, and after a confirmed fraud the executors' baselines stand still.

        A review that names no verdict we gave says nothing: it yields no output.
        """
        event_id, _, revision = review.verdict_id.removeprefix("V-").rpartition("-")
        blob = self._store.verdict(review.beneficiary, event_id, revision)
        if not blob:
            return []
        record = decode_record(blob)
        again = rescreen(
            event_id,
            f"REVIEW:{review.outcome}",
            review.beneficiary,
            record.claim_id,
            organism=review.organism,
            at=review.event_time.isoformat(),
            finding={"lines": list(review.lines or ()), "verdict_id": review.verdict_id},
        )
        examined = {
            one.code: one.outcome for one in review.reasons or () if one.code and one.outcome is not None
        }
        lesson = fusion.message(
            review.verdict_id,
            review.outcome,
            review.decided_by,
            examined,
            record.features.get("terms", ()),
        )
        lesson["review"] = review.event_id
        lesson |= outcomes.lesson(
            review.outcome, _actors(review, record), (one.code for one in record.reasons), examined
        )
        person = outcomes.name(f"beneficiary:{review.beneficiary}")
        (before,) = self._store.models([person])
        counted = outcomes.known(before).counted(review.outcome, review.event_id)
        self._store.put_models({person: outcomes.packed(counted)})
        said = [again, Output("learning", None, orjson.dumps(lesson), 0)]
        return said + _frozen(review, record) if review.outcome == "CONFIRMED_FRAUD" else said

    def signal(self, signal: Signal) -> list[Output]:
        """A report on an entity: kept where screening looks, to raise priority until it expires."""
        self._store.put_models({signals.name(signal.entity): signals.packed(signal)})
        return []


def _actors(review: Review, record: Screened) -> list[str]:
    """The providers and the liquidator whom a review concerns: those of its lines."""
    concerned = set(review.lines or ())
    found = [
        f"provider:{inpe}"
        for inpe, lines in record.features.get("executors", {}).items()
        if not concerned or concerned & set(lines)
    ]
    event = record.features.get("event")
    if record.type == "liquidation" and isinstance(event, dict):
        found.append(f"liquidator:{event['liquidator']}")
    return found


def _frozen(review: Review, record: Screened) -> list[Output]:
    """Fraud confirmed: nothing that the executors of its lines bill now may pass for usual."""
    day = day_number(review.event_time.date())
    concerned = set(review.lines or ())
    said = []
    for inpe, lines in record.features.get("executors", {}).items():
        if not concerned or concerned & set(lines):
            name, figures = freeze(inpe, day)
            said.append(Output("provider-activity", name.encode(), orjson.dumps({"inpe": name, **figures})))
    return said


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


def told(outputs: Sequence[Output], topic: str) -> list[dict[str, Any]]:
    """The messages of a private topic among some outputs."""
    return [orjson.loads(output.value) for output in outputs if output.topic == topic]
