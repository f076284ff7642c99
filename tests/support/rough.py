"""Runs over the same traffic on embedded servers: undisturbed, with kills, or with whatever a test does to
them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from tests.support.apache_kafka import ApacheKafka
from tests.support.course import Course
from tests.support.keyspace import dump
from tests.support.published import Published, published
from tests.support.traffic import Traffic
from tests.support.worker import Worker

SETTINGS = {"CRIBLE_PROFILING": "inline", "CRIBLE_BATCH_SIZE": "8"}
STEPS = ("observe", "record", "publish", "intern", "produce", "forget")
RUN_S = 150.0
Outcome = tuple[Published, dict[str, Any]]


class Driver(threading.Thread):
    """Sends phase after phase, each when the one before has been answered."""

    def __init__(self, course: Course, traffic: Traffic) -> None:
        super().__init__(name="driver", daemon=True)
        self._course, self._traffic = course, traffic
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        deadline = time.monotonic() + RUN_S
        try:
            for phase in self._traffic.phases:
                self._course.send(phase)
                self._course.wait_quiet(deadline - time.monotonic())
        except BaseException as error:
            self.error = error
        self.done.set()


@dataclass(slots=True)
class Run:
    """One run under way."""

    broker: EmbeddedBroker | ApacheKafka
    server: EmbeddedRedis
    course: Course
    driver: Driver

    def wait_answered(self, messages: int) -> None:
        """Wait until so many messages have been answered."""
        while self.course.done() < messages and not self.driver.done.is_set():
            time.sleep(0.002)

    def finish(self, worker: Worker) -> None:
        """Wait until everything is answered, and stop the worker in good order."""
        while not self.driver.done.wait(0.05):
            assert worker.process.poll() is None, f"the worker ended early:\n{worker.said()}"
        if self.driver.error is not None:
            raise AssertionError(f"not answered:\n{worker.said()}") from self.driver.error
        assert worker.terminate() == 0, worker.said()

    def outcome(self) -> Outcome:
        """What was published, and what Redis holds."""
        return published(self.broker.bootstrap), dump(self.server.url)


@contextmanager
def run(
    traffic: Traffic, folder: Path, broker: EmbeddedBroker | ApacheKafka | None = None, **settings: str
) -> Iterator[Run]:
    """Servers that can be stopped and started again, registries sent, the driver not yet started."""
    with (
        broker or EmbeddedBroker(directory=folder / "broker") as broker,
        EmbeddedRedis(durable=True, directory=_made(folder / "redis")) as server,
    ):
        course = Course(broker.bootstrap, server.url, folder, SETTINGS | settings)
        driver = Driver(course, traffic)
        try:
            course.send(traffic.registries)
            yield Run(broker, server, course, driver)
        finally:
            course.abandoned.set()
            if driver.is_alive():
                driver.join(60)
            course.close()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@dataclass(slots=True)
class Kills:
    """How often it was killed: in all, before `ready`, and with a batch applied and not yet answered."""

    all: int = 0
    starting: int = 0
    torn: int = 0


def play(
    traffic: Traffic, folder: Path, *, seed: int, kills: int, module: str = "streams.cli"
) -> tuple[Outcome, Kills]:
    """Run the traffic with `kills` kills spread over it. AssertionError where it is not answered whole in
    time.
    """
    draw = random.Random(seed)
    made = Kills()
    marks = sorted(draw.randrange(traffic.events) for _ in range(kills))
    with run(traffic, folder) as one:
        one.driver.start()
        for mark in marks:
            with Worker(one.course.settings, folder, module=module) as worker:
                _until(worker, one, mark, draw, made)
            made.all += 1
            made.torn += _torn(one)
        with Worker(one.course.settings, folder, module=module) as worker:
            one.finish(worker)
        return one.outcome(), made


def crash(
    traffic: Traffic,
    folder: Path,
    *,
    seed: int,
    crashes: int,
    steps: Sequence[str] = STEPS,
    module: str = "tests.support.crashing_worker",
) -> Outcome:
    """Run the traffic with a worker that dies between two steps of a batch, `crashes` times, then one that
    lives.
    """
    draw = random.Random(seed)
    with run(traffic, folder) as one:
        one.driver.start()
        for number in range(crashes):
            step = {"CRASH_STEP": steps[number % len(steps)], "CRASH_TURN": str(draw.randint(1, 12))}
            settings = one.course.settings | step
            with Worker(settings, folder, module=module) as worker:
                while worker.process.poll() is None:
                    assert not one.driver.done.wait(0.02), "the traffic is too short for so many crashes"
        with Worker(one.course.settings, folder, module=module) as worker:
            one.finish(worker)
        return one.outcome()


def _until(worker: Worker, one: Run, mark: int, draw: random.Random, made: Kills) -> None:
    """Until it is time to kill: while it starts, when it is ready, or once `mark` messages are answered."""
    where = draw.random()
    if where < 0.1:
        time.sleep(draw.uniform(0.3, 2.0))
        made.starting += not worker.is_ready()
        return
    worker.wait_ready()
    if where > 0.25:
        one.wait_answered(mark)
    time.sleep(draw.uniform(0.0, 0.03))


def _torn(one: Run) -> bool:
    """Whether Redis has applied more than Kafka has answers for."""
    committed = one.course.committed()
    with redis.Redis.from_url(one.server.url) as client:
        fences = client.hgetall("{s0}:fence")
    for name, value in fences.items():
        kind, _, rest = name.decode().partition("|h|")
        if kind == "o" and rest:
            topic, _, number = rest.split("|")
            if int(value) >= committed.get((topic, int(number)), 0):
                return True
    return False
