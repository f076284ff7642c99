"""The brokers that a worker is measured on: the embedded one, and Apache Kafka where Java and Maven are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from streams.broker import EmbeddedBroker
from tests.support import apache_kafka

EMBEDDED, APACHE = "the embedded broker", "Apache Kafka"
JAVA_OPTIONS = "_JAVA_OPTIONS"
COMPILED = "-XX:TieredStopAtLevel=4 -Xmx768m"
"""The tests' node starts fast, with the quick compiler alone. Warm, the full one costs half a transaction."""


def missing(name: str) -> str | None:
    """Why this broker cannot be measured here; None where it can."""
    return apache_kafka.reason() if name == APACHE else None


@contextmanager
def broker(name: str) -> Iterator[EmbeddedBroker | apache_kafka.ApacheKafka]:
    """A running broker."""
    if name == EMBEDDED:
        with EmbeddedBroker() as embedded:
            yield embedded
        return
    before = os.environ.get(JAVA_OPTIONS)
    os.environ[JAVA_OPTIONS] = COMPILED  # stronger than the command line's
    try:
        with apache_kafka.ApacheKafka() as apache:
            yield apache
    finally:
        if before is None:
            del os.environ[JAVA_OPTIONS]
        else:
            os.environ[JAVA_OPTIONS] = before
