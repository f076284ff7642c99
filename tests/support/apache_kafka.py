"""Apache Kafka itself, one KRaft node without containers; its jars come once from Maven Central.

Needs `java` (17 or later) and `mvn`; `reason()` says what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from streams.embedded import HOST, BrokerError, Embedded, free_port, listening

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
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={directory}/data
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
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


class ApacheKafka(Embedded):
    """Context manager: one Kafka node on loopback, at `bootstrap`."""

    name = "Kafka"
    start_seconds = 60.0

    def __init__(self, directory: Path | None = None) -> None:
        super().__init__(directory)
        self._port = free_port()

    @property
    def bootstrap(self) -> str:
        """`host:port` for `bootstrap.servers`."""
        return f"{HOST}:{self._port}"

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
        self._launch([*java, "kafka.Kafka", str(settings)], folder, lambda: listening(self._port))

    def _format(self, java: list[str], folder: Path, settings: Path) -> None:
        ports = {"port": self._port, "controller": free_port()}
        settings.write_text(PROPERTIES.format(host=HOST, directory=folder, **ports), encoding="utf-8")
        cluster = str(uuid.uuid4())
        storage = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
        formatted = subprocess.run(storage, capture_output=True, text=True, timeout=self.start_seconds)
        if formatted.returncode:
            self.stop()
            raise BrokerError(f"Kafka's storage was not formatted: {formatted.stdout + formatted.stderr}")
