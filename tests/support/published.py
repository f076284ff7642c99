"""What a run has published, read back by a stranger: read_committed, every topic from its beginning to its
end.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka import Message as Record

from tests.support.keyspace import without_clock

TOPICS = ("verdicts", "screened", "payment-suspensions", "fraud-alerts", "internal-alerts", "dead-letters")
Place = tuple[str, int, int]


@dataclass(slots=True)
class Published:
    """Places are input positions (topic, partition, offset)."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Verdict id -> its content in `screened`, without the clock."""
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)
    places: Counter[tuple[Place, str]] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """Verdict id -> how often `verdicts` says it."""
    dead: Counter[tuple[Place, str]] = field(default_factory=Counter)
    told: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    """Suspensions and alerts, without the clock."""

    @property
    def answered(self) -> set[Place]:
        """Input positions that have an answer or a dead letter."""
        return {place for place, _ in self.places} | {place for place, _ in self.dead}

    def sent(self) -> set[Place]:
        """Those of them that the traffic itself made: where a second answer was asked for differs from run to
        run.
        """
        return {place for place in self.answered if place[0] != "rescreens"}

    def duplicated(self) -> list[str]:
        """Records beyond one for an input position and revision, and verdict ids with two contents."""
        found = [f"{place} answered {n} times" for place, n in self.places.items() if n > 1]
        found += [f"{place} dead {n} times" for place, n in self.dead.items() if n > 1]
        found += [f"{name} has {len(c)} contents" for name, c in self.contents.items() if len(c) > 1]
        per_verdict = Counter(verdict for _, verdict in self.places.elements())
        found += [f"{v} said {n} times in verdicts" for v, n in (self.answers - per_verdict).items()]
        return found + [f"{v} is missing in verdicts" for v in (per_verdict - self.answers)]

    def take(self, record: Record) -> None:
        """Note one record."""
        topic, value = record.topic() or "", record.value() or b""
        headers = {
            str(name): text.decode() if isinstance(text, bytes) else str(text)
            for name, text in dict(record.headers() or ()).items()
        }
        if topic == "dead-letters":
            self.dead[_place(headers), headers.get("reason", "")] += 1
            return
        said = orjson.loads(value)
        if topic in ("verdicts", "screened"):
            name = said["verdict_id"]
            self.contents.setdefault((topic, name), set()).add(value)
            plain = without_clock(said)
            if topic == "verdicts":
                self.answers[name] += 1
                self.verdicts[name] = plain
            else:
                self.places[_place(headers), name] += 1
                self.records[name] = plain
        else:
            self.told[topic, orjson.dumps(without_clock(said), option=orjson.OPT_SORT_KEYS)] += 1


def _place(headers: dict[str, str]) -> Place:
    return headers["topic"], int(headers["partition"]), int(headers["offset"])


def published(bootstrap: str, seconds: float = 30.0, *, decided: bool = False) -> Published:
    """Read all output topics to their present end; `decided`: once no transaction on them is open any more."""
    found = Published()
    for record in read_all(bootstrap, TOPICS, seconds, decided=decided):
        found.take(record)
    return found


def read_all(
    bootstrap: str, topics: tuple[str, ...], seconds: float = 30.0, *, decided: bool = False
) -> list[Record]:
    """Every committed record of these topics. AssertionError where the end is not reached in time.

    A commit is told before its marks are in all partitions, and a dead producer's transaction stays open for a while:
    what lies behind it is hidden until then. `decided`: wait for that, up to the ends of now.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "tests-published",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "log_level": 0,
        }
    )
    try:
        known = consumer.list_topics(timeout=15).topics
        wanted = [TopicPartition(name, number, 0) for name in topics for number in known[name].partitions]
        consumer.assign(wanted)
        open_ = {(one.topic, one.partition) for one in wanted}
        ends = _ends(bootstrap, wanted) if decided else {}
        found: list[Record] = []
        deadline = time.monotonic() + seconds
        while open_:
            assert time.monotonic() < deadline, f"no end of {open_}"
            for record in consumer.consume(500, 0.03):
                error = record.error()
                if error is None:
                    found.append(record)
                elif error.code() == KafkaError._PARTITION_EOF:
                    place = str(record.topic()), int(record.partition() or 0)
                    if int(record.offset() or 0) >= ends.get(place, 0):
                        open_.discard(place)
        return found
    finally:
        consumer.close()


def _ends(bootstrap: str, wanted: list[TopicPartition]) -> dict[tuple[str, int], int]:
    """Where the logs end, open transactions with them."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "tests-ends",
            "isolation.level": "read_uncommitted",
            "log_level": 0,
        }
    )
    try:
        return {
            (one.topic, one.partition): consumer.get_watermark_offsets(one, timeout=20.0)[1] for one in wanted
        }
    finally:
        consumer.close()
