"""A fold whose consumer Kafka has shut out ends its worker: it would fold nothing any more, and nobody would know."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

from state import EmbeddedRedis, Store
from streams import folding
from streams.broker import EmbeddedBroker
from streams.folding import FoldLoop
from streams.kafka_source import KafkaSource
from streams.positions import Position
from streams.shut_out import ShutOut
from streams.topics import Topics
from streams.transactions import Transactions

TOPIC = "learning"


class _Nothing:
    def keys(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        return []

    def apply(self, records: dict[str, bytes | None], messages: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {}


class _Folding(threading.Thread):
    """One loop in a thread; `ended` is how it ended."""

    def __init__(self, bootstrap: str, url: str) -> None:
        super().__init__(daemon=True)
        config: dict[str, object] = {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "group.id": "g",
            "group.instance.id": "same",
        }
        self.loop = FoldLoop(TOPIC, config, TOPIC, Store(url, require_aof=False), _Nothing())
        self.stop = threading.Event()
        self.ended: BaseException | None = None

    def run(self) -> None:
        try:
            self.loop.run(self.stop)
        except BaseException as error:
            self.ended = error

    def wait_started(self) -> None:
        deadline = time.monotonic() + 60
        while not self.loop._fences:
            assert time.monotonic() < deadline, "no partition was assigned"
            time.sleep(0.02)


@pytest.fixture
def bootstrap() -> Iterator[str]:
    """Where a broker with all topics answers."""
    with EmbeddedBroker() as broker:
        Topics({"bootstrap.servers": broker.bootstrap}).create(1)
        yield broker.bootstrap


@pytest.fixture
def store(server: EmbeddedRedis) -> Iterator[Store]:
    """Somebody else's door to the same Redis, emptied, which has the functions then."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    door = Store(server.url, require_aof=False)
    door.check()
    yield door
    door.close()


@pytest.fixture
def namesakes(bootstrap: str, server: EmbeddedRedis, store: Store) -> Iterator[tuple[_Folding, _Folding]]:
    """Two loops of one name; the first one folds already."""
    first, second = (_Folding(bootstrap, server.url) for _ in range(2))
    first.start()
    first.wait_started()
    yield first, second
    for one in (first, second):
        one.stop.set()
    second.join(30)


def test_a_second_of_the_same_name_ends_the_first(namesakes: tuple[_Folding, _Folding]) -> None:
    first, second = namesakes
    second.start()
    second.wait_started()
    first.join(60)
    assert isinstance(first.ended, SystemExit)
    assert "No two workers may share a CRIBLE_WORKER_ID" in str(first.ended)
    assert second.is_alive()


def test_also_while_it_waits_for_whose_the_partition_is(
    namesakes: tuple[_Folding, _Folding], bootstrap: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another owner was met in Redis: what Kafka says meanwhile must not be taken for a message and dropped."""
    monkeypatch.setattr(folding, "STALE_SECONDS", 30.0)
    first, second = namesakes
    store.own([f"{TOPIC}|{TOPIC}|0"])
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    producer.produce(TOPIC, b"{}")
    assert producer.flush(30) == 0
    deadline = time.monotonic() + 60
    while first.loop._fences:
        assert time.monotonic() < deadline, "the other owner was not met"
        time.sleep(0.02)
    second.start()
    first.join(60)
    assert isinstance(first.ended, SystemExit)


def _from_the_start(consumer: Consumer, partitions: Sequence[TopicPartition]) -> list[Position]:
    return [Position(p.topic, p.partition, p.topic, -1, 0) for p in partitions]


def _keep_alive(source: KafkaSource, namesake: Consumer, deadline: float) -> None:
    while time.monotonic() < deadline:
        namesake.poll(0.1)
        source.keep_alive()


def test_a_worker_that_waits_for_redis_is_shut_out_too(bootstrap: str) -> None:
    """It only keeps its membership alive, and that is all Kafka has to say."""
    client: dict[str, object] = {"bootstrap.servers": bootstrap, "log_level": 0}
    config = {**client, "group.id": "g", "group.instance.id": "same"}
    source = KafkaSource(config, Transactions(client, "one"), _from_the_start, size=10)
    source.open()
    deadline = time.monotonic() + 60
    while not source.settled:
        assert time.monotonic() < deadline, "no partition was assigned"
        source.next()
    namesake = Consumer(config)
    namesake.subscribe(["claims"])
    try:
        with pytest.raises(ShutOut):
            _keep_alive(source, namesake, deadline)
    finally:
        namesake.close()
        source.close()
