"""Redis or the broker away, at the start or in the middle: the worker waits, says so once, and nothing is
lost.
"""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.broker import free_port
from tests.support import apache_kafka
from tests.support.compare import differences
from tests.support.rough import Outcome, Run, run
from tests.support.traffic import Traffic
from tests.support.worker import Worker

AWAY_S = 3.0


pytestmark = pytest.mark.slow  # two minutes of servers going and coming: `make test-all` runs them


def _waiting(port: int, what: str) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return f'crible_waiting{{what="{what}"}} 1.0' in answer.read().decode()


def _wait_metric(port: int, what: str, waiting: bool, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while _waiting(port, what) != waiting:
        assert time.monotonic() < deadline, f"crible_waiting of {what} never became {waiting}"
        time.sleep(0.1)


def _said_once(worker: Worker, what: str) -> None:
    for text in (f"{what} is away", f"{what} is back"):
        assert worker.said().count(text) == 1, worker.said()


def _away_a_third_in(
    one: Run, worker: Worker, messages: int, port: int, what: str, leave: Callable[[], object]
) -> None:
    """Once a third is answered, a server leaves; the worker says so, to people and in its metrics."""
    worker.wait_ready()
    one.driver.start()
    one.wait_answered(messages // 3)
    leave()
    worker.wait_said(f"{what} is away")
    _wait_metric(port, what, True)
    time.sleep(AWAY_S)


def _answered_as_if_nothing_had_been(calm: Outcome, one: Run, worker: Worker) -> None:
    one.finish(worker)
    found = differences(calm, one.outcome())
    assert not found.any(), found.summary() + "\n" + worker.said()


def test_both_away_at_the_start(events: Traffic, calm: Outcome, tmp_path: Path) -> None:
    port = free_port()
    with run(events, tmp_path, CRIBLE_METRICS_PORT=str(port)) as one:
        one.broker.stop()
        one.server.kill()
        with Worker(one.course.settings, tmp_path) as worker:
            worker.wait_said("broker is away")
            assert _waiting(port, "broker")
            one.broker.start()
            worker.wait_said("redis is away")
            assert _waiting(port, "redis")
            assert not worker.is_ready()
            one.server.start()
            worker.wait_ready()
            _said_once(worker, "broker")
            _said_once(worker, "redis")
            one.driver.start()
            _answered_as_if_nothing_had_been(calm, one, worker)


def test_redis_away_in_the_middle(events: Traffic, calm: Outcome, tmp_path: Path) -> None:
    port = free_port()
    with (
        run(events, tmp_path, CRIBLE_METRICS_PORT=str(port)) as one,
        Worker(one.course.settings, tmp_path) as worker,
    ):
        _away_a_third_in(one, worker, events.events, port, "redis", one.server.kill)
        one.server.start()
        _wait_metric(port, "redis", False)
        _answered_as_if_nothing_had_been(calm, one, worker)
        _said_once(worker, "redis")


def test_redis_loses_its_last_second(events: Traffic, calm: Outcome, tmp_path: Path) -> None:
    """What a power cut leaves of an append-only file that is written out once a second."""
    with run(events, tmp_path) as one, Worker(one.course.settings, tmp_path) as worker:
        worker.wait_ready()
        one.driver.start()
        one.wait_answered(events.events // 3)
        (journal,) = (tmp_path / "redis" / "appendonlydir").glob("*.incr.aof")
        durable = journal.stat().st_size
        one.wait_answered(events.events * 2 // 3)
        answered = one.course.done()
        one.server.kill()
        lost = journal.stat().st_size - durable
        assert lost > 100_000
        os.truncate(journal, durable)
        one.server.start()
        _answered_as_if_nothing_had_been(calm, one, worker)
        assert answered > events.events // 2
        assert (
            "settling again" in worker.said()
            or "back to the fence" in worker.said()
            or "redis is back" in worker.said()
        )


@pytest.mark.kafka
@apache_kafka.needed
def test_broker_away_in_the_middle(events: Traffic, calm: Outcome, tmp_path: Path) -> None:
    """On Apache Kafka: the embedded broker forgets its last seconds when it stops.

    librdkafka may hang in a transaction afterwards, or fence its own static member: the worker then leaves, and is
    restarted.
    """
    port = free_port()
    broker = apache_kafka.ApacheKafka(tmp_path / "kafka")
    with run(events, tmp_path, broker, CRIBLE_METRICS_PORT=str(port)) as one:
        worker = Worker(one.course.settings, tmp_path)
        try:
            _away_a_third_in(one, worker, events.events, port, "broker", one.broker.stop)
            one.broker.start()
            first = worker
            while not one.driver.done.wait(0.05):
                if worker.process.poll() is not None:  # hung in a transaction, or shut out by the group
                    worker = Worker(one.course.settings, tmp_path)
            _answered_as_if_nothing_had_been(calm, one, worker)
            assert first.said().count("broker is away") == 1, first.said()
        finally:
            worker.kill()
