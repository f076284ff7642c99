"""A Redis Cluster on loopback: three masters with a replica each, as production has it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest
import redis

from state.embedded import EmbeddedRedis, find_server
from state.errors import ConfigurationError
from state.keys import SLOTS
from state.loopback import HOST, free_port

MASTERS = 3
READY_S = 90.0
NODE_TIMEOUT_MS = (
    "2000"  # silence after which a master counts as failed: 15 s by default, too long to wait for
)


def reason() -> str | None:
    """Why no Redis Cluster can run here; None where it can."""
    try:
        find_server()
    except ConfigurationError as error:
        return str(error)
    return None


class RedisCluster(contextlib.AbstractContextManager["RedisCluster"]):
    """Context manager: `masters[n]` owns the n-th third of the slots, `replicas[n]` follows it.

    `durable` turns the append-only files on. A node is taken away by `kill()` and brought back by `start()`.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._stack = ExitStack()
        self._buses: dict[EmbeddedRedis, str] = {}
        self._durable = durable
        self.masters: Sequence[EmbeddedRedis] = ()
        self.replicas: Sequence[EmbeddedRedis] = ()

    @property
    def url(self) -> str:
        """What `Store` takes."""
        return self.masters[0].url

    @property
    def nodes(self) -> list[EmbeddedRedis]:
        """All six."""
        return [*self.masters, *self.replicas]

    def __enter__(self) -> RedisCluster:
        with ExitStack() as stack:
            self._stack = stack
            self.masters = [self._node() for _ in range(MASTERS)]
            self.replicas = [self._node() for _ in range(MASTERS)]
            self._join()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def client(self, node: EmbeddedRedis) -> redis.Redis:
        """A plain client of one node, closed with the cluster."""
        client = redis.Redis.from_url(node.url)
        self._stack.callback(client.close)
        return client

    def wait_whole(self) -> None:
        """Wait until all six know each other, every slot is served and every replica follows."""
        clients = [self.client(node) for node in self.nodes]
        self._wait("the cluster is not whole", lambda: all(_settled(client) for client in clients))

    def wait_failed_over(self, replica: EmbeddedRedis) -> None:
        """Wait until a replica has become a master, and every node that lives serves all slots again."""
        living = [self.client(node) for node in self.nodes if node.pid is not None]
        promoted = self.client(replica)
        self._wait(
            "no replica took over",
            lambda: promoted.info("replication")["role"] == "master" and all(map(_serves, living)),
        )

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(redis.exceptions.BusyLoadingError):  # a node that reads its file
                if done():
                    return
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def _node(self) -> EmbeddedRedis:
        bus = str(free_port())
        settings = {"cluster-enabled": "yes", "cluster-port": bus, "cluster-node-timeout": NODE_TIMEOUT_MS}
        node = self._stack.enter_context(EmbeddedRedis(durable=self._durable, settings=settings))
        self._buses[node] = bus
        return node

    def _join(self) -> None:
        first, *others = [self.client(node) for node in self.nodes]
        for number, node in enumerate(self.masters):
            begin, end = number * SLOTS // MASTERS, (number + 1) * SLOTS // MASTERS - 1
            self.client(node).execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
        for node in self.nodes[1:]:
            first.execute_command("CLUSTER", "MEET", HOST, node.port, self._buses[node])
        self._wait("the nodes did not meet", lambda: all(map(_met, (first, *others))))
        for master, replica in zip(self.masters, self.replicas, strict=True):
            name = self.client(master).execute_command("CLUSTER", "MYID").decode()
            self.client(replica).execute_command("CLUSTER", "REPLICATE", name)
        self.wait_whole()


def _info(client: redis.Redis) -> str:
    return str(client.execute_command("CLUSTER", "INFO"))


def _serves(client: redis.Redis) -> bool:
    return "cluster_state:ok" in _info(client)


def _met(client: redis.Redis) -> bool:
    return f"cluster_known_nodes:{2 * MASTERS}" in _info(client)


def _settled(client: redis.Redis) -> bool:
    replication = client.info("replication")
    follows = replication["role"] == "master" or replication["master_link_status"] == "up"
    return follows and _met(client) and _serves(client)


needed = pytest.mark.skipif(reason() is not None, reason=str(reason()))
"""For tests that need the cluster: skipped, with what is missing, where it cannot run."""
