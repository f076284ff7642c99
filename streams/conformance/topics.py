"""Topics: made, set, compacted, deleted, and told apart from others of the same name."""

from __future__ import annotations

import itertools

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.conformance.check import check, expect
from streams.conformance.ground import CALL_S, QUIET_S, Ground, send
from streams.topics import NO_ID

DAY_MS = "86400000"
# A segment is closed after a tenth of a second, and cleaned as soon as anything in it is out of date.
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
    "delete.retention.ms": "0",
}


@check(
    "topics.create",
    proves="a topic has the partitions and replicas it was asked with",
    without="`crible topics create` cannot set up a deployment",
)
def create(ground: Ground) -> None:
    name = ground.topic(5)
    partitions = ground.partitions(name)
    expect(len(partitions) == 5, "5 partitions", len(partitions))
    replicas = {len(one.replicas) for one in partitions}
    expect(replicas == {ground.replicas}, f"{ground.replicas} replicas of each", replicas)


@check(
    "topics.create-again",
    proves="making a topic that exists is refused, and leaves it as it was",
    without="two operators at once could change a topic that holds claims",
)
def create_again(ground: Ground) -> None:
    name = ground.topic(2)
    try:
        ground.admin.create_topics([NewTopic(name, 3, ground.replicas)])[name].result(CALL_S)
    except KafkaException as error:
        code = error.args[0].code()
        expect(code == KafkaError.TOPIC_ALREADY_EXISTS, "TOPIC_ALREADY_EXISTS", error.args[0].name())
    else:
        expect(False, "TOPIC_ALREADY_EXISTS", "accepted")
    have = len(ground.partitions(name))
    expect(have == 2, "still 2 partitions", have)


@check(
    "topics.delete",
    proves="a deleted topic is gone, and one made anew under its name is empty",
    without="what was erased could come back",
)
def delete(ground: Ground) -> None:
    name = ground.topic()
    send(ground.producer(), name, b"old")
    ground.delete_topic(name)
    ground.topic(name=name)
    seen = [record.value() for record in ground.read([(name, 0)], 0, quiet=QUIET_S)]
    expect(seen == [], "an empty topic", seen)


@check(
    "topics.settings",
    proves="the settings a topic is made with are in force and can be read",
    without="`crible topics check` and the worker cannot see that retention or compaction is wrong",
)
def settings(ground: Ground) -> None:
    wanted = {"cleanup.policy": "compact", "retention.ms": DAY_MS, "max.message.bytes": "1234567"}
    name = ground.topic(config=wanted)
    have = _settings(ground, name)
    seen = {key: have.get(key) for key in wanted}
    expect(seen == wanted, str(wanted), seen)


@check(
    "topics.alter",
    proves="one setting of a topic can be changed, and the others stay",
    without="the commands that `crible topics check` names do not mend anything",
)
def alter(ground: Ground) -> None:
    name = ground.topic(config={"cleanup.policy": "compact"})
    entry = ConfigEntry("retention.ms", DAY_MS, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    ground.admin.incremental_alter_configs([resource])[resource].result(CALL_S)
    wanted = {"cleanup.policy": "compact", "retention.ms": DAY_MS}
    seen: dict[str, object] = {}

    def in_force() -> bool:
        have = _settings(ground, name)
        seen.update((key, have.get(key)) for key in wanted)
        return seen == wanted

    expect(ground.until(in_force, 5.0), str(wanted), seen)


@check(
    "topics.ids",
    proves="a topic made anew has another id than the one before it",
    without="a log made anew is found by its content hashes and its end only, not at once by its id",
)
def ids(ground: Ground) -> None:
    name = ground.topic()
    first = _id(ground, name)
    expect(first != NO_ID, "an id", f"{first} (zeros)")
    ground.delete_topic(name)
    ground.topic(name=name)
    # A broker that has not heard of the new one yet still tells the old id.
    anew = ground.until(lambda: _id(ground, name) != first)
    expect(anew, f"another id than {first}", first)


@check(
    "topics.compact",
    proves="a compacted topic loses values that were replaced, and never the last of a key",
    without="registries grow without end, or lose entries that every worker reads whole",
)
def compact(ground: Ground) -> None:
    name = ground.topic(config=COMPACTED)
    producer = ground.producer()
    values = itertools.count()
    last: dict[bytes, bytes] = {}
    written = 0

    def compacted() -> bool:
        nonlocal written
        for key in (b"a", b"b", b"c"):  # new records also close the segment, once it is old enough
            last[key] = b"%d" % next(values)
            send(producer, name, last[key], key=key)
        written += len(last)
        records = ground.read_to(name, written)
        kept = {record.key(): record.value() for record in records}
        expect(kept == last, f"as the last values {last}", kept)
        return len(records) < written

    done = ground.until(compacted, ground.patience, every=1.0)
    expect(done, f"fewer than the {written} records written, after {ground.patience:g} s", "all of them")


def _settings(ground: Ground, name: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, name)
    told = ground.admin.describe_configs([resource])[resource].result(CALL_S)
    return {key: entry.value for key, entry in told.items()}


def _id(ground: Ground, name: str) -> str:
    told = ground.admin.describe_topics(TopicCollection([name]))[name].result(CALL_S)
    return str(told.topic_id)


CHECKS = (create, create_again, delete, settings, alter, ids, compact)
