"""The servers that production uses, started once for all tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.apache_kafka import ApacheCluster, ApacheKafka
from tests.support.redis_cluster import RedisCluster


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
