"""Latency of a whole worker at steady rates, and where it goes: batches, their stages, and the processors of each
process that takes part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from rich.console import Console

from bench.brokers import broker
from bench.claims import Event, Stock
from bench.figures import machine_seconds, processor_seconds
from bench.kafka_runs import Reader, WorkerBench
from bench.reader import ReaderApart
from bench.scrape import per_batch, scrape
from streams.broker import EmbeddedBroker, free_port
from tests.support.apache_kafka import ApacheKafka

RATES = (50.0, 100.0, 200.0)
QUIET_SECONDS = 2.0
"""Before each rate: what the one before left to the model loops shall not be in its figures."""


class PacedBench(WorkerBench):
    """A worker with its metrics, on a broker that runs already, read in a process of its own."""

    def __init__(self, stack: ExitStack, broker: EmbeddedBroker | ApacheKafka) -> None:
        super().__init__(stack, broker=broker)
        self._server, self._port = broker.server, free_port()

    def _listen(self, answers: str) -> Reader:
        self._apart = ReaderApart(self.settings.brokers, self.folder / "reader")
        return self._apart

    def launch(self, command: Sequence[str], **environment: str) -> None:
        """With its metrics served."""
        super().launch(command, **environment, CRIBLE_METRICS_PORT=str(self._port))

    def at(self, rate: float, claims: Sequence[Event]) -> dict[str, Any]:
        """Quantiles, the mean batch, and the processors of each process."""
        time.sleep(QUIET_SECONDS)
        looked, spent, started = scrape(self._port), self._processors(), time.monotonic()
        result = self.latency(claims, rate)
        wall = time.monotonic() - started
        used = {name: round((at - spent[name]) / wall, 2) for name, at in self._processors().items()}
        return result | {"batch": per_batch(looked, scrape(self._port)), "processors": used}

    def _processors(self) -> dict[str, float]:
        """Processor seconds of everybody who takes part, and of everything on this machine."""
        assert self.server.pid is not None
        pids = {
            "worker": self.pid,
            "redis": self.server.pid,
            "broker": self._server.pid,
            "reader": self._apart.pid,
            "producer": os.getpid(),
        }
        return {name: processor_seconds(pid) for name, pid in pids.items()} | {"machine": machine_seconds()}


def measure(
    stock: Stock, claims: Sequence[Event], warm: int, names: Sequence[str], console: Console
) -> dict[str, Any]:
    """Each broker in turn, the same claims: `warm` of them first, the others at the rates, as long at each."""
    seconds = (len(claims) - warm) / sum(RATES)
    found: dict[str, Any] = {}
    for name in names:
        console.print(f"latency on {name}")
        left = iter(claims)
        with ExitStack() as stack:
            bench = PacedBench(stack, stack.enter_context(broker(name)))
            bench.start(stock)
            bench.answer(list(islice(left, warm)))
            found[name] = [bench.at(rate, list(islice(left, round(rate * seconds)))) for rate in RATES]
    return found
