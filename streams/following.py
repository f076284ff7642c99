"""What an answer sets in motion: other events of the same claim, or of the same family, that must be
answered again.

Derived from the record and the claim's state, so that a replay asks for the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detectors import findings
from detectors.base import Finding
from schemas.claim import Claim
from schemas.liquidation import Liquidation
from state import Store
from streams.claim_state import ClaimState, PaymentAnswer, answer_of, packed
from streams.control import rescreen
from streams.entity_files import HELD, SEEN
from streams.items import Item, Shelf
from streams.messages import Output

OPEN = ("claim", "payment")
"""Types of events that are answered again when a person's rights change."""
FREEING = ("RETURNED", "CANCELLED")
"""What becomes of a payment that others may take the place of."""


def note(item: Item, shelf: Shelf) -> None:
    """Let the rest of the batch see this answer, and ask again for what no longer agrees with it."""
    record, event = item.record, item.event
    if record is None or event is None or item.invalid is not None:
        return  # a message that could not be read, or was refused, changes nothing
    state = shelf.claim(record.claim_id, claim_fields(item))
    answer = answer_of(record, record.cause)
    shelf.answered[record.event_id] = record
    if record.type in OPEN:
        shelf.note_open(record)
    if isinstance(answer, PaymentAnswer):
        item.state_fields = dict([packed(record.event_id, answer)])
        state.payments[record.event_id] = answer
        if answer.status in FREEING or item.before == "RELEASE":  # others may have it now
            _orders(item, state, record.event_id)
        return
    known = state.answers.get(record.event_id)
    if known is not None and known.replaced:
        answer = msgspec.structs.replace(answer, replaced=True, early=known.early, by=known.by)
        if isinstance(event, Claim | Liquidation) and answer.early and answer.decision == "HOLD":
            _released(item, record.event_id)
    item.state_fields = dict([packed(record.event_id, answer)])
    state.answers[record.event_id] = answer
    if isinstance(event, Claim | Liquidation):
        item.state_fields.update(state.told(event))
        for old, by in _superseded(event, state):
            changed = state.replace(old, by) if isinstance(event, Claim) else state.retire(old, by)
            for event_id, gone in changed.items():
                item.state_fields.update([packed(event_id, gone)])
                if gone.decision == "HOLD" and not gone.early:
                    _released(item, event_id)
        resting = isinstance(event, Liquidation) and (event.action == "CANCEL" or event.cancels is not None)
        if isinstance(event, Claim) or resting:
            for event_id in state.liquidations(resting=resting):
                if event_id != event.event_id:
                    item.follow_ups.append(
                        _again(item, event_id, "CLAIM_ANSWERED", item.beneficiary, record.claim_id)
                    )
    _orders(item, state, record.event_id)


def _superseded(event: Claim | Liquidation, state: ClaimState) -> list[tuple[str, str]]:
    """(event, what takes its place): what this event corrects or cancels, and the amounts that a step states anew."""
    if isinstance(event, Claim):
        return [] if event.replaces is None else [(event.replaces, event.event_id)]
    if event.cancels is not None:
        return [(event.cancels, event.event_id)]
    live = state.dossier(event.event_id).live()
    gone = [
        name for name, step in sorted(state.steps.items()) if name not in live and step.action != "CANCEL"
    ]
    pairs = [(name, event.event_id) for name in gone if name in state.answers]
    for name, step in live.items():  # an amount over the tariff is put right by the next one
        answer = state.answers.get(name)
        if answer is None or answer.codes != ("T01",) or answer.purpose == "INTERNAL_AUDIT":
            continue
        for other, later in live.items():
            if later.restates(step.line, step.at):
                pairs.append((name, other))
                break
    return [(name, by) for name, by in pairs if not state.answers[name].replaced]


def _orders(item: Item, state: ClaimState, but: str) -> None:
    """Ask again for the orders of the claim that are not settled yet."""
    for event_id in state.unsettled():
        if event_id != but:
            item.follow_ups.append(
                _again(
                    item,
                    event_id,
                    "CLAIM_ANSWERED",
                    item.beneficiary,
                    item.record.claim_id if item.record else "",
                )
            )


def _released(item: Item, event_id: str) -> None:
    """Ask for the end of the hold on an event that another one replaces."""
    item.follow_ups.append(_again(item, event_id, "REPLACED", item.beneficiary, item.claim_id))


def claim_fields(item: Item) -> dict[bytes, bytes]:
    """The claim's state as it was read with the event."""
    for read in item.answer.home_reads if item.answer else ():
        if isinstance(read, dict):
            return read
    return {}


def schemes(items: Sequence[Item], store: Store) -> dict[str, bytes]:
    """What these answers bring to light of schemes: each is told when it is seen, and when it is held as a
    group.

    The news stand in the records, so that a replay tells them again. Returns the marks to record with them.
    """
    told = [(item, _levels(item)) for item in items if _is_news(item)]
    again = [
        (scheme, level)
        for item in items
        if item.standing and item.record is not None
        for scheme, level in item.record.features.get("scheme_news", {}).items()
    ]
    schemes = [*(scheme for _, levels in told for scheme in levels), *(scheme for scheme, _ in again)]
    names = list(dict.fromkeys(f"case:{scheme}" for scheme in schemes))
    known = dict(zip(names, store.models(names), strict=True)) if names else {}
    marks: dict[str, bytes] = {}
    for scheme, level in again:  # published before: Redis may have lost the mark since
        name = f"case:{scheme}"
        if level.encode() > (marks.get(name) or known[name] or b""):
            marks[name] = level.encode()
    for item, levels in told:
        assert item.record is not None
        news = {}
        for scheme, level in levels.items():
            name = f"case:{scheme}"
            if level.encode() > (marks.get(name) or known[name] or b""):
                marks[name] = level.encode()
                news[scheme] = level
        if news:
            item.record.features["scheme_news"] = news
    return marks


def families(items: Sequence[Item], store: Store) -> None:
    """P04: when a family reaches the size that is held as a group, its open claims are answered again."""
    for item in items:
        if item.record is None or item.again or item.message.topic == "rescreens":
            continue  # a member that was told tells nobody
        news = item.record.features.get("scheme_news")
        if news:
            for kept in item.record.features["findings"]:
                found = findings.from_record(kept)
                if found.group_hold and news.get(found.scheme) == HELD:
                    _tell(item, found, store)


def _is_news(item: Item) -> bool:
    record = item.record
    return (
        record is not None
        and item.standing is None
        and not item.again
        and item.message.topic != "rescreens"
        and record.decision in ("HOLD", "RELEASE_FLAGGED")
        and "scheme" in record.features
    )


def _levels(item: Item) -> dict[str, str]:
    """Scheme -> SEEN or HELD, by the item's own findings."""
    levels: dict[str, str] = {}
    for found in item.findings:
        if found.scheme:
            held = found.group_hold and not found.review
            levels[found.scheme] = HELD if held else levels.get(found.scheme, SEEN)
    return levels


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
    at = record.at
    return rescreen(
        event_id,
        cause,
        beneficiary,
        claim_id,
        organism=record.organism or "-",
        at=at.isoformat(),
        finding=finding,
    )
