"""A Redis Cluster of three primaries answers like one server, also while a slot has moved."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis
from redis.crc import key_slot

from state import keys
from state.batch import Entry, Span
from state.embedded import EmbeddedRedis
from state.store import Store
from tests.state.naive_state import Event, Naive, decoded

INPUT = "claims|topic-id|0"
NODES = 3


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[redis.Redis]]:
    with ExitStack() as stack:
        clients: list[redis.Redis] = []
        for node in range(NODES):
            bus = free_port()
            server = EmbeddedRedis(
                settings={"cluster-enabled": "yes", "cluster-port": bus, "cluster-node-timeout": "2000"}
            )
            stack.enter_context(server)
            client = stack.enter_context(redis.Redis.from_url(server.url))
            first, last = node * keys.SLOTS // NODES, (node + 1) * keys.SLOTS // NODES - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            if clients:
                clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
            clients.append(client)
        deadline = time.monotonic() + 20
        while not all(settled(client) for client in clients):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield clients


def settled(client: redis.Redis) -> bool:
    info = str(client.execute_command("CLUSTER", "INFO"))
    return "cluster_state:ok" in info and f"cluster_known_nodes:{NODES}" in info


def url_of(client: redis.Redis) -> str:
    return f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0"


def events(count: int) -> list[Event]:
    return [
        Event(
            f"E{number}", 0, f"person {number % 7}",
            f"{100_000_000 + number % 5}", f"{200_000_000 + number % 3}",
            1_700_000_000 + number * 977, (19_600 + number % 11,), number, number % 4,
            undo=f"E{number - 7}" if number % 9 == 8 else None,
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def store(cluster: list[redis.Redis]) -> Iterator[Store]:
    for client in cluster:
        client.flushall()
    opened = Store(url_of(cluster[0]), require_aof=False)
    opened.check()
    opened.own([INPUT])
    yield opened
    opened.close()


def test_a_cluster_answers_like_the_oracle(store: Store, cluster: list[redis.Redis]) -> None:
    stream = events(90)
    oracle = Naive()
    for begin in range(0, len(stream), 30):
        asks = [event.ask(offset) for offset, event in enumerate(stream[begin : begin + 30], begin)]
        span = [Span(INPUT, begin - 1, begin + 29)]
        answers = store.observe(span, asks)
        assert [decoded(a) for a in answers] == [oracle.apply(e) for e in stream[begin : begin + 30]]
        assert store.observe(span, asks) == answers
        entries = [
            Entry(
                input=0, offset=a.offset, beneficiary=a.beneficiary,
                event_id=f"E{a.offset}", revision=0, blob=b"v",
            )
            for a in asks
        ]  # fmt: skip
        models = {f"provider:{event.provider}": event.name.encode() for event in stream[begin : begin + 30]}
        assert set(store.record(span, entries, models)) == {b"v"}
        assert store.models(list(models)) == list(models.values())
    fences = store.own([INPUT])[INPUT]
    assert (fences.observed, fences.recorded, len(fences.recorded_by_tag)) == (89, 89, 16)
    assert all(int(client.dbsize()) > 50 for client in cluster)
    assert len(store.run_id().split()) == NODES


def test_no_round_trip_to_ask_for_keys(store: Store, cluster: list[redis.Redis]) -> None:
    store.observe([Span(INPUT, -1, 9)], [event.ask(offset) for offset, event in enumerate(events(10))])
    for client in cluster:
        assert "cmdstat_command|getkeys" not in client.info("commandstats")


def test_a_slot_that_moved_is_found_again(store: Store, cluster: list[redis.Redis]) -> None:
    stream = events(20)
    spans = [Span(INPUT, -1, 9), Span(INPUT, 9, 19)]
    first = store.observe(spans[:1], [event.ask(offset) for offset, event in enumerate(stream[:10])])
    slot = key_slot(keys.prefixes(16)[0].encode())
    names = [str(client.execute_command("CLUSTER", "MYID").decode()) for client in cluster]
    source = next(i for i, c in enumerate(cluster) if slot * NODES // keys.SLOTS == i)
    target = (source + 1) % NODES
    port = cluster[target].connection_pool.connection_kwargs["port"]
    cluster[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
    cluster[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
    moving = cluster[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10_000)
    cluster[source].execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *moving)
    for client in (cluster[target], cluster[source]):
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
    asks = [event.ask(offset) for offset, event in enumerate(stream[10:], 10)]
    with pytest.raises(redis.ConnectionError):
        store.observe(spans[1:], asks)
    deadline = time.monotonic() + 10
    while True:
        try:
            second = store.observe(spans[1:], asks)
            break
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    oracle = Naive()
    assert [decoded(answer) for answer in first + second] == [oracle.apply(event) for event in stream]
