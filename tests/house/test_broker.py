"""The embedded broker does transactions, and leaves neither process, port nor directory behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from streams.embedded import BrokerError, free_port
from tests.support import apache_kafka

ROOT = Path(__file__).parents[2]
OWNER = """
import time
from streams.broker import EmbeddedBroker
broker = EmbeddedBroker()
broker.start()
print(broker.server.pid, broker.server.directory, broker.bootstrap.rpartition(":")[2], flush=True)
time.sleep(60)
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _committed_only(bootstrap: str) -> list[bytes | None]:
    """What a read_committed consumer sees of one committed, one aborted and one committed transaction."""
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "log_level": 0}
    admin = AdminClient(client)
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(30)
    producer = Producer({**client, "transactional.id": "x"})
    producer.init_transactions(30)
    for number, keep in enumerate((True, False, True)):
        producer.begin_transaction()
        producer.produce("t", b"%d" % number)
        producer.flush(10)
        (producer.commit_transaction if keep else producer.abort_transaction)(30)
    consumer = Consumer(
        {**client, "group.id": "g", "isolation.level": "read_committed", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["t"])
    seen: list[bytes | None] = []
    end = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < end:
        seen += [message.value() for message in consumer.consume(10, 0.2) if message.error() is None]
    seen += [message.value() for message in consumer.consume(1, 0.3)]
    consumer.close()
    return seen


def test_transactions_are_kept_and_dropped_as_told() -> None:
    with EmbeddedBroker() as broker:
        assert _committed_only(broker.bootstrap) == [b"0", b"2"]


@pytest.mark.kafka
@apache_kafka.needed
def test_apache_kafka_starts_here_and_goes() -> None:
    with apache_kafka.ApacheKafka() as broker:
        assert _committed_only(broker.bootstrap) == [b"0", b"2"]
        port = int(broker.bootstrap.rpartition(":")[2])
    assert not _open(port)


def test_nothing_is_left_after_the_context() -> None:
    with EmbeddedBroker() as broker:
        server, port = broker.server, int(broker.bootstrap.rpartition(":")[2])
        assert _alive(server.pid)
        assert _open(port)
    assert not _alive(server.pid)
    assert not _open(port)
    assert not server.directory.exists()
    broker.stop()  # a second stop does nothing


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_the_owner_was_killed(number: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert owner.stdout is not None
    pid, directory, port = owner.stdout.readline().split()
    owner.send_signal(number)
    owner.wait(20)
    owner.stdout.close()
    end = time.monotonic() + 10
    while time.monotonic() < end and (_alive(int(pid)) or Path(directory).exists()):
        time.sleep(0.02)
    assert not _alive(int(pid))
    assert not _open(int(port))
    assert not Path(directory).exists()


def test_a_broker_that_went_is_taken_up_again_with_its_data(tmp_path: Path) -> None:
    with EmbeddedBroker(directory=tmp_path) as broker:
        port = int(broker.bootstrap.rpartition(":")[2])
        assert _committed_only(broker.bootstrap) == [b"0", b"2"]
    with EmbeddedBroker(port=port, directory=tmp_path) as broker:
        topics = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}).list_topics(timeout=10)
        assert "t" in topics.topics
        broker.server.kill()
        assert not broker.server.alive()
        broker.again()
        assert broker.server.alive()
        assert _open(port)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=str(port)):
            EmbeddedBroker(port=port).start()


def test_an_unstarted_broker_has_no_address() -> None:
    with pytest.raises(BrokerError, match="not been started"):
        _ = EmbeddedBroker().bootstrap
    assert free_port() > 1023
