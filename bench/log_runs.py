"""The loop from an event log: profiling and learner in line, verdicts encoded, no broker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import redis

from bench.claims import Stock, encoded
from bench.figures import Run, latencies, median, redis_seconds
from detectors.book import ReferentialBook
from monitoring.metrics import Metrics
from schemas.decode import Decoder
from state import EmbeddedRedis, Layout, Store
from streams.control import ControlDesk
from streams.event_log import EventLogRun
from streams.heap import settle
from streams.messages import Output
from streams.screening import Screener

BATCH = 128
SIZES = (1.0, 2.5, 5.0)
"""Lines a claim."""


class TimedStore(Store):
    """A store that knows how long its caller waited for it: packing, Redis and unpacking together."""

    waited = 0.0

    def observe(self, *args: Any) -> Any:
        """Timed."""
        with self._timed():
            return super().observe(*args)

    def record(self, *args: Any) -> Any:
        """Timed."""
        with self._timed():
            return super().record(*args)

    def models(self, *args: Any) -> Any:
        """Timed."""
        with self._timed():
            return super().models(*args)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.waited += time.perf_counter() - started


@dataclass(slots=True)
class Sized:
    """All runs at one size of claim, and the shares of the loop's time by stage."""

    lines: float
    runs: list[Run] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    latency_us: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Medians: claims a second, claims a processor second, microseconds a claim."""
        return {
            "lines": self.lines,
            "claims_per_second": round(median([run.claims / run.wall for run in self.runs])),
            "claims_per_worker_cpu_second": round(median([run.claims / run.worker for run in self.runs])),
            "worker_cpu_us": round(median([run.worker / run.claims * 1e6 for run in self.runs])),
            "redis_cpu_us": round(median([run.redis / run.claims * 1e6 for run in self.runs])),
            "shares": self.shares,
            "latency_us": self.latency_us,
            "runs": [asdict(run) for run in self.runs],
        }


class LogBench:
    """A warm loop on a Redis of its own, and the runs made with it."""

    def __init__(self, server: EmbeddedRedis) -> None:
        self._client = redis.Redis(port=server.port)
        self._store = TimedStore(server.url, require_aof=False)
        self._store.check(Layout(pseudonyms=""))
        self._book = ReferentialBook()
        self._desk = ControlDesk(self._store)
        self._decoder = Decoder(None)
        self._logs = 0
        self.bytes = 0
        """Outputs encoded so far: nothing measured may be left out as unused."""

    def observe(self, stock: Stock) -> None:
        """Feed registries, people and history: windows and models are mature then."""
        self.feed(encoded([*stock.registries, *stock.people, *stock.history]))
        settle()

    def feed(self, lines: Sequence[bytes]) -> None:
        """Screen these lines as a log of their own."""
        self._log(self._screener(Metrics())).run(lines)

    def measure(self, claims: Sequence[bytes], lines: float, runs: int) -> Sized:
        """Screen the claims in `runs` equal parts, each a log of its own on the same windows."""
        found, metrics = Sized(lines), Metrics()
        screener = self._screener(metrics)
        size = len(claims) // runs
        total, self._store.waited = 0.0, 0.0
        self._client.config_resetstat()
        for number in range(runs):
            part, log = claims[number * size : (number + 1) * size], self._log(screener)
            before, worker, wall = redis_seconds(self._client), time.process_time(), time.perf_counter()
            log.run(part)
            worker, wall = time.process_time() - worker, time.perf_counter() - wall
            found.runs.append(Run(len(part), wall, worker, redis_seconds(self._client) - before))
            total += wall
        found.latency_us = latencies(self._client)
        found.shares = {name: round(seconds / total, 3) for name, seconds in stages(metrics).items()}
        found.shares["redis"] = round(self._store.waited / total, 3)
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()
        self._client.close()

    def _screener(self, metrics: Metrics) -> Screener:
        return Screener(self._store, self._decoder, self._book.snapshot, metrics, inline=True)

    def _log(self, screener: Screener) -> EventLogRun:
        self._logs += 1
        name = f"bench-{self._logs}"
        run = EventLogRun(screener, self._decoder, self._desk, self._book, name, self._take, BATCH)
        self._store.own([run.input("log"), run.input("rescreens")])
        return run

    def _take(self, outputs: list[Output]) -> None:
        self.bytes += sum(len(output.value) for output in outputs)


def stages(metrics: Metrics) -> dict[str, float]:
    """Seconds by stage of the loop."""
    return {
        sample.labels["stage"]: sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "crible_stage_seconds_sum"
    }
