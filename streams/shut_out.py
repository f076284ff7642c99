"""When Kafka wants no more of a client: it was fenced, by a namesake or by its own past after the broker came back."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Message as Record


class ShutOut(SystemExit):
    """The process has to leave: a client that was fenced stays fenced, and its supervisor starts a new one."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(
            f"Kafka has shut this worker out ({error.str()}): it leaves, for its supervisor to restart it. "
            "No two workers may share a CRIBLE_WORKER_ID"
        )


def is_fatal(error: KafkaError) -> bool:
    """Whether a client can do nothing more. An error that came as a record says so by its code alone."""
    return bool(error.fatal()) or error.code() == KafkaError._FATAL


def check(records: Iterable[Record]) -> None:
    """Raises ShutOut where one of them is a fatal error."""
    for record in records:
        error = record.error()
        if error is not None and is_fatal(error):
            raise ShutOut(error)


def serve(consumer: Consumer, seconds: float) -> None:
    """Serve the group of a consumer that reads nothing now. Raises ShutOut."""
    record = consumer.poll(seconds)
    if record is not None:
        check([record])
