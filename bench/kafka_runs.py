"""The worker on the embedded broker: throughput, processor time, and latency for a read_committed reader."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from bench.claims import Event, Stock
from bench.figures import median, processor_seconds, quantile
from schemas.topics import TOPIC_OF
from state import EmbeddedRedis
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.leash import Leash
from streams.topics import Topics

PATIENCE = 60.0
"""Seconds without a new verdict after which a run has failed."""


class Reader:
    """Listens to `verdicts` in a thread, message by message, and notes when each event was first answered."""

    def __init__(self, client: dict[str, Any]) -> None:
        self.answered: dict[str, float] = {}
        self._stop = threading.Event()
        self._consumer = Consumer(
            {**client, "group.id": "bench", "isolation.level": "read_committed", "enable.auto.commit": False}
        )
        partitions = self._consumer.list_topics("verdicts", timeout=15).topics["verdicts"].partitions
        self._consumer.assign([TopicPartition("verdicts", number, 0) for number in partitions])
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
                    self.answered.setdefault(orjson.loads(record.value() or b"{}")["event_id"], at)


class WorkerBench:
    """A worker, its broker and its Redis, for as long as the context lasts."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crible-bench-")))
        self._server = stack.enter_context(EmbeddedRedis(durable=True))
        broker = EmbeddedBroker()
        stack.enter_context(broker)
        settings = Settings(brokers=broker.bootstrap, redis=self._server.url, worker_id="bench")
        Topics(settings.client()).create(1)
        self._producer = Producer(
            {
                **settings.client(),
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "enable.idempotence": True,
                "log_level": 2,
            }
        )
        self._reader = Reader(settings.client())
        stack.callback(self._reader.close)
        self._settings, self._folder = settings, folder

    def start(self, stock: Stock) -> None:
        """Registries and people first, then the worker; returns when it has taken them in.

        Raises RuntimeError where it does not become ready.
        """
        self._send([*stock.registries, *stock.people], 0.0)
        settings = self._settings
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
        ours = {
            "CRIBLE_BROKERS": settings.brokers,
            "CRIBLE_REDIS": settings.redis,
            "CRIBLE_WORKER_ID": settings.worker_id,
            "PYTHONPATH": str(Path(__file__).parents[1]),  # its working directory is not the checkout
        }
        command = [sys.executable, "-m", "streams.cli", "worker"]
        self._worker = Leash(command, self._folder / "worker", environment={**kept, **ours})
        self._stack.callback(self._worker.stop)
        deadline = time.monotonic() + PATIENCE
        while "ready" not in self._worker.output(50).split():
            if not self._worker.alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not become ready:\n{self._worker.output(20)}")
            time.sleep(0.05)
        self._caught_up(sum(event["type"] == "beneficiary" for event in stock.people))

    def throughput(self, claims: Sequence[Event], runs: int) -> dict[str, Any]:
        """Claims as fast as the broker takes them, in `runs` parts: medians."""
        size = len(claims) // runs
        rates, costs = [], []
        for number in range(runs):
            part = claims[number * size : (number + 1) * size]
            worker, wall = processor_seconds(self._worker.pid), time.perf_counter()
            self._answered(part, 0.0)
            rates.append(size / (time.perf_counter() - wall))
            costs.append(size / (processor_seconds(self._worker.pid) - worker))
        return {
            "claims_per_second": round(median(rates)),
            "claims_per_worker_cpu_second": round(median(costs)),
            "runs": len(rates),
        }

    def latency(self, claims: Sequence[Event], rate: float) -> dict[str, Any]:
        """Milliseconds from produce to verdict at a steady rate; the first second is left out."""
        sent = self._answered(claims, rate)
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
        group = {"group.id": self._settings.group, "enable.auto.commit": False}
        watcher = Consumer({**self._settings.client(), **group})
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            (stands,) = watcher.committed([TopicPartition("beneficiaries", 0)], timeout=5)
            if stands.offset >= people:
                break
            time.sleep(0.1)
        watcher.close()

    def _answered(self, events: Sequence[Event], rate: float) -> dict[str, float]:
        sent = self._send(events, rate)
        if not self._reader.wait(list(sent)):
            raise RuntimeError(f"not every claim was answered; the worker says:\n{self._worker.output(20)}")
        return sent

    def _send(self, events: Sequence[Event], rate: float) -> dict[str, float]:
        """Produce in order; when each event left (seconds since the epoch)."""
        sent: dict[str, float] = {}
        ready: list[tuple[str, bytes, bytes, str]] = []
        for event in events:
            topic = TOPIC_OF[event["type"]]
            ready.append((topic.name, orjson.dumps(event), topic.key_of(event).encode(), event["event_id"]))
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
