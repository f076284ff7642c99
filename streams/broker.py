"""A real broker for the demo and the tests: `noida-db`, a small program that speaks Kafka's protocol.

Where it differs from Apache Kafka (a user meets these in the README):
one worker; `partition.assignment.strategy=range`; a static `group.instance.id` for each worker, since a dead
member is never expired; at most about 100,000 records; the last second or two can be lost on `kill -9`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Protocol

from streams.embedded import HOST, BrokerError, Embedded, free_port, listening, program

__all__ = ["Broker", "BrokerError", "EmbeddedBroker", "free_port"]

ATTEMPTS = 5  # another process may take the free port between our look and the broker's start


class Broker(Protocol):
    """Whatever speaks Kafka's protocol at `bootstrap`: embedded, Apache Kafka, or a user's own."""

    @property
    def bootstrap(self) -> str: ...


class EmbeddedBroker(Embedded):
    """Context manager: a broker on loopback, at `bootstrap`; on the given `port` where there is one."""

    def __init__(self, *, port: int | None = None, directory: Path | None = None) -> None:
        super().__init__(directory)
        self._port = port

    @property
    def bootstrap(self) -> str:
        """`host:port` for `bootstrap.servers`; known once started."""
        if self._port is None:
            raise BrokerError("the embedded broker has not been started")
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Start and wait until it accepts connections; raises BrokerError."""
        if self._port is not None:
            self._start_on(self._port)
            return
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            try:
                self._start_on(port)
            except BrokerError:
                if attempt == ATTEMPTS:
                    raise
            else:
                self._port = port
                return

    def _start_on(self, port: int) -> None:
        if listening(port):
            raise BrokerError(f"port {port} is in use: the embedded broker cannot listen there")
        folder = self._folder()
        where = ["--host", HOST, "--kafka-port", str(port), "--data-dir", str(folder)]
        self._launch([_binary(), "start", "--only", "kafka", *where], folder, lambda: listening(port))


def _binary() -> str:
    try:
        return program(str(files("noida_db") / "noida-db"))
    except (ModuleNotFoundError, OSError) as error:
        raise BrokerError(
            f"the package noida-db does not serve here ({error}): install crible again"
        ) from error
