"""What all tests share: the servers that production uses, started once, and a Ctrl-C that is heard."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.apache_kafka import ApacheCluster, ApacheKafka
from tests.support.redis_cluster import RedisCluster

# In the background a shell has SIGINT ignored, and the processes that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def apache_one() -> Iterator[ApacheKafka]:
    """Apache Kafka, one node. Tests make topics of their own names and leave it running."""
    with ApacheKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def apache_three() -> Iterator[ApacheCluster]:
    """Apache Kafka, three nodes. A test that takes one away brings it back."""
    with ApacheCluster() as brokers:
        yield brokers


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """A Redis Cluster of three masters and three replicas. A test that changes its shape starts its own."""
    with RedisCluster() as cluster:
        yield cluster
