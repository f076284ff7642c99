"""History is loaded and nobody is told; afterwards, and on a Redis filled anew, work goes on where it stood."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from confluent_kafka.admin import AdminClient, NewPartitions

from schemas.topics import TOPICS
from state import EmbeddedRedis, stored
from streams.broker import EmbeddedBroker
from tests.support.apache_kafka import ApacheKafka, reason
from tests.support.course import Course
from tests.support.keyspace import dump
from tests.support.published import published
from tests.support.traffic import Message, traffic
from tests.support.worker import Worker

LEARNT = {"provider", "peers", "quantile", "beneficiary"}
WINDOWS = ("b", "k", "r", "o", "d", "g", "w", "f", "p", "q", "n", "v", "c")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def windows(url: str) -> dict[str, Any]:
    """What the state holds of people and providers, taken apart: how full a list is kept is no content."""
    found: dict[str, Any] = {}
    for name, value in dump(url).items():
        kind = name.partition(":")[0]
        if kind not in WINDOWS:
            continue
        if kind in ("p", "q"):
            tiles = stored.tiles(value)
            value = (tiles.head, tiles.minutes, tiles.hours, tiles.days)
        found[name] = value
    return found


def people_first(phases: list[list[Message]]) -> tuple[list[Message], list[Message]]:
    """People's entries, and the rest: where a claim and the entry of its person race, two runs may lawfully
    differ; history is read in this order.
    """
    flat = [message for phase in phases for message in phase]
    people = [message for message in flat if message.topic == "beneficiaries"]
    return people, [message for message in flat if message.topic != "beneficiaries"]


def unlike(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What stands in one and otherwise, or not, in the other."""
    return {
        name: (one.get(name), other.get(name))
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    }


def model_kinds(url: str) -> set[str]:
    with redis.Redis.from_url(url) as client:
        return {key.decode().split(":")[2] for key in client.scan_iter(match="*:m:*")}


def load_history(course: Course, settings: dict[str, str], folder: Path) -> None:
    """As docs/operations.md says it: until `caught up`, then SIGTERM."""
    with Worker(settings, folder, "--observe-only", name="history") as worker:
        worker.wait_ready(180)
        worker.wait_said("caught up", 120)
        assert "nothing is answered" in worker.said()
        assert worker.terminate() == 0, worker.said()
        assert "Traceback" not in worker.said()


def work(course: Course, settings: dict[str, str], folder: Path, messages: list[Message]) -> None:
    """A worker that answers these."""
    course.send(messages)
    with Worker(settings, folder) as worker:
        worker.wait_ready()
        course.wait_quiet(120)
        assert worker.terminate() == 0, worker.said()


@pytest.mark.slow
def test_history_then_work_then_another_layout(broker: EmbeddedBroker, tmp_path: Path) -> None:
    events = traffic(3, claims=120, rounds=2)
    claims = [m for phase in events.phases for m in phase if m.topic == "claims" and m.value and m.key]
    half = len(events.phases) // 2
    history = [message for phase in events.phases[:half] for message in phase]
    people, live = people_first(events.phases[half:])
    with EmbeddedRedis(durable=True) as first, EmbeddedRedis(durable=True) as second:
        course = Course(broker.bootstrap, first.url, tmp_path)
        course.send(events.registries)
        course.send(history)
        load_history(course, course.settings, tmp_path)
        # nobody was told, and everything read is committed
        told = published(broker.bootstrap)
        assert not told.records
        assert not told.dead
        assert not told.told
        begun = course.committed()
        assert course.quiet()
        assert _soon(first.url) >= LEARNT

        # work goes on from there; a retry of what was only observed is answered, each time alike
        retry = next(m for m in history if m in claims)
        work(course, course.settings, tmp_path, people)
        work(course, course.settings, tmp_path, [*live, retry, retry])
        told = published(broker.bootstrap)
        assert told.duplicated() == []
        assert told.sent() == {
            (topic, number, offset)
            for (topic, number), end in course.ends.items()
            if topic in ("claims", "liquidations", "payments")
            for offset in range(begun[topic, number], end)
        }
        answer = told.verdicts[f"V-{orjson.loads(retry.value or b'')['event_id']}-1"]
        assert answer["decision"] == "RELEASE"
        before = windows(first.url)

        # another number of tags: refused on the old Redis, rebuilt from the log on a new one
        tags = {"CRIBLE_TAGS": "3"}
        with Worker(course.settings | tags, tmp_path) as refused:
            assert refused.process.wait(60) == 2
            assert "laid out with 1 hash tags" in refused.said()
            assert "docs/operations.md" in refused.said()
        anew = course.settings | tags | {"CRIBLE_REDIS": second.url}
        load_history(course, anew, tmp_path)
        again = published(broker.bootstrap)
        assert (again.places, again.dead, again.told) == (told.places, told.dead, told.told)
        assert unlike(windows(second.url), before) == {}

        # what was answered before is answered alike after it
        known = next(
            m for m in live if m in claims and _event_id(m) and f"V-{_event_id(m)}-1" in told.verdicts
        )
        work(course, anew, tmp_path, [known, retry])
        after = published(broker.bootstrap)
        assert after.duplicated() == []
        assert sum(after.answers.values()) == sum(told.answers.values()) + 2
        assert after.records.items() >= told.records.items()
        course.close()


