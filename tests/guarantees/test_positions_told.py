"""What a worker's metrics say of partitions: its own, and no longer those that another one took over."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from state import EmbeddedRedis
from state.loopback import free_port
from tests.support import apache_kafka
from tests.support.course import Course
from tests.support.worker import Worker

pytestmark = [pytest.mark.kafka, apache_kafka.needed]
MOVED_S = 60.0
STANDS = re.compile(
    r'^crible_(?:consumer_lag|fence_position)\{partition="(\d+)",topic="(claims|payments)"\}', re.M
)


def _told(port: int) -> set[tuple[str, str]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return set(STANDS.findall(answer.read().decode()))


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOVED_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_partition_is_told_of_by_who_has_it(tmp_path: Path) -> None:
    everything = {(number, topic) for number in "01" for topic in ("claims", "payments")}
    ports = {name: free_port() for name in ("w1", "w2")}

    def worker(name: str) -> Worker:
        own = {"CRIBLE_WORKER_ID": name, "CRIBLE_METRICS_PORT": str(ports[name])}
        return Worker(course.settings | own, tmp_path, name=name)

    def shared() -> bool:
        one, two = _told(ports["w1"]), _told(ports["w2"])
        return bool(one and two) and one | two == everything and not one & two

    with apache_kafka.ApacheKafka() as broker, EmbeddedRedis(durable=True) as server:
        course = Course(broker.bootstrap, server.url, tmp_path, partitions=2)
        try:
            with worker("w1") as first:
                first.wait_ready()
                _wait(lambda: _told(ports["w1"]) == everything)
                with worker("w2") as second:
                    second.wait_ready()
                    _wait(shared)
        finally:
            course.close()
