"""What the windows of those behind events say, asked of a real store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import redis
from hypothesis import HealthCheck, settings

from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.events import Event
from schemas.observation import Followed, Observation, event_ref
from state import Ask, Span, Store
from state.embedded import EmbeddedRedis
from streams import asking, follower_asks
from tests.detectors.scene import BOX, DOCTOR, PHARMACY, Scene

INPUT = "claims|topic-id|0"
RIVAL, ALONE = "6118001230075", "6118001230082"
START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
SCENE = (
    Scene()
    .table("letter_values", {"letter": "K", "value": 1_000}, {"letter": "C"})
    .act("CS", letter="C", coefficient=1)
    .act("K10", letter="K", coefficient=10)
    .act("K20", letter="K", coefficient=20)
    .act("K90", letter="K", coefficient=90)
    .table("calendar", {"date": "2026-03-04", "kind": "FIXED"}, {"date": "2026-03-05", "kind": "RAMADAN"})
    .table(
        "drugs",
        {"ean13": BOX, "atc": "N02BE01", "name": "DOLI 500"},
        {"ean13": RIVAL, "atc": "N02BE51", "brand": "RIVAL", "name": "RIVAL 1 G"},
        {"ean13": ALONE, "atc": "C08CA01", "brand": "ALONE"},
    )
    .table(
        "communes",
        {"commune": "C1", "lat": 33.6, "lon": -7.6},
        {"commune": "C2", "lat": 34.0, "lon": -6.8},
        {"commune": "C3", "lat": 33.7, "lon": -7.4},
    )
    .provider(DOCTOR, network="N-1", commune="C1")
    .provider(PHARMACY, "PHARMACIE", network="N-1", lat=34.05, lon=-6.85)
)
FAR = {("C1", PHARMACY), ("C2", DOCTOR), ("C3", PHARMACY)}
"""Rabat and Casablanca lie 86 km apart; C3 lies beside Casablanca; the pharmacy is in Rabat, the doctor in
Casablanca."""
TABLES = SCENE.book.snapshot()
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def watch(
    server: EmbeddedRedis, events: Sequence[tuple[Event, str | None]], size: int = 3, tags: int = 1
) -> list[Observation | Followed | None]:
    """What the windows say to each (event, commune), in batches."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    store = Store(server.url, tags=tags, require_aof=False)
    store.check()
    store.own([INPUT])
    told: list[Observation | Followed | None] = []
    for begin in range(0, len(events), size):
        batch = list(enumerate(events))[begin : begin + size]
        store.intern(name for _, (event, _) in batch for name in asking.names(event))
        made = [
            asking.question(event, TABLES, store.numbers.__getitem__, offset, commune)
            for offset, (event, commune) in batch
        ]
        asks = [
            Ask(
                input=0,
                offset=offset,
                content=blake2b(msgspec.msgpack.encode(event), digest_size=16).digest(),
                event_id=event.event_id,
                ref=event_ref(event.event_id),
                claim_id=str(getattr(event, "claim_id", "")),
                beneficiary=str(getattr(event, "beneficiary", "")),
                undo=asked.undo,
                undo_payment=asked.undo_payment,
                home=asked.home,
                away=asked.away,
                home_reads=asked.reads,
            )
            for (offset, (event, _)), asked in zip(batch, made, strict=True)
        ]
        answers = store.observe([Span(INPUT, begin - 1, begin + len(batch) - 1)], asks)
        for (_, (one, _)), asked, answer in zip(batch, made, answers, strict=True):
            if answer.status != "NEW" or isinstance(one, PriorApproval):
                told.append(None)
            elif asked.followed:
                told.append(follower_asks.followed(asked, answer.away))
            else:
                told.append(asking.observation(asked, [*answer.home, *answer.away]))
    store.close()
    return told


def event(of: type[Any], number: int, hours: int, **fields: Any) -> Any:
    at = START + dt.timedelta(hours=hours)
    body = {"version": 1, "event_id": f"E{number}", "event_time": at, "organism": "CNOPS", "flow": "AMO"}
    body |= {"type": of.__struct_config__.tag, "claim_id": f"D{number}", **fields}
    return msgspec.convert(body, of)


def claim(number: int, *lines: dict[str, Any], who: str = "B-1", **fields: Any) -> Claim:
    body = [{**line, "line": place} for place, line in enumerate(lines, 1)]
    more = {"beneficiary": who, "insured": "A-1", "kind": "AMBULATOIRE", "deposit_date": "2026-03-10"}
    made: Claim = event(Claim, number, number, **{**more, "lines": body, **fields})
    return made
