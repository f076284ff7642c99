"""Builds behind the embedded broker: throughput, processor time, and latency for a read_committed reader."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.claims import Event, Stock
from bench.figures import Run, median, processor_seconds, quantile
from schemas.topics import TOPIC_OF, TOPICS
from state import EmbeddedRedis
from state.leash import Leash
from state.scratch import Scratch
from streams.broker import Broker, EmbeddedBroker
from streams.config import Settings
from streams.topics import Topics

PATIENCE = 60.0
"""Seconds without a new verdict after which a run has failed."""


class Reader:
    """Listens to the answers in a thread, message by message, and notes when each event was first answered."""

    def __init__(self, client: dict[str, Any], topic: str) -> None:
        self.answered: dict[str, float] = {}
        self.values: dict[str, bytes] = {}
        """The first answers themselves, where the topic is none of Crible's: those are large."""
        self._keep = topic not in TOPICS
        self._stop = threading.Event()
        self._consumer = Consumer(
            {**client, "group.id": "bench", "isolation.level": "read_committed", "enable.auto.commit": False}
        )
        deadline = time.monotonic() + PATIENCE
        while not (partitions := self._consumer.list_topics(topic, timeout=15).topics[topic].partitions):
            if time.monotonic() > deadline:  # Apache Kafka tells of a new topic a moment after it made it
                raise TimeoutError(f"{topic} has no partition")
            time.sleep(0.1)
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        self._thread = threading.Thread(target=self._listen, name="bench-reader", daemon=True)
        self._thread.start()

    def wait(self, events: Sequence[str]) -> bool:
        """Wait until all these events are answered; False after a minute without news."""
        count, since = 0, time.monotonic()
        while not all(event in self.answered for event in reversed(events)):
            if len(self.answered) > count:
                count, since = len(self.answered), time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            records = self._consumer.consume(1, 0.1)
            records += self._consumer.consume(499, 0.0) if records else []
            at = time.time()
            for record in records:
                if record.error() is None:
                    value = record.value() or b"{}"
                    event_id = orjson.loads(value)["event_id"]
                    if self._keep:
                        self.values.setdefault(event_id, value)
                    self.answered.setdefault(event_id, at)


