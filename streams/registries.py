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
from schemas.referential import POLICIES, TABLES
from streams.messages import Output
from streams.referentials import alerts
from streams.referentials.taking import EPOCH, KIND_OF, TABLE_TOPICS, take
from streams.referentials.topic import settings_of
from streams.resting import looks, rest

log = logging.getLogger("crible.registries")

TOPICS = tuple(KIND_OF)
LOOK = dt.timedelta(seconds=1)
"""How often the ages of the tables are looked at."""
REST_SECONDS = 0.5
"""How long the topics are left alone between looks, once they have been read whole."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _nobody(alert: Output) -> None:
    """Who is told of refused loads where there is nobody to tell."""


class RegistryReader:
    """Keeps a book of registries in step with their topics.

    Args:
        config: librdkafka consumer settings.
        decoder: reads the messages.
        metrics: told of rejected loads.
        alarm: takes the alert of a load that is refused; of those from before the start, of tables whose last load
            it is. And of a table that has grown stale.
        now: tells the time (UTC).
    """

    def __init__(
        self,
        config: dict[str, object],
        decoder: Decoder,
        metrics: Metrics,
        alarm: Callable[[Output], None] = _nobody,
        now: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._config, self._decoder, self._metrics, self._alarm = config, decoder, metrics, alarm
        self._book = ReferentialBook()
        self._read: dict[str, int] = {}
        self._current = self._book.snapshot()
        self._whole = threading.Event()
        self._said = False
        self._now = now
        self._told: dict[str, dt.datetime] = {}
        """Table -> when the broker last took a load of it that can be used."""
        self._aged: frozenset[str] = frozenset()
        self._looked = EPOCH

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
                    self._age()
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
                if not self._whole.is_set():
                    continue
                if self._age() or changed:
                    self._publish()
                if not changed:
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
            if topic in TABLE_TOPICS and record.value() is not None:
                name = (record.key() or b"").decode(errors="replace").partition(":")[0]
                self._told[name] = max(at, self._told.get(name, EPOCH))
                self._looked = EPOCH
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

    def _age(self) -> bool:
        """Tell how old the tables in force are, once a second; whether others than before are too old to hold on."""
        now = self._now()
        if dt.timedelta() <= now - self._looked < LOOK:
            return False
        self._looked = now
        in_force = {one.name for one in self._book.outcomes() if not one.problems}
        told = {name: at for name, at in self._told.items() if name in in_force}
        self._metrics.ages({name: (now - at).total_seconds() for name, at in told.items()})
        current = self._book.snapshot()
        limit = dt.timedelta(days=current.thresholds(current.local_date(now)).policy("stale_days"))
        aged = frozenset(name for name, at in told.items() if now - at > limit and name not in POLICIES)
        if aged == self._aged:
            return False
        for name in sorted(aged - self._aged):
            log.error(
                "%s: nobody has loaded or told it again for %d days: nothing is held on it", name, limit.days
            )
            self._alarm(alerts.stale(name, told[name], limit.days))
        self._aged = aged
        self._book.age(aged)
        return True

    def _publish(self) -> None:
        started = time.perf_counter()
        self._current = dataclasses.replace(self._book.snapshot(), read=dict(self._read))
        log.info("registries in force after %.1f ms", (time.perf_counter() - started) * 1e3)
