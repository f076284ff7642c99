"""On Apache Kafka, with several workers: partitions change hands, and every event is answered once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import Message as Record

from state import EmbeddedRedis
from streams.kafka_source import KafkaSource
from streams.messages import Batch, Output
from streams.positions import Position
from streams.topics import Topics
from streams.transactions import Rewind, Transactions
from tests.support import apache_kafka
from tests.support.course import Course
from tests.support.published import published, read_all
from tests.support.traffic import Traffic
from tests.support.worker import Worker

pytestmark = [pytest.mark.kafka, apache_kafka.needed]
EVENTS = 40
SESSION_S = 10.0  # of the workers' consumers
RATE = 60.0


@pytest.fixture(params=["one-node", "three-nodes"])
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty cluster: workers own its topics by name."""
    alone = request.param == "one-node"
    with apache_kafka.ApacheKafka() if alone else apache_kafka.ApacheCluster() as brokers:
        yield brokers.bootstrap


class _Member:
    """A source and its transactions, without Redis: positions are what Kafka has committed."""

    def __init__(self, bootstrap: str, name: str) -> None:
        client: dict[str, object] = {"bootstrap.servers": bootstrap, "log_level": 0}
        config = {**client, "group.id": "g", "group.instance.id": name}
        self.source = KafkaSource(config, Transactions(client, f"g-{name}"), _committed, size=EVENTS)

    def commit(self, batch: Batch) -> None:
        said = [
            Output("screened", None, f"{m.topic}/{m.partition}/{m.offset}".encode(), m.partition)
            for m in batch.messages
        ]
        self.source.commit(batch, said)

    def turn(self) -> int:
        """Answer one batch; how many messages it had."""
        batch = self.source.next()
        if batch is None:
            return 0
        try:
            self.commit(batch)
        except Rewind:
            self.source.resettle(reopen=True)
            return 0
        return len(batch.messages)

    def serve(self, stop: threading.Event) -> None:
        """Answer until told to stop."""
        self.source.open()
        while not stop.is_set():
            self.turn()
        self.source.close()


def _committed(consumer: Consumer, partitions: Sequence[TopicPartition]) -> list[Position]:
    return [
        Position(p.topic, p.partition, f"{p.topic}|{p.partition}", max(0, p.offset) - 1, max(0, p.offset))
        for p in consumer.committed(list(partitions), timeout=20)
    ]


def _answers(bootstrap: str) -> list[bytes]:
    return sorted(record.value() or b"" for record in read_all(bootstrap, ("screened",)))


def _filled(bootstrap: str) -> list[bytes]:
    """Two partitions of claims; what is to be answered."""
    Topics({"bootstrap.servers": bootstrap}).create(2)
    producer = Producer({"bootstrap.servers": bootstrap})
    for index in range(EVENTS):
        producer.produce("claims", b"%d" % index, partition=index % 2)
    assert producer.flush(30) == 0
    return sorted(f"claims/{number}/{at}".encode() for number in (0, 1) for at in range(EVENTS // 2))


def _wait_answers(bootstrap: str, wanted: list[bytes], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while set(_answers(bootstrap)) != set(wanted) and time.monotonic() < deadline:
        time.sleep(0.2)


class _Interrupted(KafkaSource):
    """Between the first message of a batch and the drain, `meanwhile` happens, once."""

    meanwhile: Callable[[], None] | None = None

    def _read(self, count: int, timeout: float) -> list[Record]:
        if timeout == 0.0 and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return super()._read(count, timeout)


def test_a_rebalance_between_the_two_reads_answers_nothing_twice(kafka: str) -> None:
    wanted = _filled(kafka)
    first, second = _Member(kafka, "first"), _Member(kafka, "second")
    stop = threading.Event()
    joiner = threading.Thread(target=second.serve, args=(stop,), daemon=True)
    source = first.source
    source.__class__ = _Interrupted
    assert isinstance(source, _Interrupted)
    generations: list[int] = []

    def joins() -> None:
        generations.append(source._generation)
        joiner.start()
        deadline = time.monotonic() + 60
        while source._generation == generations[0] and time.monotonic() < deadline:
            source._consumer.poll(0.1)  # what the drain does, for as long as the rebalance takes
        generations.append(source._generation)

    source.meanwhile = joins
    source.open()
    try:
        deadline = time.monotonic() + 90
        while set(_answers(kafka)) != set(wanted) and time.monotonic() < deadline:
            for _ in range(5):
                first.turn()
    finally:
        stop.set()
        joiner.join(30)
        source.close()
    assert len(generations) == 2
    assert generations[0] != generations[1], "no rebalance happened between the two reads"
    assert _answers(kafka) == wanted


def test_a_batch_read_before_a_rebalance_is_refused_after_it(kafka: str) -> None:
    wanted = _filled(kafka)
    first, second = _Member(kafka, "first"), _Member(kafka, "second")
    first.source.open()
    deadline = time.monotonic() + 60
    while (batch := first.source.next()) is None:
        assert time.monotonic() < deadline
    stop = threading.Event()
    joiner = threading.Thread(target=second.serve, args=(stop,), daemon=True)
    joiner.start()
    generation = first.source._generation
    try:
        while first.source._generation < generation + 2:  # revoked, then assigned anew
            first.source.keep_alive()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(Rewind):
            first.commit(batch)
        first.source.resettle(reopen=True)
        while set(_answers(kafka)) != set(wanted) and time.monotonic() < deadline + 30:
            first.turn()
    finally:
        stop.set()
        joiner.join(30)
        first.source.close()
    assert _answers(kafka) == wanted


def _load(course: Course, events: Traffic) -> threading.Thread:
    def send() -> None:
        course.send((message for phase in events.phases for message in phase), RATE)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def _every_event_once(course: Course, sender: threading.Thread) -> None:
    sender.join(120)
    course.wait_quiet(90)
    told = published(course.bootstrap)
    expected = {
        (topic, number, offset)
        for (topic, number), end in course.ends.items()
        if topic in ("claims", "liquidations", "payments")
        for offset in range(end)
    }
    assert expected - told.sent() == set()
    assert told.duplicated() == []
    assert {number for _, number, _ in expected} == {0, 1}


@pytest.mark.slow
def test_workers_killed_and_frozen_under_load_lose_and_double_nothing(
    kafka: str, events: Traffic, tmp_path: Path
) -> None:
    """Kills with a quick restart, a kill whose partition another takes over, and an owner that sleeps through
    that.
    """
    draw = random.Random(3)
    with EmbeddedRedis(durable=True) as server:
        course = Course(kafka, server.url, tmp_path, {"CRIBLE_BATCH_SIZE": "8"}, partitions=2)
        course.send(events.registries)
        workers = {name: _worker(course, name) for name in ("w1", "w2")}
        try:
            for worker in workers.values():
                worker.wait_ready()
            sender = _load(course, events)
            for name in ("w1", "w2"):
                time.sleep(draw.uniform(0.5, 1.5))
                workers[name].kill()
                workers[name] = _worker(course, name)
                workers[name].wait_ready()
            workers["w2"].pause()
            time.sleep(SESSION_S + 2.0)  # w1 takes its partition over
            before = course.done()
            time.sleep(1.0)
            assert course.done() > before or not sender.is_alive(), "nobody took the partition over"
            workers["w2"].wake()
            time.sleep(2.0)
            workers["w1"].kill()
            _every_event_once(course, sender)
        finally:
            for worker in workers.values():
                worker.kill()
            course.close()


def _worker(course: Course, name: str) -> Worker:
    return Worker(course.settings | {"CRIBLE_WORKER_ID": name}, course.folder, name=name)
