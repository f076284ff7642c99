"""Where a partition starts: at the smaller of what Kafka committed and what Redis applied.

Redis holds the truth about what was applied, Kafka about what was answered. Messages between the two are
applied again without being published, and take their answers from `screened`, never from a recomputation.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from state import Fences

log = logging.getLogger("crible.positions")


class LogMismatch(Exception):
    """A partition is not the log that Redis knows, or no longer holds what is needed. The message names the
    repair.
    """


@dataclass(slots=True)
class Position:
    """Where one assigned partition stands. `last` is the offset last handed out, `committed` Kafka's next
    offset.
    """

    topic: str
    partition: int
    input: str
    last: int
    committed: int
    before: int | None = None  # `last` as it was before the batch under way
    stopped: bool = False
    given: dict[int, bytes] = field(default_factory=dict)


class Owner(Protocol):
    """What settling needs of the store."""

    def own(self, inputs: Sequence[str]) -> dict[str, Fences]: ...

    def begin(self, input: str, fence: int) -> None: ...


class Settler:
    """Computes starting positions for newly assigned partitions.

    Args:
        store: gives the fences, and takes a higher owner epoch so that a paused former owner is refused.
        config: librdkafka settings of the consumer that reads `screened` back.
        topic_ids: topic -> its id, or its name where the broker gives none.
    """

    def __init__(self, store: Owner, config: dict[str, object], topic_ids: dict[str, str]) -> None:
        self._store, self._config, self._topic_ids = store, config, topic_ids

    def input_name(self, topic: str, partition: int) -> str:
        """The name of a log: it changes when the topic is made anew."""
        return f"{topic}|{self._topic_ids.get(topic, topic)}|{partition}"

    def __call__(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> list[Position]:
        """Positions of these partitions. Raises KafkaException or redis errors while either is away."""
        names = {(p.topic, p.partition): self.input_name(p.topic, p.partition) for p in partitions}
        fences = self._store.own(sorted(names.values()))
        committed = {}
        for p in consumer.committed(list(partitions), timeout=15):
            if p.error is not None:
                raise KafkaException(p.error)  # not known is not the same as never committed
            committed[p.topic, p.partition] = p.offset
        settled = []
        for (topic, number), name in names.items():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=15)
            settled.append(
                self._position(topic, number, name, fences[name], committed[topic, number], low, high)
            )
        return settled

    def _position(
        self, topic: str, number: int, name: str, fences: Fences, committed: int, low: int, high: int
    ) -> Position:
        known = fences.observed >= 0
        # Observed and not recorded: the batch is taken again, and its memo answers.
        applied = min(fences.observed, fences.recorded)
        fresh = committed < 0
        if fresh:
            committed = max(low, self._answered(topic, number, high) + 1)
        needed = applied + 1 if known else (low if fresh else 0)
        position = Position(topic, number, name, min(committed, needed) - 1, committed)
        try:
            if fences.observed >= high:
                raise LogMismatch(
                    f"{name}: Redis has applied offset {fences.observed} but the log ends at {high}: the "
                    f"broker lost its tail or the topic was made anew. Check the topic, then "
                    f"{_adopt(topic, number, high - 1)}"
                )
            if position.last + 1 < low:
                raise LogMismatch(
                    f"{name}: Redis needs offset {position.last + 1} but the topic keeps only {low} and "
                    f"later. Restore Redis from a backup younger than the topic's retention; to do without, "
                    f"{_adopt(topic, number, low - 1)}"
                )
        except LogMismatch as error:
            log.error("%s. This partition is stopped; the others go on.", error)
            position.stopped = True
            return position
        if not known and position.last >= 0:
            self._store.begin(name, position.last)
        if position.last + 1 < committed:
            position.given = self._given(topic, number, position.last + 1, committed)
        return position

    def _answered(self, topic: str, number: int, high: int) -> int:
        """The highest offset of an input that `screened` holds an answer for, -1 where it has none."""
        return max(self._given(topic, number, 0, high), default=-1)

    def _given(self, topic: str, number: int, start: int, end: int) -> dict[int, bytes]:
        """Answers already published for input offsets in [start, end), read from the same partition of
        `screened`.
        """
        answers: dict[int, bytes] = {}
        consumer = Consumer(
            {
                **self._config,
                "group.id": "crible-recovery",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition("screened", number), timeout=15)
            consumer.assign([TopicPartition("screened", number, low)])
            at_end = low >= high
            while not at_end:
                for record in consumer.consume(500, 0.1):
                    error = record.error()
                    if error is not None:
                        if error.code() != KafkaError._PARTITION_EOF:
                            raise KafkaException(error)  # an answer that is not found would be given twice
                        at_end = True
                        continue
                    source = dict(record.headers() or ())
                    if (
                        source.get("topic") == topic.encode()
                        and source.get("partition") == str(number).encode()
                    ):
                        offset = int(source.get("offset") or b"-1")
                        if start <= offset < end:
                            answers[offset] = record.value() or b""
        finally:
            consumer.close()
        return answers


def _adopt(topic: str, number: int, after: int) -> str:
    return f"run `crible state adopt-log {topic}:{number} --after {after}`"
