"""What is recorded of a batch, and what is counted once it is out."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from detectors import findings
from detectors.base import Finding
from detectors.reasons import reason
from detectors.referentials import Referentials
from monitoring.metrics import Metrics
from schemas.outputs import encode
from schemas.referential import TABLES
from state import Entry, Store, keys
from state.batch import HashDelete, HashWrite
from streams import outputs, waiting
from streams.following import OPEN
from streams.items import Item
from streams.messages import Output
from streams.reanswering import open_event

DAY_SECONDS = 86_400
REGISTRIES = frozenset(("beneficiary", "liquidators", "orders", "providers"))
"""What checks name beside tables when they lack an entry."""
log = logging.getLogger("crible.recording")
CLAIM_DAYS = 760  # the state of a claim outlives the 24 months in which it can be corrected


def identify_evidence(items: Sequence[Item], store: Store) -> None:
    """Put event ids where the findings of new records name the references that the state keeps."""
    cited: list[tuple[Item, list[Finding]]] = []
    for item in items:
        if (
            item.record is None
            or item.standing is not None
            or not any("evidence" in kept for kept in item.record.features.get("findings", ()))
        ):
            continue
        cited.append((item, findings.kept(item.record.features)))
    wanted = list(dict.fromkeys(pair for _, found in cited for finding in found for pair in finding.evidence))
    if not wanted:
        return
    known = {
        pair[1]: identity.event_id
        for pair, identity in zip(wanted, store.identify(wanted), strict=True)
        if identity is not None
    }
    for item, found in cited:
        assert item.record is not None
        item.record = msgspec.structs.replace(
            item.record, reasons=tuple(reason(finding, known) for finding in found)
        )


def entry(
    item: Item, index: int, verdict_days: int, referentials: Referentials, *, observe_only: bool
) -> Entry | None:
    """What to record of one message; None where it has no verdict, or its verdict is recorded."""
    record = item.record
    if record is None or item.again or (item.answer is not None and item.answer.recorded is not None):
        return None
    item.blob = item.standing or (b"" if observe_only else encode(record))
    writes = (
        [HashWrite(keys.claim(record.claim_id), item.state_fields, CLAIM_DAYS * DAY_SECONDS)]
        if item.state_fields
        else []
    )
    deletes = []
    waits = keys.waiting(item.message.partition)
    held = record.decision == "HOLD" and record.type in OPEN
    decided = item.standing is None and not observe_only  # else under tables that may have changed since
    kept = waiting.entry(record, referentials if decided else None) if held else None
    if held:
        told = {record.event_id: orjson.dumps(open_event(record))}
        writes.append(HashWrite(keys.open_events(item.beneficiary), told))
    elif item.before == "HOLD":
        deletes.append(HashDelete(keys.open_events(item.beneficiary), [record.event_id]))
    if kept is not None:
        writes.append(HashWrite(waits, {record.event_id: kept}))
    elif item.before == "HOLD":
        deletes.append(HashDelete(waits, [record.event_id]))
    days = verdict_days * (2 if record.decision == "HOLD" else 1)
    return Entry(
        input=index,
        offset=item.message.offset,
        beneficiary=item.beneficiary,
        event_id=record.event_id,
        revision=item.revision,
        blob=item.blob,
        ttl=days * DAY_SECONDS,
        writes=writes,
        deletes=deletes,
    )


def stands(item: Item, blob: bytes | None) -> None:
    """The record that Redis kept for this message: ours, the one that was there first, or none."""
    if blob is None:  # recorded before as one that gives no answer: what was decided since does not count
        item.blob = item.record = None
    elif blob and blob != item.blob:
        item.blob, item.record = blob, outputs.decode(blob)


def private(told: Iterable[tuple[str, dict[str, Any]]], lesson: dict[str, Any] | None) -> list[Output]:
    """What profiling and the learner are told of a claim."""
    said = [
        Output("provider-activity", inpe.encode(), orjson.dumps({"inpe": inpe, **figures}))
        for inpe, figures in told
    ]
    if lesson is not None:
        said.append(Output("learning", None, orjson.dumps(lesson), 0))
    return said


def count(metrics: Metrics, items: Sequence[Item], now: dt.datetime) -> None:
    """Count the messages of a committed batch."""
    metrics.events(Counter((item.message.topic, getattr(item.event, "flow", None) or "") for item in items))
    answered = [item for item in items if item.record is not None and not item.message.answered]
    metrics.verdicts(
        Counter(
            (item.record.decision, item.record.purpose or "") for item in answered if item.record is not None
        )
    )
    fresh = [item for item in answered if item.standing is None and not item.again]
    metrics.fired(Counter((finding.code, finding.cls) for item in fresh for finding in item.findings))
    metrics.shadowed(Counter((finding.code, finding.cls) for item in fresh for finding in item.shadow))
    metrics.cannot_check(
        Counter(
            (check.code, lacked(check.missing))
            for item in fresh
            for check in (*item.cannot_check, *item.shadow_cannot)
        )
    )
    metrics.dead_letters(
        Counter(
            item.invalid.reason for item in items if item.invalid is not None and not item.message.answered
        )
    )
    held: Counter[str] = Counter()
    for item in fresh:
        if item.record is not None and item.record.decision == "HOLD":
            held[item.record.purpose or ""] += item.record.amount_at_risk or 0
    metrics.held(held)
    done = dt.datetime.now(dt.UTC)
    metrics.latencies(
        [
            (done - item.message.timestamp).total_seconds()
            for item in answered
            if item.message.timestamp is not None
        ]
    )


def lacked(missing: str) -> str:
    """The table or registry that a check lacked ("drugs" of "drugs.ppv"); empty where it lacked something else."""
    root = missing.partition(".")[0]
    return root if root in TABLES or root in REGISTRIES else ""


def count_effects(metrics: Metrics, offsets: Mapping[str, int]) -> None:
    """Tell from which offset of each input new loads are in force."""
    for input_name, offset in offsets.items():
        topic, _, partition = input_name.split("|")
        log.info("tables: new loads decide from %s/%s@%d on", topic, partition, offset)
        metrics.effect(topic, int(partition), offset)
