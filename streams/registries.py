"""Registries and referentials: read whole before a worker is ready, then followed.

They are not shared out over the group: every worker assigns itself all partitions, from the beginning to the
high watermark, and applies each record to a book whose snapshots the screening loop takes at its batches.
"""

from __future__ import annotations

import logging
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from detectors.book import ReferentialBook
from detectors.referentials import Referentials
from monitoring.metrics import Metrics
from schemas.decode import Decoder, Invalid
from streams.resting import rest

log = logging.getLogger("crible.registries")

KIND_OF = {
    "providers": "provider",
    "liquidators": "liquidator",
    "referentials": "referential",
    "policies": "policy",
    "orders": "order",
}
TOPICS = tuple(KIND_OF)
LOOK_SECONDS, REST_SECONDS = 0.1, 0.5
"""How long the topics are waited at, and then left alone once they have been read whole."""


class RegistryReader:
    """Keeps a book of registries in step with their topics.

    Args:
        config: librdkafka consumer settings.
        decoder: reads the messages.
        metrics: told of rejected loads.
    """

    def __init__(self, config: dict[str, object], decoder: Decoder, metrics: Metrics) -> None:
        self._config, self._decoder, self._metrics = config, decoder, metrics
        self._book = ReferentialBook()
        self._current = self._book.snapshot()
        self._whole = threading.Event()
        self._said = False

    @property
    def current(self) -> Referentials:
        """The snapshot in force: swapped whole, never changed."""
        return self._current

    def wait_whole(self, stop: threading.Event) -> None:
        """Return when every topic has been read to its high watermark, or when told to stop."""
        while not stop.is_set() and not self._whole.wait(0.05):
            pass

    def run(self, stop: threading.Event) -> None:
        """Read whole, then follow, until told to stop."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except KafkaException as error:
                if not self._said:
                    log.warning("registries: broker away (%s): waiting", error.args[0])
                    self._said = True
                stop.wait(0.5)

    def _follow(self, stop: threading.Event) -> None:
        consumer = Consumer(
            {
                "group.id": "crible-registries",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.message.max.bytes": 16_000_000,
                "fetch.wait.max.ms": 200,
                "enable.partition.eof": True,
                **self._config,
            }
        )
        try:
            metadata = consumer.list_topics(timeout=15)
            partitions = (
                [
                    TopicPartition(name, number, OFFSET_BEGINNING)
                    for name in TOPICS
                    for number in metadata.topics[name].partitions
                ]
                if set(TOPICS) <= set(metadata.topics)
                else None
            )
            if partitions is None:
                missing = sorted(set(TOPICS) - set(metadata.topics))
                raise SystemExit(f"topics missing: {', '.join(missing)}. Run `crible topics create`")
            consumer.assign(partitions)
            waiting = {(p.topic, p.partition) for p in partitions}
            while not stop.is_set():
                if not waiting and not self._whole.is_set():
                    self._publish()
                    self._whole.set()
                records = consumer.consume(1, LOOK_SECONDS)
                records += consumer.consume(2_000, 0.0) if records else []
                changed = False
                for record in records:
                    if (error := record.error()) is not None:
                        # Compaction and markers leave holes at the end: only the end itself tells that all
                        # was read.
                        if error.code() == KafkaError._PARTITION_EOF:
                            waiting.discard((record.topic() or "", record.partition() or 0))
                        continue
                    self._apply(record.topic() or "", record.key(), record.value())
                    changed = True
                if changed and self._whole.is_set():
                    self._publish()
                elif self._whole.is_set():
                    rest(consumer, stop, REST_SECONDS)
        finally:
            consumer.close()

    def _apply(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        if value is None:
            self._book.delete(KIND_OF[topic], (key or b"").decode(errors="replace"))
            return
        try:
            load = self._book.apply(self._decoder.decode(value))
            rejected = load.reason if load else None
        except Invalid as invalid:
            rejected = f"{invalid.field}: {invalid.reason} (expected {invalid.expected})"
        except TypeError as error:
            rejected = str(error)
        if rejected:
            log.error("%s rejected: %s; what was in force stays", topic, rejected)
            self._metrics.dead_letter("registry")

    def _publish(self) -> None:
        started = time.perf_counter()
        self._current = self._book.snapshot()
        log.info("registries in force after %.1f ms", (time.perf_counter() - started) * 1e3)
