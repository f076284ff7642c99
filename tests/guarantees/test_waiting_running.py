"""A registry put right under a running worker, and while none runs: held files are answered again, once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest

from schemas.topics import TOPIC_OF
from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from tests.streams.stage import STRUCK_OFF, Desk, Event, held
from tests.support.course import Course
from tests.support.published import Published, published
from tests.support.traffic import Message
from tests.support.worker import Worker

FAR, LIFTED = 60.0, "REFERENTIAL_CHANGED"


def wire(events: Iterable[Event]) -> list[Message]:
    topics = [(TOPIC_OF[event["type"]], event) for event in events]
    return [Message(topic.name, topic.key_of(event).encode(), orjson.dumps(event)) for topic, event in topics]


def wait_for(bootstrap: str, verdict_id: str) -> Published:
    deadline = time.monotonic() + FAR
    while verdict_id not in (told := published(bootstrap)).verdicts:
        assert time.monotonic() < deadline, f"{verdict_id} never came: {sorted(told.verdicts)}"
        time.sleep(0.2)
    return told


@pytest.mark.parametrize("running", [True, False], ids=["under a worker", "while none runs"])
def test_a_registry_put_right_ends_its_holds(running: bool, tmp_path: Path) -> None:
    desk = Desk()
    world, claims = desk.world(), [desk.claim(f"C-{n}", held(), who=f"B-{n}") for n in (1, 2)]
    right = wire([desk.provider(STRUCK_OFF, excluded=[])])
    with EmbeddedBroker() as broker, EmbeddedRedis(durable=True) as server:
        course = Course(broker.bootstrap, server.url, tmp_path, partitions=2)
        course.send(wire(world))
        first = Worker(course.settings, tmp_path)
        try:
            first.wait_ready()
            course.send(wire(claims))
            course.wait_quiet(FAR)
            assert {one["decision"] for one in published(broker.bootstrap).verdicts.values()} == {"HOLD"}
            if running:
                course.send(right)
            else:
                first.kill()
                course.send(right)
                first = Worker(course.settings, tmp_path)
            for number in (1, 2):
                told = wait_for(broker.bootstrap, f"V-C-{number}-2")
                answer = told.verdicts[f"V-C-{number}-2"]
                assert (answer["decision"], answer["cause"]) == ("RELEASE", LIFTED)
            course.wait_quiet(FAR)
            assert told.duplicated() == []
            assert first.terminate() == 0, first.said()
            # a worker that starts later finds nothing that still waits
            ends = len(published(broker.bootstrap).verdicts)
            with Worker(course.settings, tmp_path) as second:
                second.wait_ready()
                time.sleep(2.5)
                assert "answered again" not in second.said()
            assert len(published(broker.bootstrap).verdicts) == ends == 4
        finally:
            first.kill()
            course.close()
