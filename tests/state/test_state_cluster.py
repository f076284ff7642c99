"""A Redis Cluster of three primaries answers like one server, also while a slot has moved."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from redis.crc import key_slot

from state import keys
from state.batch import Answer, Ask, Entry, Span
from state.store import Store
from tests.state.naive_state import Event, Naive, decoded
from tests.state.test_state_oracle import CUTS, feed, streams
from tests.support import redis_cluster
from tests.support.redis_cluster import RedisCluster

INPUT = "claims|topic-id|0"
NODES = redis_cluster.MASTERS

pytestmark = [pytest.mark.cluster, redis_cluster.needed]


@pytest.fixture
def cluster(redis_cluster: RedisCluster) -> list[redis.Redis]:
    """Clients of the emptied masters."""
    clients = [redis_cluster.client(node) for node in redis_cluster.masters]
    for client in clients:
        client.flushall()
    return clients


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
def store(cluster: list[redis.Redis], redis_cluster: RedisCluster) -> Iterator[Store]:
    opened = Store(redis_cluster.url, require_aof=False)
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


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=streams(cross=False), cuts=CUTS, again=CUTS)
def test_any_stream_is_answered_as_the_oracle_answers_it(
    redis_cluster: RedisCluster, drawn: list[Event], cuts: list[int], again: list[int]
) -> None:
    """The property that one server shows in test_state_oracle, over sixteen tags on three masters."""
    for node in redis_cluster.masters:
        redis_cluster.client(node).flushall()
    opened = Store(redis_cluster.url, require_aof=False)
    opened.check()
    opened.own([INPUT])
    answers = feed(opened, drawn, cuts)
    oracle = Naive()
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in drawn]
    assert feed(opened, drawn, again) == answers
    opened.close()


def test_no_round_trip_to_ask_for_keys(store: Store, cluster: list[redis.Redis]) -> None:
    store.observe([Span(INPUT, -1, 9)], [event.ask(offset) for offset, event in enumerate(events(10))])
    for client in cluster:
        assert "cmdstat_command|getkeys" not in client.info("commandstats")


def _move(slot: int, source: redis.Redis, target: redis.Redis) -> None:
    """Give a slot and its keys to another master. The third learns of it when it has to."""
    from_name, to_name = [client.execute_command("CLUSTER", "MYID").decode() for client in (source, target)]
    port = target.connection_pool.connection_kwargs["port"]
    target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", from_name)
    source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", to_name)
    moving = source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10_000)
    source.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *moving)
    for client in (target, source):
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", to_name)


def _observe(store: Store, span: Span, asks: list[Ask]) -> list[Answer]:
    """As the loop does: again after a broken connection, which is told and not hidden."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return store.observe([span], asks)
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_slot_that_moved_is_found_again(store: Store, cluster: list[redis.Redis]) -> None:
    stream = events(20)
    spans = [Span(INPUT, -1, 9), Span(INPUT, 9, 19)]
    first = store.observe(spans[:1], [event.ask(offset) for offset, event in enumerate(stream[:10])])
    slot = key_slot(keys.prefixes(16)[0].encode())
    source = slot * NODES // keys.SLOTS
    target = (source + 1) % NODES
    asks = [event.ask(offset) for offset, event in enumerate(stream[10:], 10)]
    _move(slot, cluster[source], cluster[target])
    try:
        with pytest.raises(redis.ConnectionError):
            store.observe(spans[1:], asks)
        second = _observe(store, spans[1], asks)
    finally:
        _move(slot, cluster[target], cluster[source])
    oracle = Naive()
    assert [decoded(answer) for answer in first + second] == [oracle.apply(event) for event in stream]


def test_a_replica_that_takes_over_answers_as_its_master_would() -> None:
    stream = events(40)
    asks = [event.ask(offset) for offset, event in enumerate(stream)]
    with RedisCluster() as servers:
        store = Store(servers.url, require_aof=False)
        store.check()
        store.own([INPUT])
        answers = store.observe([Span(INPUT, -1, 19)], asks[:20])
        before = store.run_id()
        for master in servers.masters:
            assert (
                servers.client(master).wait(1, 5_000) == 1
            )  # what replicas have not seen is lost with a master
        servers.masters[1].kill()
        servers.wait_failed_over(servers.replicas[1])
        answers += _observe(store, Span(INPUT, 19, 39), asks[20:])
        assert store.run_id() != before, "a failover must be seen: a replica may lag"
        servers.masters[1].start()
        servers.wait_whole()
        store.close()
    oracle = Naive()
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in stream]
