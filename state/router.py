"""Commands to the right server: one standalone Redis, or the primaries of a Redis Cluster by hash slot.

Every command is sent once. All servers are written to before any is read, and nothing is retried: after an
error the caller reads the fences and sends the batch again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

Command = tuple[Any, ...]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0  # a call holds Redis for milliseconds; longer means that the server is not well

# Refusals that pass by themselves or by an operator's hand: for the caller the server is away.
AWAY = (
    "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "OOM", "MISCONF",
    "NOREPLICAS", "BUSY", "UNBLOCKED",
)  # fmt: skip


class Router(Protocol):
    """Sends commands by hash slot."""

    cluster: bool

    def run(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        """The replies in order; a refusal by the server stands as a ResponseError among them.

        Raises redis ConnectionError where a server is away, also for a time.
        """
        ...

    def primaries(self) -> list[redis.Redis]:
        """A client for each server that takes writes."""
        ...

    def close(self) -> None: ...


def _options() -> dict[str, Any]:
    return {
        "protocol": 2,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
    }


def connect(url: str) -> Router:
    """A router for the server at `url`, whatever it is. Raises redis ConnectionError when it is away."""
    client = redis.Redis.from_url(url, **_options())
    try:
        info: Any = client.info("cluster")
    except RedisTimeoutError as error:
        raise RedisConnectionError(str(error)) from error
    if not info.get("cluster_enabled"):
        return Standalone(client)
    client.close()
    options = _options()
    del options["retry_on_error"]
    return Cluster(RedisCluster.from_url(url, **options))


def _exchange(batches: list[tuple[redis.Redis, list[Command]]]) -> list[list[Any]]:
    """Write every batch to its server, then read all replies."""
    opened: list[tuple[Any, Any, int]] = []
    replies: list[list[Any]] = []
    try:
        for client, commands in batches:
            pool = client.connection_pool
            connection = pool.get_connection()
            opened.append((pool, connection, len(commands)))
            packed = b"".join([hiredis.pack_command(command) for command in commands])
            connection.send_packed_command([packed])
        for _, connection, count in opened:
            replies.append([_reply(connection) for _ in range(count)])
    except BaseException as error:
        for _, connection, _ in opened:
            connection.disconnect()  # replies may be half read
        if isinstance(error, RedisTimeoutError):
            raise RedisConnectionError(f"no answer in {ANSWER_SECONDS:.0f} s") from error
        raise
    finally:
        for pool, connection, _ in opened:
            pool.release(connection)
    return replies


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _check_away(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, ResponseError):
            kind = type(reply).__name__
            if str(reply).startswith(AWAY) or kind in _AWAY_CLASSES:
                raise RedisConnectionError(f"Redis refuses for now: {kind}: {reply}")


_AWAY_CLASSES = frozenset(
    {
        "ReadOnlyError", "BusyLoadingError", "MasterDownError", "ClusterDownError", "TryAgainError",
        "MovedError", "AskError", "OutOfMemoryError",
    }
)  # fmt: skip


class Standalone:
    """One server."""

    cluster = False

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def run(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        (replies,) = _exchange([(self._client, [command for _, command in commands])])
        _check_away(replies)
        return replies

    def primaries(self) -> list[redis.Redis]:
        return [self._client]

    def close(self) -> None:
        self._client.close()


class Cluster:
    """The primaries of a Redis Cluster, by the slots that redis-py knows.

    redis-py itself would ask the server for the keys of every FCALL, a round trip that costs more than the
    call.
    """

    cluster = True

    def __init__(self, client: RedisCluster) -> None:
        self._client = client

    def run(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        by_node: dict[str, tuple[redis.Redis, list[int]]] = {}
        for index, (slot, _) in enumerate(commands):
            node = self._node(slot)
            known = by_node.get(node.name)
            if known is None:
                known = by_node[node.name] = (self._client.get_redis_connection(node), [])
            known[1].append(index)
        out: list[Any] = [None] * len(commands)
        try:
            replies = _exchange(
                [(client, [commands[i][1] for i in indexes]) for client, indexes in by_node.values()]
            )
            for (_, indexes), answers in zip(by_node.values(), replies, strict=True):
                for index, answer in zip(indexes, answers, strict=True):
                    out[index] = answer
            _check_away(out)
        except RedisConnectionError:
            self._refresh()
            raise
        return out

    def _node(self, slot: int) -> Any:
        try:
            return self._client.nodes_manager.get_node_from_slot(slot)
        except redis.exceptions.SlotNotCoveredError as error:
            self._refresh()
            raise RedisConnectionError(str(error)) from error

    def _refresh(self) -> None:
        """Learn the slots anew; where that fails too, the next call finds out."""
        try:
            self._client.nodes_manager.initialize()
        except redis.exceptions.RedisError:
            return

    def primaries(self) -> list[redis.Redis]:
        return [self._client.get_redis_connection(node) for node in self._client.get_primaries()]

    def close(self) -> None:
        self._client.close()
