"""Sends simulated events to the input topics, as the systems of a payer would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from confluent_kafka import Producer

from schemas.topics import TOPIC_OF

FLUSH_SECONDS = 30.0


class NotTaken(RuntimeError):
    """The broker did not take all events in time."""


class Sender:
    """Produces events in order. `sent` tells when each left (seconds since the epoch), `paced` which had room."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self.sent: dict[str, float] = {}
        self.paced: set[str] = set()
        self._producer: Producer | None = Producer(
            {**client, "partitioner": "murmur2_random", "linger.ms": 0, "enable.idempotence": True}
        )

    def send(self, events: Iterable[dict[str, Any]], rate: float, tick: Callable[[int], None]) -> None:
        """Send them no faster than `rate` a second (0: as fast as the broker takes them). Raises NotTaken."""
        assert self._producer is not None
        started = time.monotonic()
        done = 0
        for index, event in enumerate(events):
            if rate:
                ahead = index / rate - (time.monotonic() - started)
                if ahead > 0.002:
                    self._producer.poll(0)
                    time.sleep(ahead)
            self._send(self._producer, event)
            done = index + 1
            if index % 200 == 0:
                tick(index)
        if self._producer.flush(FLUSH_SECONDS) > 0:
            raise NotTaken(f"the broker did not take all events within {FLUSH_SECONDS:.0f} s")
        tick(done)

    def close(self) -> None:
        """Let go of the connection: a producer of librdkafka has no other end than its last reference."""
        self._producer = None

    def _send(self, producer: Producer, event: dict[str, Any]) -> None:
        topic = TOPIC_OF[event["type"]]
        while True:
            try:
                producer.produce(topic.name, orjson.dumps(event), topic.key_of(event).encode())
                break
            except BufferError:
                producer.poll(0.01)
        self.sent.setdefault(event["event_id"], time.time())
