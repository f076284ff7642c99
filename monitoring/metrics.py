"""The worker's metrics: counted in memory, once a batch, and served to Prometheus on loopback."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)

from monitoring.catalogue import CATALOGUE, Metric, bounded

Instrument = Counter | Gauge | Histogram


class PortError(RuntimeError):
    """`/metrics` cannot be served; the message says what to set."""


class Metrics:
    """All instruments of one worker in one registry. The methods may be called from any thread."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._labels = {metric.name: metric.labels for metric in CATALOGUE}
        self._instruments = {metric.name: _instrument(metric, self.registry) for metric in CATALOGUE}
        self._counters = {name: one for name, one in self._instruments.items() if isinstance(one, Counter)}
        self._gauges = {name: one for name, one in self._instruments.items() if isinstance(one, Gauge)}
        self._histograms = {
            name: one for name, one in self._instruments.items() if isinstance(one, Histogram)
        }
        self._set("crible_build_info", 1, _version())
        self._set("crible_up", 1)
        self._set("crible_ready", 0)
        for what in ("redis", "broker"):
            self.waiting(what, False)

    def events(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Events read, by (topic, flow; "" where unknown)."""
        self._add("crible_events", counts.items())

    def verdicts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Verdicts issued, by (decision, purpose; "" where none)."""
        self._add("crible_verdicts", counts.items())

    def fired(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Findings, by (detector code, class)."""
        self._add("crible_detector_fired", counts.items())

    def shadowed(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Findings of detectors in shadow, by (detector code, class)."""
        self._add("crible_detector_shadow_fired", counts.items())

    def cannot_check(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Checks that lacked data, by (detector code, table or registry; "" where it was something else)."""
        self._add("crible_cannot_check", counts.items())

    def model_error(self) -> None:
        """A model failed, or its record was damaged."""
        self._counters["crible_model_errors"].inc()

    def rejected(self, table: str) -> None:
        """A load of a table was refused."""
        self._add("crible_referential_rejected", [((table,), 1)])

    def ages(self, seconds: Mapping[str, float]) -> None:
        """Time since each table in force was last loaded or told again."""
        for table, age in seconds.items():
            self._set("crible_referential_age_seconds", age, table)

    def effect(self, topic: str, partition: int, offset: int) -> None:
        """The first offset of a partition that was decided under the tables now in force."""
        self._set("crible_referential_effect_offset", offset, topic, str(partition))

    def inpe_coverage(self, shares: Mapping[str, float]) -> None:
        """Share of lines with an INPE, by kind of provider; a kind hardly seen has none."""
        for kind, share in shares.items():
            self._set("crible_inpe_coverage_ratio", share, kind)

    def dead_letters(self, counts: Mapping[str, int]) -> None:
        """Messages that could not be read, by reason."""
        self._add("crible_dead_letters", [((reason,), count) for reason, count in counts.items()])

    def dead_letter(self, reason: str) -> None:
        """One message that could not be read."""
        self.dead_letters({reason: 1})

    def held(self, centimes: Mapping[str, int]) -> None:
        """Money put on hold, in centimes, by purpose."""
        self._add(
            "crible_held_amount_mad", [((purpose,), money / 100) for purpose, money in centimes.items()]
        )

    def batch(self, events: int, replayed: int = 0) -> None:
        """One batch: its events, and how many of them Redis had applied before."""
        self._histograms["crible_batch_events"].observe(events)
        if replayed:
            self._counters["crible_replays"].inc(replayed)

    def stage(self, name: str, seconds: float) -> None:
        """Time that one batch spent in a stage."""
        self._histograms["crible_stage_seconds"].labels(bounded("stage", name)).observe(seconds)

    def latencies(self, seconds: Iterable[float]) -> None:
        """End-to-end times of the events of a committed batch."""
        observe = self._histograms["crible_verdict_latency_seconds"].observe
        for one in seconds:
            observe(one)

    def aborted(self) -> None:
        """A transaction was aborted."""
        self._counters["crible_transactions_aborted"].inc()

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Messages of a partition not yet answered."""
        self._set("crible_consumer_lag", messages, topic, str(partition))

    def fence(self, topic: str, partition: int, offset: int) -> None:
        """Last offset of a partition that Redis has applied."""
        self._set("crible_fence_position", offset, topic, str(partition))

    def revoked(self, topic: str, partition: int) -> None:
        """Forget the gauges of a partition that this worker no longer has."""
        for name in ("crible_consumer_lag", "crible_fence_position", "crible_referential_effect_offset"):
            self._gauges[name].remove_by_labels(
                {"topic": bounded("topic", topic), "partition": str(partition)}
            )

    def waiting(self, what: str, away: bool) -> None:
        """Whether the worker waits for `redis` or the `broker`."""
        self._set("crible_waiting", int(away), what)

    def ready(self, taking_traffic: bool) -> None:
        """Whether the worker takes traffic."""
        self._set("crible_ready", int(taking_traffic))

    def down(self) -> None:
        """The worker has stopped."""
        self._set("crible_up", 0)
        self.ready(False)

    def _add(self, name: str, counts: Iterable[tuple[tuple[str, ...], float]]) -> None:
        counter, labels = self._counters[name], self._labels[name]
        for values, count in counts:
            counter.labels(*map(bounded, labels, values)).inc(count)

    def _set(self, name: str, value: float, *values: str) -> None:
        gauge, labels = self._gauges[name], self._labels[name]
        (gauge.labels(*map(bounded, labels, values)) if labels else gauge).set(value)


class Endpoint:
    """`http://host:port/metrics`, served from a thread until `close`. Port 0 serves nothing.

    Raises PortError where the port is taken or not ours to open.
    """

    def __init__(self, metrics: Metrics, port: int, host: str = "127.0.0.1") -> None:
        self._server = None
        if not port:
            return
        try:
            self._server, self._thread = start_http_server(port, host, metrics.registry)
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
            raise PortError(
                f"metrics port {port} on {host} {why}: "
                "set CRIBLE_METRICS_PORT to another port, or to 0 for none"
            ) from error
        ProcessCollector(registry=metrics.registry)

    def close(self) -> None:
        """Stop serving and free the port. Idempotent."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None


def _instrument(metric: Metric, registry: CollectorRegistry) -> Instrument:
    if metric.kind == "histogram":
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(metric.name, metric.help, metric.labels, registry=registry)


def _version() -> str:
    try:
        return version("crible")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0.0"
