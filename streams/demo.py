"""`crible demo`: a synthetic AMO through the real thing, on servers that end with it.

A history is observed from a file; then live claims, liquidations and payments travel over Kafka's protocol to a real
worker, and the topics are read back by somebody else.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simulation import Plan, World, generate
from state import EmbeddedRedis
from state.leash import Leash
from state.scratch import Scratch
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.demo_report import Report, report
from streams.event_log import LogScreening, screen_log
from streams.readback import Heard, Listener
from streams.sender import Sender
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
    """How big a demo.

    Most live events are sent at `rate` a second (0 = as fast as the broker takes them), which shows what is answered
    in a second; the last `paced` ones wait until those are answered and go at `pace` a second, which shows how long
    one answer takes when no queue stands before it.
    """

    seed: int = 1
    plan: Plan = field(default_factory=Plan)
    rate: float = 500.0
    paced: int = 600
    pace: float = 40.0


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
        folder = stack.enter_context(Scratch("demo"))
        redis = stack.enter_context(EmbeddedRedis(durable=True))
        broker = EmbeddedBroker()
        stack.enter_context(broker)
        _observe(log, redis.url, progress)
        settings = Settings(brokers=broker.bootstrap, redis=redis.url, worker_id="demo")
        topics = Topics(settings.client())
        topics.create(1)
        sender = Sender(settings.client())
        stack.callback(sender.close)  # before the broker goes, or it complains of a lost connection
        sender.send(log.registries, 0.0, lambda done: None)
        worker = _worker(settings, folder)
        stack.callback(worker.stop)
        _wait_ready(worker, progress)
        heard = _live(demo, log, sender, Listener(settings.client()), progress)
        if len(heard.first) < len(_answered(log.live)) and not worker.alive():
            raise DemoFailed(f"the worker ended early:\n{worker.output(20)}")
        worker.stop()
        return report(log.live, log.truth, heard, sender.sent, sender.paced)


def _answered(events: Iterable[dict[str, Any]]) -> set[str]:
    return {event["event_id"] for event in events if event["type"] in ANSWERED}


def _live(demo: DemoPlan, log: _Log, sender: Sender, listener: Listener, progress: Progress) -> Heard:
    """Send the live events, most of them in a stream and the last ones at their pace; what was answered to them."""
    total, cut = len(log.live), max(0, len(log.live) - demo.paced)
    wanted = len(_answered(log.live))
    sender.send(log.live[:cut], demo.rate, lambda done: progress("live events sent", done, total))
    _wait_answers(listener, len(_answered(log.live[:cut])), wanted, progress)
    sender.paced = _answered(log.live[cut:])
    sender.send(log.live[cut:], demo.pace, lambda done: progress("live events sent", cut + done, total))
    _wait_answers(listener, wanted, wanted, progress)
    return listener.close()


def _wait_answers(listener: Listener, count: int, total: int, progress: Progress) -> None:
    listener.wait(
        lambda heard: len(heard.first) >= count,
        SILENCE_SECONDS,
        lambda heard: progress("answers", len(heard.first), total),
    )
    progress("answers", len(listener.heard.first), total)


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
