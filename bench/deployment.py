"""What faults are done to: a broker, a Redis, workers with a supervisor, and a stream of events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import clock
from bench.crew import Crew
from bench.stores import ClusterStore, SingleStore
from bench.stream import Stream
from tests.support import apache_kafka, redis_cluster
from tests.support.apache_kafka import ApacheCluster, ApacheKafka
from tests.support.published import Published, published
from tests.support.traffic import Traffic

SESSION_MS = (
    6_000  # the shortest that Apache Kafka admits: a frozen worker's partitions are taken over sooner
)
TRANSACTION_MS = 5_000
TAGS = 16
"""Of a cluster, and so of the run that it is compared with."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a deployment is made of. `strict`: one partition, so that every reading is the same in every run."""

    name: str
    workers: int
    partitions: int
    cluster: bool = False  # of Kafka and of Redis

    @property
    def strict(self) -> bool:
        return self.partitions == 1

    @property
    def tags(self) -> int:
        return TAGS if self.cluster else 1

    def missing(self) -> str | None:
        """Why it cannot run here; None where it can."""
        return apache_kafka.reason() or redis_cluster.reason()


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("kafka-strict", workers=2, partitions=1),
        Shape("kafka", workers=2, partitions=2),
        Shape("cluster", workers=3, partitions=3, cluster=True),
    )
}


@dataclass(slots=True)
class Deployment:
    """One that runs."""

    shape: Shape
    folder: Path
    broker: ApacheKafka | ApacheCluster
    store: SingleStore | ClusterStore
    stream: Stream
    crew: Crew
    clock: clock.Clock

    def outcome(self) -> Published:
        """What was published, once every transaction is decided."""
        return published(self.broker.bootstrap, 120.0, decided=True)


def _servers(
    shape: Shape, folder: Path, stack: ExitStack
) -> tuple[ApacheKafka | ApacheCluster, SingleStore | ClusterStore]:
    if shape.cluster:
        return stack.enter_context(ApacheCluster()), stack.enter_context(ClusterStore())
    node = ApacheKafka(folder / "kafka")
    stack.enter_context(node)
    return node, stack.enter_context(SingleStore())


@contextmanager
def deployed(
    shape: Shape, traffic: Traffic, folder: Path, seed: int, *, build: str | None = None
) -> Iterator[Deployment]:
    """Servers up, registries read, workers ready; everything is gone at the end.

    Args:
        build: one of `tests.support.broken_worker.BUILDS` in place of the program itself.
    """
    with ExitStack() as stack:
        broker, store = _servers(shape, folder, stack)
        time = clock.Clock(folder)
        config = folder / "crible.toml"
        config.write_text(f'[kafka]\n"session.timeout.ms" = {SESSION_MS}\n', encoding="utf-8")
        settings = {
            "CRIBLE_CONFIG": str(config),
            "CRIBLE_TRANSACTION_TIMEOUT_MS": str(TRANSACTION_MS),
            "CRIBLE_BATCH_SIZE": "8",
            "CRIBLE_PROFILING": "inline" if shape.strict else "separate",
            "CRIBLE_TAGS": str(shape.tags),
        }
        stream = Stream(broker.bootstrap, store.url, folder, settings, partitions=shape.partitions, seed=seed)
        stack.callback(stream.close)
        stack.callback(stream.abandoned.set)
        stream.send(traffic.registries)
        module = "tests.support.broken_worker" if build else "tests.support.ordered_worker"
        names = [f"w{number}" for number in range(1, shape.workers + 1)]
        environment = stream.settings | time.environment() | ({"BROKEN": build} if build else {})
        crew = Crew(environment, folder, names, module)
        stack.callback(crew.kill_all)
        crew.start()
        yield Deployment(shape, folder, broker, store, stream, crew, time)
