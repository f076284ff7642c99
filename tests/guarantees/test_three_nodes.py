"""Three nodes of Apache Kafka: one may go, and nothing that was acknowledged goes with it."""

from __future__ import annotations

import pytest

from streams.conformance.ground import Ground, send
from tests.support import apache_kafka
from tests.support.apache_kafka import ApacheCluster

pytestmark = [pytest.mark.kafka, apache_kafka.needed]
PLACES = 6


def _leader(ground: Ground, topic: str) -> int:
    return next(int(one.leader) for one in ground.partitions(topic) if one.id == 0)


def test_a_node_may_go_with_transactions_under_way(apache_three: ApacheCluster) -> None:
    with Ground({"bootstrap.servers": apache_three.bootstrap}) as ground:
        topic = ground.topic(PLACES, {"min.insync.replicas": "2"})
        assert {len(one.isrs) for one in ground.partitions(topic)} == {3}
        producer = ground.transactional(ground.name("tx"))
        producer.begin_transaction()
        send(producer, topic, b"before", partition=0)
        producer.commit_transaction(60)
        producer.begin_transaction()
        send(producer, topic, b"dropped", partition=0)
        led = _leader(ground, topic)
        gone = apache_three.nodes[led - 1]
        gone.server.kill()
        try:
            producer.abort_transaction(60)
            producer.begin_transaction()
            for number in range(PLACES):
                send(producer, topic, b"after", partition=number)
            producer.commit_transaction(60)
            records = ground.read([(topic, number) for number in range(PLACES)], PLACES + 1, 60.0)
            assert sorted((one.partition(), one.value()) for one in records) == sorted(
                [(0, b"before"), *((number, b"after") for number in range(PLACES))]
            )
            assert _leader(ground, topic) != led
        finally:
            gone.again()
            apache_three.wait_whole()

        def whole() -> bool:
            return {len(one.isrs) for one in ground.partitions(topic)} == {3}

        assert ground.until(whole, 60.0), "the node that came back did not catch up"
