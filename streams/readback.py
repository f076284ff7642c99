"""Reads the topics back with a consumer of its own, as a liquidation system would: read_committed, from the beginning.

What it says rests on nothing that the worker counts.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as Record

TOPICS = ("verdicts", "screened", "payment-suspensions", "fraud-alerts", "internal-alerts", "dead-letters")


@dataclass(slots=True)
class Heard:
    """Everything that was published. By event id: `first`, when it was first answered; `live`, its last revision."""

    records: Counter[str] = field(default_factory=Counter)
    first: dict[str, float] = field(default_factory=dict)
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    contents: dict[str, set[bytes]] = field(default_factory=dict)
    places: Counter[tuple[bytes, bytes, bytes, str]] = field(default_factory=Counter)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, record: Record, at: float) -> None:
        """Note one record, received at that instant (seconds since the epoch)."""
        topic, value = record.topic() or "", record.value() or b""
        self.records[topic] += 1
        if topic == "verdicts":
            said = orjson.loads(value)
            self.first.setdefault(said["event_id"], at)
            self.contents.setdefault(said["verdict_id"], set()).add(blake2b(value, digest_size=16).digest())
        elif topic == "screened":
            said = orjson.loads(value)
            where = _headers(record)
            self.places[where["topic"], where["partition"], where["offset"], said["verdict_id"]] += 1
            known = self.revisions.setdefault(said["event_id"], [])
            if all(one["verdict_id"] != said["verdict_id"] for one in known):
                known.append(said)
            self.live[said["event_id"]] = max(
                known, key=lambda one: int(one["verdict_id"].rpartition("-")[2])
            )
        elif topic == "dead-letters":
            self.reasons[_headers(record).get("reason", b"").decode()] += 1
        elif topic in ("fraud-alerts", "internal-alerts"):
            self.alerts.append(orjson.loads(value))

    def duplicated(self) -> int:
        """Verdict records beyond one per input offset and revision, plus verdict ids with two contents."""
        beyond = sum(count - 1 for count in self.places.values())
        unequal = abs(self.records["verdicts"] - self.records["screened"])
        return beyond + unequal + sum(len(contents) - 1 for contents in self.contents.values())


class Listener:
    """Listens in a thread until it is closed."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self.heard = Heard()
        self._stop = threading.Event()
        self._consumer = Consumer(
            {
                **client,
                "group.id": "crible-readback",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        topics = self._consumer.list_topics(timeout=15).topics
        self._consumer.assign(
            [TopicPartition(name, number, 0) for name in TOPICS for number in topics[name].partitions]
        )
        self._thread = threading.Thread(target=self._listen, name="readback", daemon=True)
        self._thread.start()

    def wait(
        self, done: Callable[[Heard], bool], seconds: float, tick: Callable[[Heard], None] | None = None
    ) -> bool:
        """Wait until enough was heard; False where nothing new came for that many seconds."""
        last, since = -1, time.monotonic()
        while not done(self.heard):
            count = self.heard.records.total()
            if count != last:
                last, since = count, time.monotonic()
            if time.monotonic() - since > seconds or not self._thread.is_alive():
                return False
            if tick:
                tick(self.heard)
            time.sleep(0.05)
        return True

    def close(self) -> Heard:
        """Listen a moment longer for what nobody waits for, then stop."""
        time.sleep(0.5)
        self._stop.set()
        self._thread.join()
        self._consumer.close()
        return self.heard

    def _listen(self) -> None:
        while not self._stop.is_set():
            for record in self._consumer.consume(500, 0.05):
                if record.error() is None:
                    self.heard.take(record, time.time())


def _headers(record: Record) -> dict[str, bytes]:
    """The record's headers; those without a value are left out."""
    said = record.headers() or []
    pairs = said.items() if isinstance(said, dict) else said
    return {
        name: value if isinstance(value, bytes) else value.encode()
        for name, value in pairs
        if value is not None
    }
