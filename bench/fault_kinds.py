"""The faults: what each needs, what it does, and how it is undone. One is under way at a time."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import ElectionType, KafkaException
from confluent_kafka.admin import AdminClient

from bench import clock
from bench.deployment import SESSION_MS, Deployment, Shape
from bench.stores import ClusterStore, SingleStore, client, freeze
from streams.topics import Topics
from tests.support.apache_kafka import ApacheCluster, ApacheKafka
from tests.support.crashing_worker import STEPS
from tests.support.ordered_worker import SLOW_ANSWER, SLOW_DRAIN

FROZEN_S = SESSION_MS / 1000 + 3.0
STILL_S = 10.0  # of a Redis that does not move
JOINER = "joiner"  # comes before every other name, so that partitions move to it
TAKEN_S = 20.0  # for an order to be taken
CLOCK_S = 3600
REMADE = "payments"
REFUSED = 2  # exit code of a worker that cannot start

Does = Callable[[Deployment, random.Random], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind. `does` leaves everything as it found it, and what it returns is noted."""

    name: str
    does: Does
    needs: Callable[[Shape], bool] = lambda shape: True
    weight: int = 2
    last: bool = False
    """Whether the deployment does not outlive it: it comes when all is answered, and nothing more may be."""

    def reason(self) -> str | None:
        """Why it cannot be done on this machine; None where it can."""
        return (
            "libfaketime is not installed" if self.name == "clock-stepped" and not clock.library() else None
        )


def _worker(one: Deployment, draw: random.Random) -> str:
    """Somebody who answers: with one partition that is the first by name."""
    names = one.crew.names or ["w1"]
    return names[0] if one.shape.strict else draw.choice(names)


def _killed(one: Deployment, draw: random.Random) -> None:
    one.crew.kill(_worker(one, draw))


def _killed_after(step: str) -> Does:
    def does(one: Deployment, draw: random.Random) -> str:
        path = one.crew.order(_worker(one, draw), f"crash-{step}")
        end = time.monotonic() + TAKEN_S
        while path.exists() and time.monotonic() < end:
            one.crew.work(0.1)
        return "not reached" if path.exists() else ""

    return does


def _terminated(one: Deployment, draw: random.Random) -> str:
    return f"exit {one.crew.restart(_worker(one, draw))}"


def _frozen(one: Deployment, draw: random.Random) -> None:
    name = _worker(one, draw)
    one.crew.pause(name)
    one.crew.work(FROZEN_S)
    one.crew.wake(name)


def _joined(order: str | None) -> Does:
    def does(one: Deployment, draw: random.Random) -> str:
        names = one.crew.names if order else []
        paths = [one.crew.order(name, order) for name in names if order]
        one.crew.work(0.3)
        one.crew.hire(JOINER)
        one.crew.wait(lambda: one.crew.is_ready(JOINER), f"{JOINER} is ready")
        one.crew.work(draw.uniform(3.0, 6.0))
        one.crew.dismiss(JOINER)
        if order is None:
            return ""
        return f"{sum(not path.exists() for path in paths)} slow"

    return does


def _single(one: Deployment) -> SingleStore:
    assert isinstance(one.store, SingleStore)
    return one.store


def _cluster(one: Deployment) -> ClusterStore:
    assert isinstance(one.store, ClusterStore)
    return one.store


def _redis_killed(one: Deployment, draw: random.Random) -> None:
    server = draw.choice(one.store.servers())
    server.kill()
    one.crew.work(draw.uniform(0.2, 1.5))
    server.start()


def _tail_cut(one: Deployment, draw: random.Random) -> str:
    """A power cut under an append-only file that is written out once a second."""
    store = _single(one)
    journal = store.journal
    durable = journal.stat().st_size
    one.crew.work(draw.uniform(0.3, 1.0))
    store.server.kill()
    written = journal.stat().st_size
    kept = draw.randint(durable, written)
    os.truncate(journal, kept)
    store.server.start()
    return f"{written - kept} bytes"


def _redis_still(one: Deployment, draw: random.Random) -> None:
    server = draw.choice(one.store.servers())
    freeze(server)
    try:
        one.crew.work(STILL_S)
    finally:
        freeze(server, wake=True)


def _memory_full(one: Deployment, draw: random.Random) -> None:
    with client(draw.choice(one.store.servers())) as server:
        server.config_set("maxmemory", 1)
        one.crew.work(draw.uniform(0.5, 2.0))
        server.config_set("maxmemory", 0)


def _functions_flushed(one: Deployment, draw: random.Random) -> None:
    with client(draw.choice(one.store.servers())) as server:
        server.execute_command("FUNCTION", "FLUSH")


def _failover(one: Deployment, draw: random.Random) -> None:
    store = _single(one)
    store.follow()
    store.link.stall()
    one.crew.work(draw.uniform(0.3, 1.0))
    store.fail_over()


def _cut(one: Deployment, draw: random.Random) -> str:
    front = _single(one).front
    before, count = front.cuts, draw.choice([0, 1, 3, *(draw.randrange(20_000) for _ in range(3))])
    front.cut_after(count)
    end = time.monotonic() + TAKEN_S
    while front.cuts == before and time.monotonic() < end:
        one.crew.work(0.05)
    return f"after {count} bytes"


