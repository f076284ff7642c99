"""Crible reduced to the subset: its decoder, store, fences, memo and model records; no detector, no verdict.

A row is recorded in Redis as a verdict is, so that it is given once whatever crashes: what Crible promises is not
switched off for the comparison.
"""

from __future__ import annotations

from math import log
from typing import Any

import orjson

from bench.subset import (
    DAY,
    EPOCH_ORDINAL,
    FADING,
    KEPT_DAYS,
    MIN_CLAIMS,
    MIN_PEERS,
    care_windows,
    row,
    shared,
    z_of,
)
from bench.subset import Care as Told
from detectors.models.records import PeerRecord
from detectors.models.series import step
from detectors.models.store import Records
from monitoring.metrics import Metrics
from schemas.claim import Claim
from schemas.decode import Decoder
from schemas.observation import LogLine, entity_ref, event_ref
from state import Answer, Ask, Entry, Store, codecs, ops
from streams.asking import content_hash
from streams.messages import Batch, Output
from streams.model_folds import name
from streams.screening import Screener

TOPIC = "bench-rows"
NEW = PeerRecord()


class Reduced(Screener):
    """Takes the place of the screening loop's screener, on the same store, source and transactions."""

    def __init__(self, store: Store, decoder: Decoder, metrics: Metrics) -> None:
        super().__init__(store, decoder, _nothing, metrics, inline=True)
        self._kept, self._reads = store, decoder

    def screen(self, batch: Batch) -> list[Output]:
        """Rows of a batch of claims; what is no claim moves the fences and says nothing."""
        events = [
            self._reads.decode(message.value, key=message.key, timestamp=message.timestamp)
            for message in batch.messages
        ]
        cares = [self._care(event) if isinstance(event, Claim) else None for event in events]
        store, number = self._kept, self._kept.number
        store.intern(
            [label for care in cares if care is not None for entry in care.entries for label in entry[1:3]]
        )
        inputs = {span.input: index for index, span in enumerate(batch.spans)}
        asks = []
        for message, event, care in zip(batch.messages, events, cares, strict=True):
            ask = Ask(
                input=inputs[message.input], offset=message.offset, content=content_hash(event, message.value)
            )
            if care is not None:
                assert isinstance(event, Claim)
                _fill(ask, event, care, number)
            asks.append(ask)
        answers = store.observe(batch.spans, asks)
        wanted = list(dict.fromkeys(pair for care in cares if care is not None for pair in _models(care)))
        records = Records(dict(zip(wanted, store.models([name(pair) for pair in wanted]), strict=True)))
        entries = []
        for message, care, ask, answer in zip(batch.messages, cares, asks, answers, strict=True):
            if care is not None:
                blob = answer.recorded or orjson.dumps(_screen(care, answer, records, number))
                entries.append(
                    Entry(
                        input=ask.input,
                        offset=message.offset,
                        beneficiary=care.beneficiary,
                        event_id=care.event_id,
                        revision=1,
                        blob=blob,
                    )
                )
        changed = {name(pair): blob for pair, blob in records.changed().items()}
        standing = store.record(batch.spans, entries, changed)
        return [
            Output(TOPIC, entry.beneficiary.encode(), blob)
            for entry, blob in zip(entries, standing, strict=True)
            if blob is not None
        ]

    def committed(self, batch: Batch) -> None:
        """Let go of memo that no replay will ask for."""
        for span in batch.spans:
            self._kept.forget_memo(span.input, span.end + 1)

    def _care(self, claim: Claim) -> Told:
        """The same as `subset.care_of`, from the decoded claim."""
        entries: list[Any] = []
        prices = []
        for line in claim.lines:
            act, amount = f"{line.nomenclature}|{line.code}", line.amount
            days = [day.toordinal() - EPOCH_ORDINAL for day in line.sessions or (line.service_date,)]
            entries += [(day, line.executor or "", act, share) for day, share in shared(days, amount)]
            if amount > 0:
                prices.append((act, log(amount / 100.0)))
        executor = next((entry[1] for entry in entries if entry[1]), "")
        day, amount = max(entry[0] for entry in entries), sum(entry[3] for entry in entries)
        return Told(
            claim.event_id,
            claim.beneficiary,
            int(claim.event_time.timestamp()),
            executor,
            entries[0][2],
            day,
            amount,
            tuple(entries),
            tuple(prices),
        )


def _nothing() -> Any:
    raise RuntimeError("the subset reads no referential")


def _fill(ask: Ask, claim: Claim, care: Told, number: Any) -> None:
    """One log and one tile."""
    event, reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
    lines = [
        LogLine(event, reference, day, care.at, number(executor), 0, number(act), 0, 100, amount, index, 0, 0)
        for index, (day, executor, act, amount) in enumerate(care.entries)
    ]
    first = min(line.day for line in lines)
    ask.event_id, ask.ref, ask.claim_id, ask.beneficiary = (
        claim.event_id,
        event,
        claim.claim_id,
        claim.beneficiary,
    )
    ask.home = [ops.append_log(claim.beneficiary, codecs.pack_log(lines), first - KEPT_DAYS)]
    ask.away = [
        ops.tile(
            "p",
            care.executor,
            instant=care.at,
            day=care.at // DAY,
            lines=len(lines),
            amount=care.amount,
            beneficiary=entity_ref(claim.beneficiary),
        )
    ]


def _models(care: Told) -> list[tuple[str, str]]:
    return [*(("peers", act) for act, _ in care.prices), ("peers", f"level|{care.executor}")]


def _screen(care: Told, answer: Answer, records: Records, number: Any) -> dict[str, Any]:
    """Windows from what the log and the tile answered; then score, then learn."""
    held, act = codecs.unpack_log(answer.home[0] or b""), number(care.act)
    windows = care_windows([(line.day, line.executor, line.act, line.amount) for line in held], care.day)
    same = max((line.day for line in held if line.act == act and line.day >= care.day - KEPT_DAYS), default=0)
    seen = codecs.window(answer.away[0] or b"")
    level = f"level|{care.executor}"
    z_amount = max((_score(records, act, x, MIN_PEERS) for act, x in care.prices), default=0.0)
    z_level = _score(records, level, care.price, MIN_CLAIMS)
    for peers, x in (*care.prices, (level, care.price)):
        _learn(records, peers, x)
    return row(care, (*windows, same, seen.claims_1h, seen.claims_24h, seen.claims_30d), z_amount, z_level)


def _score(records: Records, peers: str, x: float, least: int) -> float:
    own = records.peers(peers) or NEW
    return z_of(x, own.n, own.mean, own.var, least)


def _learn(records: Records, peers: str, x: float) -> None:
    """River's recurrences on plain floats, as all of Crible's models have them."""
    own = records.peers(peers) or NEW
    mean, var = step(own.mean, own.var, x, FADING) if own.n else (x, 0.0)
    records.put("peers", peers, PeerRecord(n=own.n + 1, mean=mean, var=var))
