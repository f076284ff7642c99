"""How a worker ends: drained on SIGTERM, and with one line that names the fix where it cannot start."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from confluent_kafka.admin import AdminClient, NewPartitions

from state import ConfigurationError, EmbeddedRedis, library
from state.checks import check_server
from streams.broker import EmbeddedBroker, free_port
from streams.embedded import listening
from tests.support.course import Course
from tests.support.published import published
from tests.support.traffic import Traffic
from tests.support.worker import Worker

FAILED, CANNOT = 1, 2


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    with EmbeddedBroker() as broker, EmbeddedRedis(durable=True) as server:
        one = Course(broker.bootstrap, server.url, tmp_path)
        yield one
        one.close()


def _refusal(settings: dict[str, str], folder: Path) -> str:
    with Worker(settings, folder) as worker:
        assert worker.process.wait(60) == CANNOT, worker.said()
        assert "Traceback" not in worker.said()
        assert not worker.is_ready()
        return worker.said()


def test_sigterm_under_load_drains(course: Course, events: Traffic, tmp_path: Path) -> None:
    course.send(events.registries)
    course.send(message for phase in events.phases for message in phase)
    with Worker(course.settings | {"CRIBLE_BATCH_SIZE": "8"}, tmp_path) as worker:
        worker.wait_ready()
        while not course.done():
            pass
        assert worker.terminate() == 0, worker.said()
        assert worker.said().splitlines().count("ready") == 1
        assert "Traceback" not in worker.said()
    done = course.committed()
    told = published(course.bootstrap)
    assert 0 < sum(done.values()) < sum(course.ends.values()), "it was to be stopped in the middle"
    assert told.duplicated() == []
    expected = {
        (topic, number, offset)
        for (topic, number), end in done.items()
        if topic in ("claims", "liquidations", "payments")
        for offset in range(end)
    }
    assert told.sent() == expected  # what was taken was answered, and nothing else


@pytest.mark.parametrize("after", [0.0, 0.3, 0.8, 1.5, 2.2])
def test_sigterm_while_starting_ends_well(course: Course, tmp_path: Path, after: float) -> None:
    with Worker(course.settings | {"CRIBLE_METRICS_PORT": str(port := free_port())}, tmp_path) as worker:
        while not listening(port):  # from here on the worker handles signals
            assert worker.process.poll() is None, worker.said()
        time.sleep(after)
        assert worker.terminate() == 0, worker.said()


def test_folders_of_killed_workers_do_not_pile_up(course: Course, tmp_path: Path) -> None:
    for _ in range(2):
        with Worker(course.settings, tmp_path) as worker:
            worker.wait_ready()
            worker.kill()
        assert len(list(tmp_path.glob("crible-*"))) == 1
    with Worker(course.settings, tmp_path) as worker:
        worker.wait_ready()
        assert worker.terminate() == 0, worker.said()
    assert list(tmp_path.glob("crible-*")) == []


def test_sigterm_while_waiting_ends_well(course: Course, tmp_path: Path) -> None:
    settings = course.settings | {"CRIBLE_REDIS": "redis://127.0.0.1:1/0"}
    with Worker(settings, tmp_path) as worker:
        worker.wait_said("redis is away")
        assert worker.terminate() == 0, worker.said()


def test_a_metrics_port_in_use_is_named(course: Course, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = _refusal(course.settings | {"CRIBLE_METRICS_PORT": port}, tmp_path)
    assert port in said
    assert "CRIBLE_METRICS_PORT" in said


def test_missing_topics_are_named_with_the_command(course: Course, tmp_path: Path) -> None:
    with EmbeddedBroker() as empty:
        said = _refusal(course.settings | {"CRIBLE_BROKERS": empty.bootstrap}, tmp_path)
    assert "claims" in said
    assert "crible topics create --partitions 1" in said


def test_a_wrong_partition_count_is_named(course: Course, tmp_path: Path) -> None:
    with EmbeddedBroker() as other:
        wrong = Course(other.bootstrap, course.redis, tmp_path, partitions=2)
        wrong.close()
        admin = AdminClient({"bootstrap.servers": other.bootstrap})
        try:
            admin.create_partitions([NewPartitions("payments", 3)])["payments"].result(20)
        except Exception as error:
            pytest.skip(f"this broker adds no partitions: {error}")
        said = _refusal(course.settings | {"CRIBLE_BROKERS": other.bootstrap}, tmp_path)
    assert "claims has 2 partitions instead of 3" in said
    assert "--alter --topic claims --partitions 3" in said


def test_another_partition_count_than_redis_was_filled_from_is_named(course: Course, tmp_path: Path) -> None:
    with Worker(course.settings, tmp_path) as worker:
        worker.wait_ready()
        assert worker.terminate() == 0
    with EmbeddedBroker() as other:
        Course(other.bootstrap, course.redis, tmp_path, partitions=2).close()
        said = _refusal(course.settings | {"CRIBLE_BROKERS": other.bootstrap}, tmp_path)
    assert "has 2 partitions, this Redis was filled from 1" in said


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("maxmemory-policy", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction"),
        ("appendonly", "no", "CONFIG SET appendonly yes"),
    ],
)
def test_redis_settings_that_lose_state_are_named(
    course: Course, tmp_path: Path, name: str, value: str, fix: str
) -> None:
    with redis.Redis.from_url(course.redis) as client:
        client.config_set(name, value)
    assert fix in _refusal(course.settings, tmp_path)


def test_an_old_redis_is_refused() -> None:
    class Old:
        def info(self, section: str) -> dict[str, Any]:
            return {"redis_version": "6.2.14"}

    with pytest.raises(ConfigurationError, match=r"Redis 6\.2\.14 .*7\.0 or later"):
        check_server(cast(redis.Redis, Old()))


def test_a_second_worker_of_the_same_name_shuts_the_first_out(course: Course, tmp_path: Path) -> None:
    with Worker(course.settings, tmp_path, name="first") as first:
        first.wait_ready()
        with Worker(course.settings, tmp_path, name="second") as second:
            assert first.process.wait(60) == FAILED, first.said()
            assert "No two workers may share a CRIBLE_WORKER_ID" in first.said()
            assert "Traceback" not in first.said()
            second.wait_ready()
            assert second.process.poll() is None


def test_a_worker_leaves_when_a_newer_release_puts_its_functions_in(
    course: Course, events: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.send(events.registries)
    with Worker(course.settings, tmp_path) as worker:
        worker.wait_ready()
        monkeypatch.setattr(library, "VERSION", library.VERSION + 1)
        with redis.Redis.from_url(course.settings["CRIBLE_REDIS"]) as client:
            library.install(client)
        course.send(message for phase in events.phases for message in phase)
        assert worker.process.wait(60) == FAILED, worker.said()
        assert (
            f"functions, this worker is of version {library.VERSION - 1}: a newer release works here"
            in worker.said()
        )
