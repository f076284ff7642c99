"""Apache Kafka itself, KRaft without containers, one node or three; its jars come once from Maven Central.

Needs `java` (17 or later) and `mvn`; `reason()` says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from state.loopback import HOST, free_port, listening
from streams.embedded import BrokerError, Embedded

VERSION = "4.1.1"
DOWNLOAD_S = 600.0

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>crible.tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""

PROPERTIES = """process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={directory}/data
default.replication.factor={replicas}
min.insync.replicas={insync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={insync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={insync}
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.backoff.ms=500
num.partitions=1
"""


def reason() -> str | None:
    """Why Apache Kafka cannot run here; None where it can."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} here: Apache Kafka cannot be started" if missing else None


def jars() -> Path:
    """The folder of Kafka's jars, filled from Maven Central at the first call. Raises BrokerError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crible" / f"kafka-{VERSION}"
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
        (Path(folder) / "pom.xml").write_text(POM, encoding="utf-8")
        command = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_S)
        if done.returncode:
            raise BrokerError(f"Kafka's jars did not come: {(done.stdout + done.stderr)[-2000:]}")
        if not cache.is_dir():  # another process may have been faster
            (Path(folder) / "jars").rename(cache)
    return cache


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node listens: for clients at `port`, for the other nodes' controllers at `controller`."""

    node: int
    port: int
    controller: int


def _places(count: int) -> list[Place]:
    return [Place(node, free_port(), free_port()) for node in range(1, count + 1)]


class ApacheKafka(Embedded):
    """Context manager: one Kafka node on loopback, at `bootstrap`; alone, or one of `places`."""

    name = "Kafka"
    start_seconds = 180.0  # 6 s are usual

    def __init__(
        self,
        directory: Path | None = None,
        *,
        node: int = 1,
        places: Sequence[Place] | None = None,
        cluster: str | None = None,
    ) -> None:
        super().__init__(directory)
        self._places = places or _places(1)
        self.place = self._places[node - 1]
        self._cluster = cluster or str(uuid.uuid4())

    @property
    def bootstrap(self) -> str:
        """`host:port` for `bootstrap.servers`."""
        return f"{HOST}:{self.place.port}"

    def start(self) -> None:
        """Format the log directory unless it is in use already, start, and wait until it accepts connections.

        Raises BrokerError.
        """
        classes = f"{jars()}/*"
        java = ["java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes]
        folder = self._folder()
        folder.mkdir(exist_ok=True)
        settings = folder / "server.properties"
        if not settings.exists():
            self._format(java, folder, settings)
        self._launch([*java, "kafka.Kafka", str(settings)], folder, lambda: listening(self.place.port))

    def _format(self, java: list[str], folder: Path, settings: Path) -> None:
        count = len(self._places)
        text = PROPERTIES.format(
            host=HOST,
            directory=folder,
            node=self.place.node,
            port=self.place.port,
            controller=self.place.controller,
            voters=",".join(f"{one.node}@{HOST}:{one.controller}" for one in self._places),
            replicas=count,
            insync=max(1, count - 1),
        )
        settings.write_text(text, encoding="utf-8")
        storage = [*java, "kafka.tools.StorageTool", "format", "-t", self._cluster, "-c", str(settings)]
        formatted = subprocess.run(storage, capture_output=True, text=True, timeout=self.start_seconds)
        if formatted.returncode:
            self.stop()
            raise BrokerError(f"Kafka's storage was not formatted: {formatted.stdout + formatted.stderr}")


class ApacheCluster(contextlib.AbstractContextManager["ApacheCluster"]):
    """Context manager: three nodes, each broker and controller; every topic on all three, two in sync to write.

    A node is taken away by `nodes[n].server.kill()` and brought back by `nodes[n].again()`.
    """

    COUNT = 3
    READY_S = 60.0

    def __init__(self) -> None:
        places, cluster = _places(self.COUNT), str(uuid.uuid4())
        self.nodes = [ApacheKafka(node=place.node, places=places, cluster=cluster) for place in places]

    @property
    def bootstrap(self) -> str:
        """`host:port,...` for `bootstrap.servers`."""
        return ",".join(node.bootstrap for node in self.nodes)

    def __enter__(self) -> ApacheCluster:
        # Together: no broker accepts connections before two of the controllers have met.
        try:
            with ThreadPoolExecutor(self.COUNT) as pool:
                list(pool.map(ApacheKafka.start, self.nodes))
            self.wait_whole()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def wait_whole(self) -> None:
        """Wait until every node serves clients; raises BrokerError where that takes over a minute."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        deadline = time.monotonic() + self.READY_S
        while time.monotonic() < deadline:
            with contextlib.suppress(KafkaException):
                if len(admin.list_topics(timeout=5).brokers) == self.COUNT:
                    return
            time.sleep(0.1)
        raise BrokerError("the three nodes did not find each other")

    def stop(self) -> None:
        """End all nodes at once: in good order, the last would wait for a quorum that is gone."""
        for node in self.nodes:
            with contextlib.suppress(BrokerError):
                node.server.kill()
        for node in self.nodes:
            node.stop()


needed = pytest.mark.skipif(reason() is not None, reason=str(reason()))
"""For tests that need Apache Kafka: skipped, with what is missing, where it cannot run."""
