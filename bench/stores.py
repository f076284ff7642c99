"""Redis as a campaign has it: behind a proxy and with a replica, or as a cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from state import EmbeddedRedis
from state.keys import prefixes
from state.loopback import HOST
from tests.support.keyspace import dump
from tests.support.proxy import Proxy
from tests.support.redis_cluster import RedisCluster

FOLLOWS_S = 180.0


class SingleStore(ExitStack):
    """Context manager: a server that clients reach through `front`, and a replica that follows it through `link`."""

    def __enter__(self) -> SingleStore:
        super().__enter__()
        self.server = self.enter_context(EmbeddedRedis(durable=True))
        self.front = self.enter_context(Proxy(self.server.port))
        self.link = self.enter_context(Proxy(self.server.port))
        self.replica: EmbeddedRedis | None = None
        return self

    @property
    def url(self) -> str:
        """Where workers reach it."""
        return f"redis://{HOST}:{self.front.port}/0"

    def servers(self) -> list[EmbeddedRedis]:
        """Those that take writes."""
        return [self.server]

    @property
    def journal(self) -> Path:
        """The append-only file that is written to."""
        assert self.server.directory is not None
        return max((self.server.directory / "appendonlydir").glob("*.incr.aof"))

    def dump(self) -> dict[str, Any]:
        """Everything that it holds."""
        return dump(self.server.url)

    def follow(self) -> EmbeddedRedis:
        """A replica that has caught up."""
        if self.replica is None:
            self.replica = self.enter_context(EmbeddedRedis(durable=True))
            with client(self.replica) as follower:
                follower.execute_command("REPLICAOF", HOST, self.link.port)
        with client(self.replica) as follower:
            _until(lambda: follower.info("replication")["master_link_status"] == "up", "the replica follows")
        return self.replica

    def fail_over(self) -> None:
        """The server is gone for good; clients find the replica in its place, and what that has not got is lost."""
        assert self.replica is not None
        with client(self.replica) as follower:
            self.server.close()
            follower.execute_command("REPLICAOF", "NO", "ONE")
        self.server, self.replica = self.replica, None
        self.front.upstream = self.link.upstream = self.server.port
        self.link.flow()
        self.link.drop()
        self.front.drop()


class ClusterStore(ExitStack):
    """Context manager: three masters with a replica each, and their append-only files."""

    def __enter__(self) -> ClusterStore:
        super().__enter__()
        self.cluster = self.enter_context(RedisCluster(durable=True))
        return self

    @property
    def url(self) -> str:
        """Where workers reach it first."""
        return self.cluster.url

    def servers(self) -> list[EmbeddedRedis]:
        """Those that take writes at present."""
        living = [node for node in self.cluster.nodes if node.pid is not None]
        found = []
        for node in living:
            with client(node) as one:
                if one.info("replication")["role"] == "master":
                    found.append(node)
        return found

    def dump(self) -> dict[str, Any]:
        """Everything that it holds."""
        return dump(*(node.url for node in self.servers()))

    def replica_of(self, master: EmbeddedRedis) -> EmbeddedRedis:
        """The node that follows this master."""
        for node in self.cluster.nodes:
            if node is not master and node.pid is not None:
                with client(node) as one:
                    info = one.info("replication")
                if info["role"] == "slave" and info["master_port"] == master.port:
                    return node
        raise AssertionError("nobody follows this master")

    def move_slot(self, tag: int, tags: int) -> int:
        """Move the slot of a tag to another master while it is written to; how many keys went."""
        slot = key_slot(prefixes(tags)[tag].encode())
        masters = self.servers()
        names = {}
        for node in masters:
            with client(node) as one:
                names[node] = one.execute_command("CLUSTER", "MYID").decode()
        source = next(node for node in masters if self._holds(node, slot))
        target = next(node for node in masters if node is not source)
        moved = 0
        with client(source) as origin, client(target) as goal:
            goal.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
            origin.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
            while keys := origin.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 20):
                origin.execute_command("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *keys)
                moved += len(keys)
            for end in (goal, origin):
                end.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
        for node in masters:
            if node not in (source, target):
                with client(node) as one:
                    one.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
        return moved

    def _holds(self, node: EmbeddedRedis, slot: int) -> bool:
        with client(node) as one:
            for begin, end, master, *_ in one.execute_command("CLUSTER", "SLOTS"):
                if begin <= slot <= end:
                    return bool(master[1] == node.port)
        return False


def freeze(server: EmbeddedRedis, *, wake: bool = False) -> None:
    """SIGSTOP a server, or SIGCONT."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGCONT if wake else signal.SIGSTOP)


@contextlib.contextmanager
def client(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A plain client of one server."""
    with redis.Redis.from_url(server.url) as one:
        yield one


def _until(done: Any, what: str) -> None:
    deadline = time.monotonic() + FOLLOWS_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
