"""A person is erased while a worker answers: it goes on, and everything is answered once."""

from __future__ import annotations

from pathlib import Path

import orjson
import redis

from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from tests.streams.test_inspect import crible
from tests.support.course import Course
from tests.support.published import published
from tests.support.traffic import traffic
from tests.support.worker import Worker


def test_a_running_worker_goes_on(tmp_path: Path) -> None:
    events = traffic(5, claims=60, rounds=1)
    messages = [message for phase in events.phases for message in phase]
    who = next(m.key.decode() for m in messages if m.topic == "claims" and m.key)
    with EmbeddedBroker() as broker, EmbeddedRedis(durable=True) as server:
        course = Course(broker.bootstrap, server.url, tmp_path)
        course.send(events.registries)
        with Worker(course.settings, tmp_path) as worker:
            worker.wait_ready()
            half = len(messages) // 2
            course.send(messages[:half])
            done = crible(server, "state", "forget", "beneficiary", who, "--yes", "--json", **course.settings)
            course.send(messages[half:])  # corrections and cancellations among them
            course.wait_quiet(120)
            assert "Traceback" not in worker.said()
            said = orjson.loads(done.stdout)
            assert said["erased"] == bool(said["removes"] or said["waiting"])
            again = crible(
                server, "state", "forget", "beneficiary", who, "--yes", "--json", **course.settings
            )
            assert again.exit_code == 0, again.output
            assert worker.terminate() == 0, worker.said()
        told = published(broker.bootstrap)
        assert told.duplicated() == []
        assert told.sent() >= {
            ("claims", number, offset)
            for (topic, number), end in course.ends.items()
            if topic == "claims"
            for offset in range(end)
        }
        with redis.Redis.from_url(server.url) as client:
            assert not [key for key in client.scan_iter() if who.encode() in key]
        assert crible(server, "state", "check").exit_code == 0
        course.close()
