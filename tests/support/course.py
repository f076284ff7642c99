"""One run of a deployment: topics, producer, and a way to know when everything sent has been answered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from streams.topics import Topics
from tests.support.published import read_all
from tests.support.traffic import Message

INPUTS = ("claims", "liquidations", "payments", "prior-approvals", "beneficiaries")


class Course:
    """Talks to one broker; close it when done.

    Args:
        settings: of its workers, as environment variables; the broker and Redis are added.
    """

    def __init__(
        self,
        bootstrap: str,
        redis: str,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        partitions: int = 1,
    ) -> None:
        self.bootstrap, self.redis, self.folder, self.partitions = bootstrap, redis, folder, partitions
        self.settings = {
            "CRIBLE_BROKERS": bootstrap,
            "CRIBLE_REDIS": redis,
            "CRIBLE_WORKER_ID": "w1",
            **(settings or {}),
        }
        client = {"bootstrap.servers": bootstrap, "log_level": 0}
        Topics(client).create(partitions)
        self.producer = Producer({**client, "partitioner": "murmur2_random", "linger.ms": 0})
        self._group = Consumer({**client, "group.id": "crible", "enable.auto.commit": False})
        self.abandoned = threading.Event()
        self.ends: Counter[tuple[str, int]] = Counter()
        self._rescreens: Counter[tuple[str, int]] = Counter()

    def close(self) -> None:
        """Close the clients."""
        self._group.close()

    def send(self, messages: Iterable[Message], rate: float = 0.0) -> None:
        """Produce and wait until the broker has them; `rate` in messages a second, 0 = at once."""
        started = time.monotonic()
        for index, message in enumerate(messages):
            if rate and (ahead := index / rate - (time.monotonic() - started)) > 0:
                time.sleep(ahead)
            self.producer.produce(message.topic, message.value, message.key, on_delivery=self._delivered)
            self.producer.poll(0)
        assert self.producer.flush(60) == 0, "the broker did not take all messages"

    def _delivered(self, error: object, record: object) -> None:
        assert error is None, error
        topic, number = record.topic(), record.partition()  # type: ignore[attr-defined]
        if topic in INPUTS:
            self.ends[topic, number] = max(self.ends[topic, number], record.offset() + 1)  # type: ignore[attr-defined]

    def committed(self) -> dict[tuple[str, int], int]:
        """Committed offsets of the screening group."""
        wanted = [
            TopicPartition(topic, number)
            for topic in (*INPUTS, "rescreens")
            for number in range(self.partitions)
        ]
        return {
            (one.topic, one.partition): max(0, one.offset)
            for one in self._group.committed(wanted, timeout=20)
        }

    def done(self) -> int:
        """How many messages have been answered so far."""
        return sum(self.committed().values())

    def quiet(self) -> bool:
        """Whether everything sent has been answered, and everything asked again has too."""
        try:
            committed = self.committed()
            if any(committed[place] < end for place, end in self.ends.items()):
                return False
            self._read_rescreens()
            committed = self.committed()
        except KafkaException:
            return False  # the broker is away
        return all(committed[place] >= end for place, end in self._rescreens.items())

    def wait_quiet(self, seconds: float = 60.0) -> None:
        """Wait until `quiet`; AssertionError where that takes longer."""
        deadline = time.monotonic() + seconds
        while not self.quiet():
            assert time.monotonic() < deadline, f"not answered: sent {self.ends}, {self.committed()}"
            assert not self.abandoned.is_set(), "the run was given up"
            time.sleep(0.01)

    def _read_rescreens(self) -> None:
        for record in read_all(self.bootstrap, ("rescreens",)):
            self._rescreens["rescreens", int(record.partition() or 0)] = int(record.offset() or 0) + 1
