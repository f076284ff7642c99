"""Registries and referentials: read whole before a worker is ready, then followed.

They are not shared out over the group: every worker assigns itself all partitions, from the beginning to the
high watermark, and applies each record to a book whose snapshots the screening loop takes at its batches.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Record

from detectors.book import ReferentialBook
from detectors.referentials import Referentials
from monitoring.metrics import Metrics
from schemas.decode import Decoder
from schemas.referential import TABLES
from streams.messages import Output
from streams.referentials import alerts
from streams.referentials.taking import EPOCH, KIND_OF, TABLE_TOPICS, take
from streams.referentials.topic import settings_of
from streams.resting import looks, rest

log = logging.getLogger("crible.registries")

TOPICS = tuple(KIND_OF)
REST_SECONDS = 0.5
"""How long the topics are left alone between looks, once they have been read whole."""


def _nobody(alert: Output) -> None:
    """Who is told of refused loads where there is nobody to tell."""


class RegistryReader:
    """Keeps a book of registries in step with their topics.

    Args:
        config: librdkafka consumer settings.
        decoder: reads the messages.
        metrics: told of rejected loads.
        alarm: takes the alert of a load that is refused; of those from before the start, of tables whose last load
            it is.
    """

    def __init__(
        self,
        config: dict[str, object],
        decoder: Decoder,
        metrics: Metrics,
        alarm: Callable[[Output], None] = _nobody,
    ) -> None:
        self._config, self._decoder, self._metrics, self._alarm = config, decoder, metrics, alarm
        self._book = ReferentialBook()
        self._read: dict[str, int] = {}
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
        consumer = Consumer(settings_of(self._config, "crible-registries"))
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
            look = looks()
            while not stop.is_set():
                if not waiting and not self._whole.is_set():
                    self._publish()
                    self._whole.set()
                    self._tell_standing()
                records = consumer.consume(1, next(look))
                records += consumer.consume(2_000, 0.0) if records else []
                changed = False
                for record in records:
                    if (error := record.error()) is not None:
                        # Compaction and markers leave holes at the end: only the end itself tells that all
                        # was read.
                        if error.code() == KafkaError._PARTITION_EOF:
                            waiting.discard((record.topic() or "", record.partition() or 0))
                        continue
                    self._apply(record)
                    changed = True
                if changed and self._whole.is_set():
                    self._publish()
                elif self._whole.is_set():
                    self._age()
                    rest(consumer, stop, REST_SECONDS)
        finally:
            consumer.close()

    def _apply(self, record: Record) -> None:
        topic, kind_and_stamp = record.topic() or "", record.timestamp()
        at = dt.datetime.fromtimestamp(kind_and_stamp[1] / 1000, dt.UTC) if kind_and_stamp[0] else EPOCH
        refused = take(self._book, self._decoder, topic, record.key(), record.value(), at)
        if topic in TABLE_TOPICS:
            self._read[f"{topic}/{record.partition()}"] = (record.offset() or 0) + 1
        if refused is None:
            return
        log.error("%s rejected: %s; what was in force stays", topic, refused.reason)
        if topic not in TABLE_TOPICS:
            self._metrics.dead_letter("registry")
            return
        self._metrics.rejected(refused.name)
        if self._whole.is_set() and refused.name in TABLES:
            self._alarm(alerts.rejected(refused.name, refused.edition, refused.loaded, refused.problems))

    def _tell_standing(self) -> None:
        """Raise again what was refused before the start and has not been put right since."""
        last = {outcome.name: outcome for outcome in self._book.outcomes()}
        for outcome in last.values():
            if outcome.problems:
                self._alarm(alerts.rejected(outcome.name, outcome.edition, outcome.loaded, outcome.problems))

    def _age(self) -> None:
        """Tell how old the tables in force are."""
        now = dt.datetime.now(dt.UTC)
        newest = {one.name: one.loaded for one in self._book.outcomes() if not one.problems}
        self._metrics.ages({name: (now - loaded).total_seconds() for name, loaded in newest.items()})

    def _publish(self) -> None:
        started = time.perf_counter()
        self._current = dataclasses.replace(self._book.snapshot(), read=dict(self._read))
        log.info("registries in force after %.1f ms", (time.perf_counter() - started) * 1e3)
