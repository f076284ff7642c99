"""What an answer sets in motion: other events of the same claim, or of the same family, that must be answered again.

Derived from the record and the claim's state, so that a replay asks for the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detectors import findings
from detectors.base import Finding
from schemas.claim import Claim
from state import Store
from streams.claim_state import PaymentAnswer, answer_of, packed
from streams.control import rescreen
from streams.items import Item, Shelf
from streams.messages import Output


def note(item: Item, shelf: Shelf) -> None:
    """Let the rest of the batch see this answer, and ask again for what no longer agrees with it."""
    record, event = item.record, item.event
    if record is None or event is None:
        return
    state = shelf.claim(record.claim_id, claim_fields(item))
    answer = answer_of(record, record.cause)
    item.state_fields = dict([packed(record.event_id, answer)])
    shelf.answered[record.event_id] = record
    if isinstance(answer, PaymentAnswer):
        state.payments[record.event_id] = answer
        return
    state.answers[record.event_id] = answer
    if (
        isinstance(event, Claim)
        and event.replaces is not None
        and (replaced := state.answers.get(event.replaces)) is not None
    ):
        gone = state.answers[event.replaces] = msgspec.structs.replace(replaced, replaced=True)
        item.state_fields.update([packed(event.replaces, gone)])
        if replaced.decision == "HOLD":
            item.follow_ups.append(
                _again(item, event.replaces, "REPLACED", item.beneficiary, record.claim_id)
            )
    for event_id in state.unsettled_payments():
        item.follow_ups.append(_again(item, event_id, "CLAIM_ANSWERED", item.beneficiary, record.claim_id))


def claim_fields(item: Item) -> dict[bytes, bytes]:
    """The claim's state as it was read with the event."""
    reads = item.answer.home_reads if item.answer else []
    return next((read for read in reads if isinstance(read, dict)), {})


def families(items: Sequence[Item], store: Store) -> None:
    """P04: when a family reaches the size that is held as a group, its open claims are answered again."""
    for item in items:
        if (
            item.record is None
            or item.again
            or item.record.type != "claim"
            or "scheme" not in item.record.features
        ):
            continue
        if item.message.topic == "rescreens":
            continue  # a member that was told: it tells nobody
        for kept in item.record.features["findings"]:
            found = findings.from_record(kept)
            if (
                found.group_hold
                and found.n is not None
                and found.threshold is not None
                and found.n == int(found.threshold)
            ):
                _tell(item, found, store)


def _tell(item: Item, found: Finding, store: Store) -> None:
    passed = findings.to_record(msgspec.convert({**findings.to_record(found), "evidence": []}, Finding))
    seen: set[str] = set()
    for identity in store.identify(found.evidence):
        if identity is not None and identity.event_id not in seen:
            seen.add(identity.event_id)
            item.follow_ups.append(
                _again(item, identity.event_id, "GROUP_HOLD", identity.beneficiary, identity.claim_id, passed)
            )


def _again(
    item: Item,
    event_id: str,
    cause: str,
    beneficiary: str,
    claim_id: str,
    finding: dict[str, object] | None = None,
) -> Output:
    record = item.record
    assert record is not None
    at = record.event_time or record.issued_at
    return rescreen(
        event_id,
        cause,
        beneficiary,
        claim_id,
        organism=record.organism or "-",
        at=at.isoformat(),
        finding=finding,
    )
