"""The screening inputs on Kafka: batches whose group metadata was taken with their first message.

A batch is one message awaited for a short time, then whatever is already here, without waiting. The group's
metadata is taken *with the first message*: taken at commit time, a rebalance between the two calls had 5 of
10 events answered twice, accepted by the broker; taken first, the broker refuses it. A revocation seen during
the drain discards the batch.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Record

from state import Span
from streams.messages import Batch, Message, Output
from streams.positions import Position
from streams.replay import STAGES, Replay
from streams.shut_out import check, serve
from streams.transactions import Transactions

log = logging.getLogger("crible.kafka")

# Within a batch: what claims refer to first, then claims, what follows them, and second answers last.
ORDER = tuple(topic for stage in STAGES for topic in stage)
AWAIT_SECONDS = 0.05
CONFIRM_SECONDS = 3.0  # a few heartbeats
PROBE_SECONDS = 1.0
END_SECONDS = 20.0

Settle = Callable[[Consumer, Sequence[TopicPartition]], list[Position]]


@dataclass(slots=True)
class Token:
    """What committing a batch needs: the group's metadata of its first message, and where each input began
    and ended.
    """

    metadata: object
    begins: dict[tuple[str, int], int]
    ends: dict[tuple[str, int], int]


class KafkaSource:
    """Batches from the screening topics, committed with their outputs in one transaction.

    Args:
        config: librdkafka consumer settings (`bootstrap.servers`, `group.id`, `group.instance.id`...).
        transactions: where outputs and offsets are committed.
        settle: computes where each newly assigned partition starts (see `streams.positions`).
        size: most messages in a batch.
        history: read what there is at the start topic by topic, in the order of `streams.replay.STAGES`.
    """

    def __init__(
        self,
        config: dict[str, object],
        transactions: Transactions,
        settle: Settle,
        *,
        size: int,
        history: bool = False,
    ) -> None:
        self._consumer = Consumer(
            {
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "range",
                "fetch.wait.max.ms": 50,
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 1_000,
                "queued.min.messages": 2_000,
                "error_cb": self._failed,
                **config,
            }
        )
        self._transactions, self._settle, self._size = transactions, settle, size
        self._history = history
        self._positions: dict[tuple[str, int], Position] = {}
        self._pending: list[TopicPartition] | None = None
        self._generation = 0
        self._reopen = False
        self._refused: set[str] = set()
        self._replay = Replay()
        self.trouble: KafkaError | None = None
        """Why no broker can be reached, None while one can."""

    def open(self) -> None:
        """Join the group."""
        self._transactions.open()
        self._consumer.subscribe(
            list(ORDER), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    @property
    def settled(self) -> bool:
        """Whether partitions are assigned and their starting positions known."""
        return self._pending is None and bool(self._positions)

    @property
    def idle(self) -> bool:
        """Whether everything assigned is being read: nothing is away, and nothing has to be applied again first."""
        return self.settled and self.trouble is None and not self._replay.under_way

    def positions(self) -> dict[tuple[str, int], Position]:
        """Where each assigned partition stands."""
        return dict(self._positions)

    def next(self) -> Batch | None:
        """The next batch, or None when nothing came within 50 ms.

        Raises:
            KafkaException: the broker says that reading on makes no sense.
        """
        if self._pending is not None:
            self._start(self._pending)
        elif self._replay.stage_done(self._positions, self._high):
            self._read_on()
        records = self._read(1, AWAIT_SECONDS)
        if not records:
            return None
        self.trouble = None
        self._replay.heard()
        generation, metadata = self._generation, self._consumer.consumer_group_metadata()
        records += self._read(self._size - 1, 0.0)
        if generation != self._generation or self._pending is not None:
            log.info("rebalance during the drain: batch of %d discarded", len(records))
            return None  # nothing of it was applied: the new assignment starts from the committed offsets
        return self._batch(records, metadata)

    def commit(self, batch: Batch, outputs: Sequence[Output]) -> None:
        """Publish the outputs and commit the batch's offsets in one transaction. Raises Rewind where that
        failed.

        What was answered before and is only applied again leaves the committed offset where it is: taken back, a
        restart in the middle would answer the rest a second time.
        """
        token = batch.token
        assert isinstance(token, Token)
        offsets = []
        for key, end in token.ends.items():
            position = self._positions.get(key)
            if position is None or position.committed <= end:
                offsets.append(TopicPartition(*key, end + 1))
        if offsets or outputs:
            self._transactions.publish(outputs, offsets, token.metadata)
        for (topic, number), end in token.ends.items():
            position = self._positions.get((topic, number))
            if position is not None:
                position.committed = max(position.committed, end + 1)

    def say(self, outputs: Sequence[Output]) -> None:
        """Publish what answers no message, in a transaction of its own. Raises Rewind where that failed."""
        self._transactions.publish(outputs, (), None)

    def rewind(self, batch: Batch) -> None:
        """Take the batch's messages again."""
        token = batch.token
        assert isinstance(token, Token)
        for (topic, number), begin in token.begins.items():
            position = self._positions.get((topic, number))
            if position is None:
                continue  # revoked meanwhile: the next owner starts from what was committed
            try:
                self._consumer.seek(TopicPartition(topic, number, begin))
            except KafkaException as error:
                log.info("seek after rewind refused (%s): settling again", error)
                self.resettle()
                return
            position.last = begin - 1 if position.before is None else position.before

    def resettle(self, *, reopen: bool = False) -> None:
        """Compute the starting positions of the assigned partitions again, from the fences and the committed
        offsets.

        `reopen`: first fence lost producers of ours, so that what they left undecided is decided.
        """
        self._reopen |= reopen
        if self._pending is None and self._positions:
            self._pending = [TopicPartition(topic, number) for topic, number in self._positions]
        self._positions = {}
        self._consumer.assign([])

    def refuse(self, name: str) -> None:
        """Read this input no more: it is not the log that Redis knows."""
        self._refused.add(name)
        self.resettle()

    def confirm(self) -> None:
        """Another owner was met: let the group say whose the partitions are, then settle those that stay
        ours.
        """
        self.resettle()
        generation, deadline = self._generation, time.monotonic() + CONFIRM_SECONDS
        while self._generation == generation and time.monotonic() < deadline:
            serve(self._consumer, 0.1)

    def probe(self) -> None:
        """Ask whether a broker answers again, where none did."""
        if self.trouble is not None:
            with contextlib.suppress(KafkaException):
                self._consumer.list_topics(ORDER[0], timeout=PROBE_SECONDS)
                self.trouble = None

    def keep_alive(self) -> None:
        """Serve the group while the loop waits for something else; no message is taken."""
        assigned = self._consumer.assignment()
        if assigned:
            self._consumer.pause(assigned)
        serve(self._consumer, 0.0)
        if assigned and self._pending is None:
            self._consumer.resume(assigned)

    def lag(self) -> dict[tuple[str, int], int]:
        """Messages not yet committed per partition, from the watermarks last seen."""
        lags = {}
        for (topic, number), position in self._positions.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            lags[topic, number] = max(0, high - position.committed) if high >= 0 else 0
        return lags

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
        self._transactions.close()

    def _read(self, count: int, timeout: float) -> list[Record]:
        if count <= 0:
            return []
        found, records = self._consumer.consume(count, timeout), []
        check(found)
        for record in found:
            error = record.error()
            if error is None:
                records.append(record)
            elif error.code() in (
                KafkaError._AUTO_OFFSET_RESET,
                KafkaError.TOPIC_AUTHORIZATION_FAILED,
            ):
                raise KafkaException(error)
            else:
                log.warning("reading: %s", error)
        return records

    def _batch(self, records: list[Record], metadata: object) -> Batch | None:
        messages: list[Message] = []
        begins: dict[tuple[str, int], int] = {}
        ends: dict[tuple[str, int], int] = {}
        given: dict[tuple[str, int], bytes] = {}
        for record in records:
            topic, number, offset = record.topic(), record.partition(), record.offset()
            assert topic is not None
            assert number is not None
            assert offset is not None
            key = (topic, number)
            position = self._positions.get(key)
            if position is None or offset <= position.last:
                continue  # read before the partition was taken away or put back
            if self._replay.beyond(position, offset):
                continue  # read again once everything that was answered is applied
            begins.setdefault(key, offset)
            ends[key] = offset
            if (blob := position.given.pop(offset, None)) is not None:
                given[position.input, offset] = blob
            messages.append(
                Message(
                    topic,
                    position.input,
                    number,
                    offset,
                    record.key(),
                    record.value(),
                    _timestamp(record),
                    offset < position.committed,
                )
            )
        if not messages:
            return None
        messages.sort(key=lambda message: (ORDER.index(message.topic), message.partition, message.offset))
        spans = []
        for key, end in ends.items():
            position = self._positions[key]
            position.before = position.last
            spans.append(Span(position.input, position.last, end))
            position.last = end
        # The neighbours come along empty: a Redis that lost what it knew of any of them is a gap, found at once.
        numbers = {number for _, number in ends}
        spans += [
            Span(position.input, position.last, position.last)
            for key, position in self._positions.items()
            if key not in ends and position.partition in numbers and not position.stopped
        ]
        return Batch(messages, spans, Token(metadata, begins, ends), given)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._pending = partitions
        self._positions = {}
        consumer.assign([])  # reading starts once the fences have said where

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._pending = None
        self._positions = {}

    def _read_on(self) -> None:
        chosen = self._replay.next_stage(self._positions)
        self._consumer.assign([TopicPartition(p.topic, p.partition, p.last + 1) for p in chosen])

    def _high(self, position: Position) -> int:
        """The end of a log as the last fetch saw it."""
        where = TopicPartition(position.topic, position.partition)
        return int(self._consumer.get_watermark_offsets(where, cached=True)[1])

    def _end(self, position: Position) -> int:
        """The end of a log, asked of the broker."""
        where = TopicPartition(position.topic, position.partition)
        return int(self._consumer.get_watermark_offsets(where, timeout=END_SECONDS)[1])

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.trouble = error

    def _start(self, partitions: list[TopicPartition]) -> None:
        if self._reopen:
            self._transactions.open()
            self._reopen = False
        settled = self._settle(self._consumer, partitions)
        for position in settled:
            position.stopped |= position.input in self._refused
        ends = {position.input: self._end(position) for position in settled} if self._history else {}
        self._positions = {(position.topic, position.partition): position for position in settled}
        self._pending = None
        self._replay = Replay(ends)
        self._read_on()
        for position in settled:
            log.info(
                "%s starts at %d (committed %d)%s",
                position.input,
                position.last + 1,
                position.committed,
                " STOPPED" if position.stopped else "",
            )


def _timestamp(record: Record) -> dt.datetime | None:
    kind, milliseconds = record.timestamp()
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC) if kind else None


__all__ = ["ORDER", "KafkaSource", "Token"]