class Stage:
    """A broker, a Redis, and one build between them in a process of its own, for as long as the context lasts.

    `answers` is the topic that holds an answer an event; `key`: the message key of every claim, None = its topic's;
    `broker`: one that runs already, None = an embedded one.
    """

    def __init__(
        self,
        stack: ExitStack,
        answers: str = "verdicts",
        key: bytes | None = None,
        broker: Broker | None = None,
    ) -> None:
        self._stack, self._key = stack, key
        self.folder = stack.enter_context(Scratch("bench"))
        self.server = stack.enter_context(EmbeddedRedis(durable=True))
        if broker is None:
            stack.enter_context(broker := EmbeddedBroker())
        self.settings = Settings(brokers=broker.bootstrap, redis=self.server.url, worker_id="bench")
        client = self.settings.client()
        Topics(client).create(1)
        if answers not in TOPICS:
            admin = AdminClient({**client, "log_level": 0})
            for made in admin.create_topics([NewTopic(answers, 1, 1)]).values():
                made.result(PATIENCE)
        self._producer = Producer(
            {
                **client,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "enable.idempotence": True,
                "log_level": 2,
            }
        )
        self._reader = self._listen(answers)
        stack.callback(self._reader.close)

    def _listen(self, answers: str) -> Reader:
        return Reader(self.settings.client(), answers)

    def launch(self, command: Sequence[str], **environment: str) -> None:
        """Start the build; returns when it has said `ready`. Raises RuntimeError where it does not."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
        ours = {"PYTHONPATH": str(Path(__file__).parents[1])}  # its working directory is not the checkout
        self._worker = Leash(command, self.folder / "worker", environment={**kept, **ours, **environment})
        self._stack.callback(self._worker.stop)
        deadline = time.monotonic() + PATIENCE
        while "ready" not in self._worker.output(50).split():
            if not self._worker.alive() or time.monotonic() > deadline:
                raise RuntimeError(f"{command[-1]} did not become ready:\n{self._worker.output(20)}")
            time.sleep(0.05)

    @property
    def answered(self) -> int:
        """How many events have been answered so far."""
        return len(self._reader.answered)

    def rows(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Produce, wait, and give the answers themselves, in the order of the events."""
        self.answer(events)
        return [orjson.loads(self._reader.values[event["event_id"]]) for event in events]

    @property
    def pid(self) -> int:
        """The build's process."""
        return self._worker.pid

    def stop(self) -> None:
        """End the build in good order."""
        self._worker.stop()

    def answer(self, events: Sequence[Event], rate: float = 0.0) -> dict[str, float]:
        """Produce in order and wait until every event is answered; when each left. Raises RuntimeError."""
        sent = self.send(events, rate)
        if not self._reader.wait(list(sent)):
            raise RuntimeError(f"not every claim was answered; the worker says:\n{self._worker.output(20)}")
        return sent

    def measure(self, claims: Sequence[Event], runs: int) -> list[Run]:
        """Claims as fast as the broker takes them, in `runs` equal parts, each timed."""
        size = len(claims) // runs
        assert self.server.pid is not None
        pids = (self._worker.pid, self.server.pid)
        found = []
        for number in range(runs):
            part = claims[number * size : (number + 1) * size]
            before, wall = [processor_seconds(pid) for pid in pids], time.perf_counter()
            self.answer(part)
            wall = time.perf_counter() - wall
            worker, server = (processor_seconds(pid) - at for pid, at in zip(pids, before, strict=True))
            found.append(Run(size, wall, worker, server))
        return found

    def send(self, events: Sequence[Event], rate: float = 0.0) -> dict[str, float]:
        """Produce in order; when each event left (seconds since the epoch)."""
        sent: dict[str, float] = {}
        ready: list[tuple[str, bytes, bytes, str]] = []
        for event in events:
            topic = TOPIC_OF[event["type"]]
            key = self._key or topic.key_of(event).encode()
            ready.append((topic.name, orjson.dumps(event), key, event["event_id"]))
        started = time.monotonic()
        for index, (name, value, key, event_id) in enumerate(ready):
            while rate and (ahead := index / rate - (time.monotonic() - started)) > 0:
                self._producer.poll(0)
                time.sleep(min(ahead, 0.002))
            while True:
                try:
                    self._producer.produce(name, value, key)
                    break
                except BufferError:
                    self._producer.poll(0.01)
            self._producer.poll(0)
            sent[event_id] = time.time()
        self._producer.flush(30)
        return sent


class WorkerBench(Stage):
    """The whole worker, everything on."""

    def start(self, stock: Stock) -> None:
        """Registries and people first, then the worker; returns when it has taken them in.

        Raises RuntimeError where it does not become ready.
        """
        self.send([*stock.registries, *stock.people])
        settings = self.settings
        self.launch(
            [sys.executable, "-m", "streams.cli", "worker"],
            CRIBLE_BROKERS=settings.brokers,
            CRIBLE_REDIS=settings.redis,
            CRIBLE_WORKER_ID=settings.worker_id,
        )
        self._caught_up(sum(event["type"] == "beneficiary" for event in stock.people))

    def throughput(self, claims: Sequence[Event], runs: int) -> dict[str, Any]:
        """Medians of `runs` parts."""
        found = self.measure(claims, runs)
        return {
            "claims_per_second": round(median([run.claims / run.wall for run in found])),
            "claims_per_worker_cpu_second": round(median([run.claims / run.worker for run in found])),
            "runs": len(found),
        }

    def latency(self, claims: Sequence[Event], rate: float) -> dict[str, Any]:
        """Milliseconds from produce to verdict at a steady rate; the first second is left out."""
        sent = self.answer(claims, rate)
        began = min(sent.values())
        took = [(self._reader.answered[event] - at) * 1e3 for event, at in sent.items() if at > began + 1.0]
        return {
            "rate": rate,
            "events": len(took),
            **{
                name: round(quantile(took, share), 1)
                for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
            },
        }

    def _caught_up(self, people: int) -> None:
        """Wait until the worker has committed all beneficiaries: they get no verdict."""
        group = {"group.id": self.settings.group, "enable.auto.commit": False}
        watcher = Consumer({**self.settings.client(), **group})
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            (stands,) = watcher.committed([TopicPartition("beneficiaries", 0)], timeout=5)
            if stands.offset >= people:
                break
            time.sleep(0.1)
        watcher.close()