def _event_id(message: Message) -> str | None:
    try:
        return str(orjson.loads(message.value or b"")["event_id"])
    except (ValueError, KeyError):
        return None


def _soon(url: str) -> set[str]:
    """The kinds of model records; the loops that learn may be a moment behind."""
    deadline = time.monotonic() + 10
    while not model_kinds(url) >= LEARNT and time.monotonic() < deadline:
        time.sleep(0.1)
    return model_kinds(url)


@pytest.mark.kafka
@pytest.mark.skipif(reason() is not None, reason=str(reason()))
def test_more_partitions(tmp_path: Path) -> None:
    """docs/operations.md, step by step: drained, partitions added, rebuilt on an empty Redis, work goes on."""
    events = traffic(3, claims=80, rounds=2)
    half = len(events.phases) // 2
    people, first = people_first(events.phases[:half])
    rest = [message for phase in events.phases[half:] for message in phase]
    with ApacheKafka() as broker, EmbeddedRedis(durable=True) as old, EmbeddedRedis(durable=True) as new:
        course = Course(broker.bootstrap, old.url, tmp_path)
        course.send(events.registries)
        work(course, course.settings, tmp_path, people)
        work(course, course.settings, tmp_path, first)
        told, before = published(broker.bootstrap), windows(old.url)
        assert told.records
        course.close()

        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        wider = [NewPartitions(topic.name, 3) for topic in TOPICS.values() if topic.with_screening]
        for done in admin.create_partitions(wider).values():
            done.result(20)
        with Worker(course.settings, tmp_path) as refused:
            assert refused.process.wait(60) == 2
            assert "has 3 partitions, this Redis was filled from 1" in refused.said()
        _wait_empty(admin)
        course = Course(broker.bootstrap, new.url, tmp_path, partitions=3)
        load_history(course, course.settings, tmp_path)
        again = published(broker.bootstrap)
        assert (again.places, again.dead, again.told) == (told.places, told.dead, told.told)
        assert unlike(windows(new.url), before) == {}

        answered = next(m for m in first if m.topic == "claims" and f"V-{_event_id(m)}-1" in told.verdicts)
        work(course, course.settings, tmp_path, [*rest, answered])
        after = published(broker.bootstrap)
        assert after.duplicated() == []
        assert after.records.items() >= told.records.items()
        assert {place[1] for place in after.sent()} == {0, 1, 2}
        course.close()


def _wait_empty(admin: AdminClient) -> None:
    """Until the group has let go of the stopped worker: one that is still held gets back what it had, and no more."""
    deadline = time.monotonic() + 60
    while admin.describe_consumer_groups(["crible"])["crible"].result(20).members:
        assert time.monotonic() < deadline, "the group still has members"
        time.sleep(0.5)
