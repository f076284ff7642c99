"""`crible demo`: a synthetic AMO through the real thing, on servers that end with it.

A history is observed from a file; then live claims, liquidations and payments travel over Kafka's protocol to a real
worker, and the topics are read back by somebody else.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer

from schemas.topics import TOPIC_OF
from simulation import Plan, World, generate
from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.demo_report import Report, report
from streams.event_log import LogScreening, screen_log
from streams.leash import Leash
from streams.readback import Listener
from streams.topics import Topics

REGISTRIES = frozenset(("provider", "liquidator", "referential", "policy", "order"))
ANSWERED = frozenset(("claim", "liquidation", "payment"))
READY_SECONDS = 60.0
SILENCE_SECONDS = 30.0

Progress = Callable[[str, int, int], None]


class DemoFailed(RuntimeError):
    """The demo could not be run to its end; the message says what happened."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How big a demo. `rate`: live events a second, 0 = as fast as the broker takes them."""

    seed: int = 1
    plan: Plan = field(default_factory=Plan)
    rate: float = 500.0


@dataclass(slots=True)
class _Log:
    """The simulated events, parted: registries, history lines, live lines, and what is true of live claims."""

    registries: list[dict[str, Any]]
    history: list[bytes]
    live: list[dict[str, Any]]
    truth: dict[str, dict[str, Any]]


def run(demo: DemoPlan, progress: Progress) -> Report:
    """Run the demo; `progress` is told (phase, done, total). Raises DemoFailed, BrokerError or ConfigurationError."""
    log = _simulate(demo, progress)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crible-demo-")))
        redis = stack.enter_context(EmbeddedRedis(durable=True))
        broker = EmbeddedBroker()
        stack.enter_context(broker)
        _observe(log, redis.url, progress)
        settings = Settings(brokers=broker.bootstrap, redis=redis.url, worker_id="demo")
        topics = Topics(settings.client())
        topics.create(1)
        producer = Producer(
            {**settings.client(), "partitioner": "murmur2_random", "linger.ms": 0, "enable.idempotence": True}
        )
        _produce(producer, log.registries, 0.0, lambda done: None)
        worker = _worker(settings, folder)
        stack.callback(worker.stop)
        _wait_ready(worker, progress)
        listener = Listener(settings.client())
        sent = _send_live(producer, log, demo.rate, progress)
        wanted = {event["event_id"] for event in log.live if event["type"] in ANSWERED}
        whole = listener.wait(
            lambda heard: len(heard.first) >= len(wanted),
            SILENCE_SECONDS,
            lambda heard: progress("answers", len(heard.first), len(wanted)),
        )
        progress("answers", len(listener.heard.first), len(wanted))
        heard = listener.close()
        if not whole and not worker.alive():
            raise DemoFailed(f"the worker ended early:\n{worker.output(20)}")
        worker.stop()
        return report(log.live, log.truth, heard, sent)


def _simulate(demo: DemoPlan, progress: Progress) -> _Log:
    world = World(demo.seed)
    boundary = demo.plan.boundary(world)
    log = _Log([], [], [], {})
    total = demo.plan.claims
    claims = 0
    for event, truth in generate(world, demo.plan):
        live = dt.datetime.fromisoformat(event["ingest_time"]) >= boundary
        if event["type"] in REGISTRIES:
            log.registries.append(event)
        if live and event["type"] not in REGISTRIES:
            log.live.append(event)
            if truth is not None:
                log.truth[event["event_id"]] = truth
        elif not live:
            log.history.append(orjson.dumps(event))
        if event["type"] == "claim":
            claims += 1
            if claims % 1000 == 0:
                progress("simulated claims", claims, total)
    progress("simulated claims", total, total)
    return log


def _observe(log: _Log, redis: str, progress: Progress) -> None:
    total = len(log.history)
    job = LogScreening(Settings(), redis, "demo-history", 128, observe_only=True)
    screen_log(
        job,
        iter(log.history),
        lambda outputs: None,
        lambda done: progress("history events observed", done, total),
    )


def _worker(settings: Settings, folder: Path) -> Leash:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
    ours = {
        "CRIBLE_BROKERS": settings.brokers,
        "CRIBLE_REDIS": settings.redis,
        "CRIBLE_WORKER_ID": settings.worker_id,
    }
    return Leash(
        [sys.executable, "-m", "streams.cli", "worker"], folder / "worker", environment={**kept, **ours}
    )


def _wait_ready(worker: Leash, progress: Progress) -> None:
    deadline = time.monotonic() + READY_SECONDS
    progress("worker ready", 0, 1)
    while "ready" not in worker.output(50).split():
        if not worker.alive() or time.monotonic() > deadline:
            raise DemoFailed(f"the worker did not become ready:\n{worker.output(20)}")
        time.sleep(0.05)
    progress("worker ready", 1, 1)


def _send_live(producer: Producer, log: _Log, rate: float, progress: Progress) -> dict[str, float]:
    total = len(log.live)
    return _produce(producer, log.live, rate, lambda done: progress("live events sent", done, total))


def _produce(
    producer: Producer, events: Iterable[dict[str, Any]], rate: float, tick: Callable[[int], None]
) -> dict[str, float]:
    """Produce in order, no faster than `rate`; returns when each event left (seconds since the epoch)."""
    sent: dict[str, float] = {}
    started = time.monotonic()
    for index, event in enumerate(events):
        if rate:
            ahead = index / rate - (time.monotonic() - started)
            if ahead > 0.002:
                producer.poll(0)
                time.sleep(ahead)
        topic = TOPIC_OF[event["type"]]
        while True:
            try:
                producer.produce(topic.name, orjson.dumps(event), topic.key_of(event).encode())
                break
            except BufferError:
                producer.poll(0.01)
        sent.setdefault(event["event_id"], time.time())
        if index % 200 == 0:
            tick(index)
    if producer.flush(30) > 0:
        raise DemoFailed("the embedded broker did not take all events")
    tick(len(sent))
    return sent
