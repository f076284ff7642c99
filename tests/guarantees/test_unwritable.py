"""A topic of answers that takes nothing: the claim is not acknowledged, nothing else of its batch is told, and once the
topic takes it, all of it is told once.
"""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.topics import TOPIC_OF
from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.messages import Output
from streams.topics import Topics
from streams.transactions import Rewind, Transactions
from tests.streams.stage import Desk, Event, held
from tests.support.apache_kafka import ApacheKafka
from tests.support.published import read_all
from tests.support.worker import Worker

ANSWERS = ("verdicts", "screened", "payment-suspensions", "fraud-alerts")
TOO_LARGE = b"x" * 2_100_000
"""Beyond what the producer, and the topic, take."""


def told(bootstrap: str) -> list[str]:
    return sorted(record.topic() or "" for record in read_all(bootstrap, ANSWERS))


def test_a_batch_of_which_one_answer_cannot_be_written_tells_nothing() -> None:
    with EmbeddedBroker() as broker:
        client = Settings(brokers=broker.bootstrap).client()
        Topics(client).create(1)
        transactions = Transactions(client, "one")
        transactions.open()
        verdict = Output("verdicts", b"B-1", b"{}", 0)
        with pytest.raises(Rewind):
            transactions.publish(
                [verdict, Output("payment-suspensions", b"D-1", TOO_LARGE)], [], _metadata(client)
            )
        transactions.open()  # as the loop does before it takes the batch again
        assert told(broker.bootstrap) == []
        transactions.publish([verdict, Output("payment-suspensions", b"D-1", b"{}")], [], _metadata(client))
        assert told(broker.bootstrap) == ["payment-suspensions", "verdicts"]
        transactions.close()


def _metadata(client: dict[str, object]) -> object:
    consumer = Consumer({**client, "group.id": "g"})
    metadata = consumer.consumer_group_metadata()
    consumer.close()
    return metadata


@pytest.mark.kafka
def test_a_topic_of_suspensions_that_takes_nothing_holds_the_claim_back(
    apache_one: ApacheKafka, tmp_path: Path
) -> None:
    brokers = apache_one.bootstrap
    client = Settings(brokers=brokers).client()
    Topics(client).create(1)
    admin = AdminClient(client)

    def limit(size: str) -> None:
        entry = ConfigEntry("max.message.bytes", size, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, "payment-suspensions", incremental_configs=[entry])
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(20)

    producer = Producer({**client, "partitioner": "murmur2_random"})

    def send(*events: Event) -> None:
        for event in events:
            topic = TOPIC_OF[event["type"]]
            producer.produce(topic.name, orjson.dumps(event), topic.key_of(event).encode())
        assert producer.flush(20) == 0

    desk = Desk()
    send(*desk.world())
    with EmbeddedRedis(durable=True) as redis:
        environment = {"CRIBLE_BROKERS": brokers, "CRIBLE_REDIS": redis.url, "CRIBLE_WORKER_ID": "w"}
        environment["CRIBLE_METRICS_PORT"] = "0"
        with Worker(environment, tmp_path) as worker:
            worker.wait_ready()
            limit("100")
            send(desk.claim("C-1", held()))
            worker.wait_said("transaction not committed", 60)
            time.sleep(2)
            assert told(brokers) == [], "its verdict and its alert are not told either"
            limit("1048588")
            end = time.monotonic() + 60
            while len(told(brokers)) < len(ANSWERS):
                assert time.monotonic() < end, worker.said()
                time.sleep(0.3)
            assert worker.terminate() == 0
    assert told(brokers) == sorted(ANSWERS)
