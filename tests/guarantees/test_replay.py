"""What was answered and is only applied again: Kafka's committed offset stays where it is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.broker import EmbeddedBroker
from streams.kafka_source import KafkaSource
from streams.messages import Output
from streams.positions import Position
from streams.topics import Topics
from streams.transactions import Transactions

ANSWERED, SENT, SIZE = 10, 12, 4


def _behind(consumer: Consumer, partitions: Sequence[TopicPartition]) -> list[Position]:
    """Redis lost everything; Kafka knows that ten claims were answered."""
    return [
        Position(p.topic, p.partition, p.topic, -1, ANSWERED if p.topic == "claims" else 0)
        for p in partitions
    ]


def test_applying_again_never_takes_the_committed_offset_back() -> None:
    with EmbeddedBroker() as broker:
        client: dict[str, object] = {"bootstrap.servers": broker.bootstrap, "log_level": 0}
        Topics(client).create(1)
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        for index in range(SENT):
            producer.produce("claims", b"%d" % index)
        assert producer.flush(30) == 0
        watcher = Consumer({**client, "group.id": "g", "enable.auto.commit": False})
        watcher.commit(offsets=[TopicPartition("claims", 0, ANSWERED)], asynchronous=False)
        config = {**client, "group.id": "g", "group.instance.id": "one"}
        source = KafkaSource(config, Transactions(client, "one"), _behind, size=SIZE)
        source.open()
        seen: list[tuple[bool, int]] = []
        deadline = time.monotonic() + 60
        while len(seen) < SENT and time.monotonic() < deadline:
            batch = source.next()
            if batch is None:
                continue
            new = [message for message in batch.messages if not message.answered]
            source.commit(batch, [Output("screened", None, b"said", 0) for _ in new])
            seen += [(message.answered, message.offset) for message in batch.messages]
            (stands,) = watcher.committed([TopicPartition("claims", 0)], timeout=20)
            assert stands.offset == max(ANSWERED, seen[-1][1] + 1)
        source.close()
        watcher.close()
    assert seen == [(offset < ANSWERED, offset) for offset in range(SENT)]
