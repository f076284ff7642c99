"""Kafka transactions: outputs and input offsets go out together, or not at all.

Two transactional producers are used in turn, because the broker still writes one transaction's markers when
the next begins (p95 9 ms -> 4.5 ms on Apache Kafka). Every call is watched from another thread:
`send_offsets_to_transaction` has been seen to hang past its own timeout after a broker restart (librdkafka
issues 5511 and 5456).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from streams.messages import Output
from streams.shut_out import is_fatal

log = logging.getLogger("crible.transactions")

ANY_PARTITION = -1  # RD_KAFKA_PARTITION_UA: the partitioner chooses by key
EXIT_OVERRUN = 75  # EX_TEMPFAIL of sysexits.h: the supervisor restarts the worker, which replays


class Rewind(Exception):
    """The batch is to be taken again.

    `uncertain`: whether it was committed is not known here; the broker's committed offsets tell, once `open`
    has fenced the producer that was lost.
    """

    def __init__(self, why: str, *, uncertain: bool = False) -> None:
        super().__init__(why)
        self.uncertain = uncertain


class Watchdog:
    """Leaves the process when a call lasts longer than it was given: a stuck thread cannot be cured from
    inside.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline: float | None = None
        self._what = ""
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, what: str) -> Iterator[None]:
        """Watch the enclosed call."""
        self._what, self._deadline = what, time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._deadline = None

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(0.5):
            deadline = self._deadline
            if deadline is not None and time.monotonic() > deadline:
                print(
                    f"crible: {self._what} did not return within {self._seconds:g} s; leaving so that the "
                    "supervisor restarts this worker",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(EXIT_OVERRUN)


class Transactions:
    """Publishes batches through transactional producers used in turn.

    Args:
        config: librdkafka settings common to all producers (`bootstrap.servers`...). name: stable prefix of
        the transactional ids: a restarted worker of the same name fences its dead predecessor. timeout:
        seconds given to each transactional call.
    """

    PRODUCERS = 2

    def __init__(self, config: dict[str, object], name: str, *, timeout: float = 30.0) -> None:
        self._config, self._name, self._timeout = config, name, timeout
        self._watchdog = Watchdog(timeout * 2)
        self._producers: list[Producer | None] = [None] * self.PRODUCERS
        self._turn = 0

    def open(self) -> None:
        """Fence whoever used these transactional ids before. Raises KafkaException without a broker."""
        for index in range(self.PRODUCERS):
            self._ready(index)

    def publish(self, outputs: Sequence[Output], offsets: Sequence[TopicPartition], metadata: object) -> None:
        """Commit outputs and offsets together.

        Raises:
            Rewind: nothing was committed, or nothing is known of it.
        """
        self._turn = (self._turn + 1) % self.PRODUCERS
        try:
            producer = self._ready(self._turn)
        except KafkaException as error:
            raise Rewind(f"producer not ready: {error}") from error
        try:
            with self._watchdog.over("begin_transaction"):
                producer.begin_transaction()
            for output in outputs:
                self._produce(producer, output)
            if offsets:
                with self._watchdog.over("send_offsets_to_transaction"):
                    producer.send_offsets_to_transaction(list(offsets), metadata, self._timeout)
            self._commit(producer)
        except KafkaException as error:
            aborted = self._abort(producer, error.args[0])
            raise Rewind(str(error.args[0]), uncertain=not aborted) from error

    def close(self) -> None:
        """Let go of the producers and the watchdog."""
        self._watchdog.close()
        self._producers = [None] * self.PRODUCERS

    def _ready(self, index: int) -> Producer:
        producer = self._producers[index]
        if producer is None:
            producer = Producer(
                {
                    "linger.ms": 0,
                    "partitioner": "murmur2_random",  # where Java producers put the same key
                    "retry.backoff.ms": 1,  # its default waits 100 ms for the last transaction's markers
                    "compression.type": "lz4",
                    "message.max.bytes": 2_000_000,
                    **self._config,
                    "transactional.id": f"{self._name}-{index}",
                    "transaction.timeout.ms": int(self._timeout * 1000),
                }
            )
            with self._watchdog.over("init_transactions"):
                producer.init_transactions(self._timeout)
            self._producers[index] = producer
        return producer

    def _produce(self, producer: Producer, output: Output) -> None:
        partition = ANY_PARTITION if output.partition is None else output.partition
        headers: list[tuple[str, str | bytes | None]] = list(output.headers)
        while True:
            try:
                producer.produce(output.topic, output.value, output.key, partition=partition, headers=headers)
                return
            except BufferError:
                producer.poll(0.01)  # the local queue is full: let deliveries drain it

    def _commit(self, producer: Producer) -> None:
        while True:
            try:
                with self._watchdog.over("commit_transaction"):
                    producer.commit_transaction(self._timeout)
                return
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise

    def _abort(self, producer: Producer, error: KafkaError) -> bool:
        """Abort where the error allows it; otherwise drop the producer (False): a new one fences it."""
        log.warning("transaction not committed: %s", error)
        if error.txn_requires_abort() and not is_fatal(error):
            try:
                with self._watchdog.over("abort_transaction"):
                    producer.abort_transaction(self._timeout)
                return True
            except KafkaException as again:
                log.warning("abort failed: %s; the producer is rebuilt", again)
        self._producers[self._producers.index(producer)] = None
        return False