def _cluster_failover(one: Deployment, draw: random.Random) -> None:
    store = _cluster(one)
    store.cluster.wait_whole()
    master = draw.choice(store.servers())
    replica = store.replica_of(master)
    master.kill()
    store.cluster.wait_failed_over(replica)
    one.crew.work(0.5)
    master.start()
    store.cluster.wait_whole()


def _slot_moved(one: Deployment, draw: random.Random) -> str:
    tags = one.shape.tags
    return f"{_cluster(one).move_slot(draw.randrange(tags), tags)} keys"


def _node(one: Deployment, draw: random.Random) -> ApacheKafka:
    if isinstance(one.broker, ApacheCluster):
        return draw.choice(one.broker.nodes)
    assert isinstance(one.broker, ApacheKafka)
    return one.broker


def _back(one: Deployment, node: ApacheKafka) -> None:
    node.again()
    if isinstance(one.broker, ApacheCluster):
        one.broker.wait_whole()


def _broker_killed(one: Deployment, draw: random.Random) -> None:
    node = _node(one, draw)
    node.server.kill()
    one.crew.work(draw.uniform(0.2, 2.0))
    _back(one, node)


def _broker_stopped(one: Deployment, draw: random.Random) -> None:
    node = _node(one, draw)
    os.kill(node.server.pid, signal.SIGTERM)
    end = time.monotonic() + 60
    while node.server.alive() and time.monotonic() < end:
        one.crew.work(0.1)
    _back(one, node)


def _leader_moved(one: Deployment, draw: random.Random) -> None:
    """The node that leads a partition of claims goes and comes back; then it is made to lead again."""
    assert isinstance(one.broker, ApacheCluster)
    admin = AdminClient({"bootstrap.servers": one.broker.bootstrap, "log_level": 0})
    places = admin.list_topics("claims", timeout=30).topics["claims"].partitions
    node = one.broker.nodes[int(places[draw.choice(sorted(places))].leader) - 1]
    node.server.kill()
    one.crew.work(1.0)
    _back(one, node)
    one.crew.work(1.0)
    try:
        admin.elect_leaders(ElectionType.PREFERRED).result(30)
    except KafkaException as error:
        if "NOT_NEEDED" not in str(error).upper():
            raise


def _topic_made_anew(one: Deployment, draw: random.Random) -> str:
    """Offsets mean other events from here on: nobody may take them for those that Redis knows, nor start on them."""
    admin = AdminClient({"bootstrap.servers": one.broker.bootstrap, "log_level": 0})
    admin.delete_topics([REMADE])[REMADE].result(30)
    one.crew.wait(lambda: REMADE not in admin.list_topics(timeout=30).topics, f"{REMADE} is gone")
    Topics({"bootstrap.servers": one.broker.bootstrap}).create(one.shape.partitions)
    one.stream.repeat(REMADE)
    one.crew.work(3.0)
    name = _worker(one, draw)
    one.crew.restart(name)
    one.crew.wait(lambda: one.crew.exits[REFUSED] > 0, f"{name} refuses to start")
    assert one.crew.heard("was made anew"), one.crew.said()
    return f"{name} refused"


def _clock_stepped(one: Deployment, draw: random.Random) -> None:
    one.clock.step(draw.choice((-CLOCK_S, CLOCK_S)))
    one.crew.work(2.0)
    one.clock.step(0)


def _alone(shape: Shape) -> bool:
    return not shape.cluster


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("worker-killed", _killed, weight=4),
        *(Fault(f"worker-killed-after-{step}", _killed_after(step), weight=1) for step in STEPS),
        Fault("worker-terminated", _terminated),
        Fault("worker-frozen", _frozen),
        Fault("worker-joins", _joined(None)),
        Fault("rebalance-in-a-drain", _joined(SLOW_DRAIN)),
        Fault("rebalance-before-an-answer", _joined(SLOW_ANSWER)),
        Fault("broker-killed", _broker_killed),
        Fault("broker-stopped", _broker_stopped),
        Fault("leader-moved", _leader_moved, lambda shape: shape.cluster),
        Fault("redis-killed", _redis_killed),
        Fault("redis-tail-cut", _tail_cut, _alone, weight=4),
        Fault("redis-frozen", _redis_still, weight=1),
        Fault("redis-memory-full", _memory_full),
        Fault("redis-functions-flushed", _functions_flushed),
        Fault("redis-failover-to-a-lagging-replica", _failover, _alone),
        Fault("redis-cluster-failover", _cluster_failover, lambda shape: shape.cluster),
        Fault("redis-slot-moved", _slot_moved, lambda shape: shape.cluster),
        Fault("connection-cut-in-a-reply", _cut, _alone, weight=4),
        Fault("clock-stepped", _clock_stepped),
        Fault("topic-made-anew", _topic_made_anew, _alone, last=True),
    )
}


def possible(shape: Shape) -> list[Fault]:
    """What can be done to such a deployment on this machine."""
    return [fault for fault in FAULTS.values() if fault.needs(shape) and fault.reason() is None]


def chosen(shape: Shape, draw: random.Random, count: int) -> list[Fault]:
    """So many: each kind once, then by weight, and at the end one that a deployment does not outlive."""
    kinds = [fault for fault in possible(shape) if not fault.last]
    bag: list[Fault] = draw.sample(kinds, len(kinds))
    bag += draw.choices(kinds, [fault.weight for fault in kinds], k=count)
    ends = [fault for fault in possible(shape) if fault.last]
    return [*bag[: count - len(ends)], *ends]
