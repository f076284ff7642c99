"""What the tests and the campaign read of the output topics: all that is committed, also behind a dead producer."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import Producer

from streams.topics import Topics
from tests.support import apache_kafka
from tests.support.published import read_all

pytestmark = [pytest.mark.kafka, apache_kafka.needed]
HELD_S = 6.0


def test_a_commit_behind_an_open_transaction_is_waited_for() -> None:
    with apache_kafka.ApacheKafka() as broker:
        client = {"bootstrap.servers": broker.bootstrap, "log_level": 0}
        Topics(client).create(1)
        dead, alive = (Producer({**client, "transactional.id": name}) for name in ("dead", "alive"))
        for producer in (dead, alive):
            producer.init_transactions(20)
            producer.begin_transaction()
        dead.produce("screened", b"never")
        assert dead.flush(20) == 0
        alive.produce("screened", b"answer")
        alive.commit_transaction(20)
        assert read_all(broker.bootstrap, ("screened",)) == [], "it is hidden so far"
        begun = time.monotonic()
        end = threading.Timer(HELD_S, dead.abort_transaction, (20,))
        end.start()
        told = read_all(broker.bootstrap, ("screened",), decided=True)
        end.join()
        assert [record.value() for record in told] == [b"answer"]
        assert time.monotonic() - begun >= HELD_S
        assert [record.value() for record in read_all(broker.bootstrap, ("screened",))] == [b"answer"]
