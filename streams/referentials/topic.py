"""The tables on their topics: read whole, and sent."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as Record

from detectors.book import ReferentialBook
from schemas.decode import Decoder
from schemas.topics import TOPIC_OF, TOPICS
from streams.config import Settings
from streams.referentials.taking import EPOCH, TABLE_TOPICS, take
from streams.topics import BrokerAway, Topics

ANSWER_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
SEND_SECONDS: Final = 30.0
Place = tuple[str, int, int]
"""(topic, partition, offset)"""


class TopicMissing(RuntimeError):
    """A topic of tables does not exist yet; the message names the command that creates it."""


@dataclass(slots=True)
class Standing:
    """What the topics hold: the book of tables, and where each load stands."""

    book: ReferentialBook = field(default_factory=ReferentialBook)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    """(table, edition) -> its last record."""


def settings_of(client: dict[str, Any], group: str) -> dict[str, Any]:
    """Consumer settings with which compacted topics are read whole, without a group's offsets."""
    return {
        "group.id": group,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "fetch.message.max.bytes": 16_000_000,
        "fetch.wait.max.ms": 200,
        "enable.partition.eof": True,
        **client,
    }


def standing(settings: Settings, progress: Callable[[int], None] | None = None) -> Standing:
    """Everything on the topics of tables, to their present end. Raises BrokerAway, TopicMissing."""
    client = {"log_level": 0, **settings.client()}
    Topics(client, timeout=ANSWER_SECONDS).partitions()  # raises BrokerAway, with the address
    consumer = Consumer(settings_of(client, f"{settings.group}-referentials"))
    found, decoder = Standing(), Decoder()
    try:
        topics = consumer.list_topics(timeout=ANSWER_SECONDS).topics
        missing = [name for name in TABLE_TOPICS if name not in topics]
        if missing:
            raise TopicMissing(f"topics missing: {', '.join(missing)}: run `crible topics create`")
        waiting = {(name, number) for name in TABLE_TOPICS for number in topics[name].partitions}
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in sorted(waiting)])
        deadline, count = time.monotonic() + READ_SECONDS, 0
        while waiting:
            if time.monotonic() > deadline:
                raise BrokerAway(f"{settings.brokers} did not give the tables within {READ_SECONDS:.0f} s")
            for record in consumer.consume(100, 0.05):
                if (error := record.error()) is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        waiting.discard((record.topic() or "", record.partition() or 0))
                    continue
                _take(found, decoder, record)
                count += 1
                if progress is not None:
                    progress(count)
    finally:
        consumer.close()
    return found


def _take(found: Standing, decoder: Decoder, record: Record) -> None:
    topic, key, value = record.topic() or "", record.key(), record.value()
    kind, stamp = record.timestamp()
    at = dt.datetime.fromtimestamp(stamp / 1000, dt.UTC) if kind else EPOCH
    take(found.book, decoder, topic, key, value, at)
    name, _, edition = (key or b"").decode(errors="replace").partition(":")
    if value is None:
        found.places.pop((name, edition), None)
    else:
        found.places[name, edition] = topic, record.partition() or 0, record.offset() or 0


def message(event: dict[str, Any]) -> tuple[str, bytes, bytes]:
    """Topic, key and value of a load."""
    topic = TOPIC_OF[event["type"]]
    return topic.name, topic.key_of(event).encode(), orjson.dumps(event)


def send(settings: Settings, topic: str, key: bytes, value: bytes) -> Place:
    """Send one record and wait until the broker has it; where it stands. Raises BrokerAway."""
    producer = Producer(
        {
            "log_level": 0,
            **settings.client(),
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "message.max.bytes": TOPICS["referentials"].max_message_bytes,
        }
    )
    told: list[Place] = []
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, record: Record) -> None:
        if error is not None:
            failed.append(error)
        else:
            told.append((record.topic() or "", record.partition() or 0, record.offset() or 0))

    try:
        producer.produce(topic, value, key, on_delivery=delivered)
        producer.flush(SEND_SECONDS)
    except (KafkaException, BufferError) as error:
        raise BrokerAway(f"{settings.brokers} did not take the record: {error}") from error
    if not told:
        why = failed[0].str() if failed else f"no answer within {SEND_SECONDS:.0f} s"
        raise BrokerAway(f"{settings.brokers} did not take the record: {why}")
    return told[0]
