"""All kinds of bad input together, over Kafka's protocol through one real worker."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from schemas.topics import TOPIC_OF
from state import EmbeddedRedis
from state.leash import Leash
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.topics import Topics
from tests.streams.bad_input import Bad, background, catalogue, check
from tests.streams.stage import Desk, Event, Said, Stage, stable

TIMEOUT = 15.0
ANSWERS = ("verdicts", "screened", "dead-letters")


class Heard:
    """What a read_committed consumer found on the topics of answers."""

    def __init__(self, settings: Settings) -> None:
        self.said = Said()
        self.letters: list[tuple[dict[str, str], bytes | None]] = []
        self._consumer = Consumer(
            {**settings.client(), "group.id": "readback", "isolation.level": "read_committed"}
        )
        self._consumer.assign([TopicPartition(name, 0, 0) for name in ANSWERS])

    def listen(self, records: int, letters: int) -> None:
        """Until so many came, then a little longer for what nobody expects."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            for message in self._consumer.consume(200, 0.2):
                self._take(message)
            if len(self.said.records) >= records and len(self.letters) >= letters:
                end = min(end, time.monotonic() + 0.5)
        self._consumer.close()

    def _take(self, message: Message) -> None:
        assert message.error() is None
        if message.topic() == "dead-letters":
            headers = {str(pair[0]): _text(pair[1]) for pair in message.headers() or ()}
            self.letters.append((headers, message.value()))
        elif message.topic() == "screened":
            self.said.records.append(orjson.loads(message.value() or b""))
        else:
            self.said.verdicts.append(orjson.loads(message.value() or b""))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with EmbeddedRedis(durable=True) as redis, EmbeddedBroker() as broker:
        yield Settings(brokers=broker.bootstrap, redis=redis.url, worker_id="w", group="bad")


def _worker(settings: Settings, folder: Path) -> Leash:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
    named = {"BROKERS": settings.brokers, "REDIS": settings.redis, "WORKER_ID": "w", "GROUP": settings.group}
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    environment = {**kept, **path, **{f"CRIBLE_{name}": value for name, value in named.items()}}
    worker = Leash(
        [sys.executable, "-m", "streams.cli", "worker"], folder / "worker", environment=environment
    )
    end = time.monotonic() + TIMEOUT
    while "ready" not in worker.output(50).split():
        assert worker.alive(), worker.output(50)
        assert time.monotonic() < end, worker.output(50)
        time.sleep(0.05)
    return worker


def _send(producer: Producer, event: Event) -> None:
    topic = TOPIC_OF[event["type"]]
    _produce(producer, topic.name, orjson.dumps(event), topic.key_of(event).encode())


def _produce(producer: Producer, topic: str, value: bytes | None, key: bytes | None) -> None:
    producer.produce(topic, value, key, timestamp=int(Desk().now.timestamp() * 1000) + 3_600_000)
    producer.flush(10)


def _wait_applied(settings: Settings, topic: str, count: int) -> None:
    reader = Consumer({**settings.client(), "group.id": settings.group})
    end = time.monotonic() + TIMEOUT
    while reader.committed([TopicPartition(topic, 0)], timeout=10)[0].offset < count:
        assert time.monotonic() < end, f"{topic} is not read"
        time.sleep(0.1)
    reader.close()


def test_all_kinds_through_a_worker(settings: Settings, stage: Stage, tmp_path: Path) -> None:
    Topics(settings.client()).create(1)
    before, after = background(Desk())
    # No order is promised between topics: what is compared comes on one of them.
    events = [event for event in [*before, *after] if event["type"] not in ("liquidation", "payment")]
    world = [event for event in events if event["type"] != "claim"]
    claims = [event for event in events if event["type"] == "claim"]
    expected = [stable(record) for record in stage.screen(events).records]
    producer = Producer({**settings.client(), "partitioner": "murmur2_random", "linger.ms": 0})
    for event in world:  # now: a table of last March would be stale
        topic = TOPIC_OF[event["type"]]
        producer.produce(topic.name, orjson.dumps(event), topic.key_of(event).encode())
    producer.flush(10)
    worker = _worker(settings, tmp_path)
    try:
        _wait_applied(settings, "beneficiaries", 2)
        bad = catalogue(Desk(), 5_000)  # as many as a message of a megabyte holds
        sent: list[Bad] = []
        for number, event in enumerate(claims):
            _send(producer, event)
            for one in bad[number :: len(claims)]:
                sent.append(one)
                key = one.key or (b"B-secret-person" if one.verdict else None)
                _produce(producer, "claims", None if one.name == "tombstone" else one.value, key)
        reused = {**claims[0], "lines": claims[0]["lines"] * 1, "declared_total": 5}
        _send(producer, claims[0])
        _send(producer, reused)
        heard = Heard(settings)
        answered = sum(one.verdict for one in bad)
        heard.listen(len(claims) + answered + 1, len(bad) + 1)
    finally:
        worker.stop()
    plain = [stable(record) for record in heard.said.records if not record["event_id"].startswith("BAD")]
    assert plain[:-1] == expected
    assert plain[-1] == plain[0]
    told = [headers["reason"] for headers, _ in heard.letters]
    assert len(told) == len(bad) + 1, " ".join(told)
    for one, (headers, value) in zip(sent, heard.letters, strict=False):
        check(one, {**headers, "received": ""})
        assert (value or b"") == one.value, one.name
    assert heard.letters[-1][0]["reason"] == "reused-event-id"
    mine = [record["event_id"] for record in heard.said.records if record["event_id"].startswith("BAD")]
    assert len(mine) == len(set(mine)) == answered
    assert len(heard.said.verdicts) == len(heard.said.records)
