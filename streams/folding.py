"""Single-writer loops: profiling folds `provider-activity` into provider models, the learner folds
`learning`.

Every adaptive value has exactly one writer, and its home in Redis carries the fence of its input: the fence
and the records move in one call, so that a message read twice is folded once. Nothing is published; Kafka's
committed offset only saves reading again what the fence already covers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow

from state import Gap, Seen, Stale, Store
from streams.resting import looks, rest
from streams.shut_out import ShutOut, check, is_fatal, serve

log = logging.getLogger("crible.folding")

BATCH = 500
REST_SECONDS = 0.25
"""How long the topic is left alone between looks: nobody waits for a model, and one call folds many messages."""
STALE_SECONDS = 1.0
MARKER = 1  # what a transaction leaves behind its last message: an offset that no message has
SILENCE_SECONDS = 10.0
"""After which a loop counts as level whatever the watermark says: aborted transactions leave more markers."""


class Fold(Protocol):
    """What a loop does with its messages. Pure: records in, records out."""

    def keys(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        """The model records that these messages touch, each once."""
        ...

    def apply(self, records: dict[str, bytes | None], messages: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        """The records changed by the messages, in order."""
        ...


class FoldLoop:
    """Folds one topic until told to stop.

    Args:
        topic: the private topic it reads, alone in its consumer group.
        config: librdkafka consumer settings, `group.id` and `group.instance.id` included.
        topic_id: identity of the topic, part of its fence's name.
        watched: somebody asks `level`; the broker is then asked for the topic's end whenever nothing comes.
    """

    def __init__(
        self,
        topic: str,
        config: dict[str, object],
        topic_id: str,
        store: Store,
        fold: Fold,
        *,
        watched: bool = False,
    ) -> None:
        self._topic, self._config, self._topic_id = topic, config, topic_id
        self._store, self._fold = store, fold
        self._fences: dict[int, int] = {}
        self._pending: list[TopicPartition] | None = None
        self._said = False
        self._look = looks()
        self._watched, self._heard, self._level_at = watched, time.monotonic(), 0.0

    def level(self, since: float) -> bool:
        """Whether everything told before that instant (of time.monotonic) is folded."""
        if not self._fences:
            return False
        return self._level_at > since or time.monotonic() - max(self._heard, since) > SILENCE_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Fold until told to stop; waits while the broker or Redis is away."""
        consumer = Consumer(
            {
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "range",
                "fetch.wait.max.ms": 100,
                "session.timeout.ms": 10_000,
                **self._config,
            }
        )
        consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )
        try:
            while not stop.is_set():
                try:
                    if not self._turn(consumer):
                        rest(consumer, stop, REST_SECONDS)
                    self._said = False
                except (RedisAway, RedisSlow, KafkaException) as error:
                    if isinstance(error, KafkaException) and is_fatal(error.args[0]):
                        raise ShutOut(error.args[0]) from error
                    if not self._said:
                        log.warning("%s: waiting (%s)", self._topic, error)
                        self._said = True
                    self._restart(consumer)
                    stop.wait(0.5)
                except (Gap, Seen, Stale) as error:
                    log.warning("%s: %s; starting again from the fence", self._topic, error)
                    self._restart(consumer)
                    if isinstance(error, Stale):  # the group says first whether the partition is still ours
                        serve(consumer, STALE_SECONDS)
        finally:
            consumer.close()

    def _turn(self, consumer: Consumer) -> bool:
        """Fold what is there; returns whether there may be more at once."""
        if self._pending is not None:
            self._start(consumer, self._pending)
        records = consumer.consume(1, next(self._look))
        if not records:
            return self._watched and self._behind(consumer)
        self._heard = time.monotonic()
        records += consumer.consume(BATCH - 1, 0.0)
        check(records)
        by_partition: dict[int, list[tuple[int, bytes]]] = {}
        for record in records:
            number, offset = record.partition(), record.offset()
            if (
                record.error() is None
                and number in self._fences
                and offset is not None
                and offset > self._fences[number]
            ):
                by_partition.setdefault(number, []).append((offset, record.value() or b"{}"))
        for number, found in by_partition.items():
            self._apply(number, found)
        if by_partition:
            consumer.commit(
                offsets=[
                    TopicPartition(self._topic, number, self._fences[number] + 1) for number in by_partition
                ],
                asynchronous=True,
            )
        return len(records) == BATCH

    def _behind(self, consumer: Consumer) -> bool:
        """Whether the topic goes on beyond the fences; notes when it did not."""
        asked = time.monotonic()
        for number, fence in self._fences.items():
            _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, number), timeout=5)
            if high - (fence + 1) > MARKER:
                return True  # a short look may come back empty although more is there
        self._level_at = asked
        return False

    def _apply(self, number: int, found: list[tuple[int, bytes]]) -> None:
        messages = [orjson.loads(value) for _, value in found]
        keys = self._fold.keys(messages)
        records = dict(zip(keys, self._store.models(keys), strict=True))
        changed = self._fold.apply(records, messages)
        end = found[-1][0]
        self._store.advance(self._input(number), self._fences[number], end, changed)
        self._fences[number] = end

    def _input(self, number: int) -> str:
        return f"{self._topic}|{self._topic_id}|{number}"

    def _start(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        names = [self._input(p.partition) for p in partitions]
        fences = self._store.own(names)
        self._fences = {p.partition: fences[self._input(p.partition)].recorded for p in partitions}
        consumer.assign(
            [TopicPartition(self._topic, number, fence + 1) for number, fence in self._fences.items()]
        )
        self._pending, self._heard = None, time.monotonic()

    def _restart(self, consumer: Consumer) -> None:
        if self._fences:
            self._pending = [TopicPartition(self._topic, number) for number in self._fences]
            self._fences = {}
            consumer.assign([])

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._pending, self._fences = partitions, {}
        consumer.assign([])

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._pending, self._fences = None, {}
