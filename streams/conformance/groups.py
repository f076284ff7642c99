"""Consumer groups: who reads what, who takes over, and where a group stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from streams.conformance.check import check, expect
from streams.conformance.ground import CALL_S, LONGER_MS, NOTHING, SESSION_MS, Ground, Place, send, stands

PARTITIONS = 4
REBALANCE_S = 30.0


class Member:
    """One member of a group: what it has now, and what it was told on the way."""

    def __init__(self, consumer: Consumer, topics: list[str]) -> None:
        self.consumer = consumer
        self.revoked: list[set[Place]] = []
        self.assignments = 0
        self.error: KafkaError | None = None
        consumer.subscribe(topics, on_assign=self._assigned, on_revoke=self._revoked)

    def have(self) -> set[Place]:
        """Its partitions."""
        return {(one.topic, one.partition) for one in self.consumer.assignment()}

    def turn(self) -> None:
        """Take its part in the group for a moment."""
        record = self.consumer.poll(0.05)
        error = record.error() if record is not None else None
        # A record's error does not say of itself that it is fatal: its code does.
        if error is not None and error.code() == KafkaError._FATAL:
            self.error = error

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.assignments += 1

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.revoked.append({(one.topic, one.partition) for one in partitions})


def together(members: list[Member], done: Callable[[], bool], seconds: float = REBALANCE_S) -> bool:
    """Let members take part until something is so; whether it became so."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        for member in members:
            member.turn()
    return True


def _shared(members: list[Member], places: set[Place]) -> Callable[[], bool]:
    """Whether every partition has one owner and every member has some."""

    def done() -> bool:
        parts = [member.have() for member in members]
        return all(parts) and sum(map(len, parts)) == len(places) and set().union(*parts) == places

    return done


def _share(members: list[Member], places: set[Place]) -> None:
    """Let members share partitions out; Unlike where they do not."""
    done = together(members, _shared(members, places))
    expect(done, "every partition with one member", [sorted(member.have()) for member in members])


def _left_at(ground: Ground, offset: int) -> tuple[str, str]:
    """A topic, and a group without members that has committed an offset of it."""
    topic, group = ground.topic(), ground.group()
    with ground.consumer(group) as member:
        member.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    return topic, group


def _expect_at(ground: Ground, group: str, topic: str, offset: int, expected: str) -> None:
    """Unlike where the group's next member is told of another offset."""
    with ground.consumer(group) as later:
        seen = stands(later, topic)
    expect(seen == offset, expected, seen)


def _places(*topics: str) -> set[Place]:
    return {(topic, number) for topic in topics for number in range(PARTITIONS)}


def _named(
    ground: Ground, group: str, name: str, session_ms: int = LONGER_MS
) -> AbstractContextManager[Consumer]:
    """A static member: it keeps its place in the group over a restart."""
    return ground.consumer(group, group_instance_id=name, session_timeout_ms=session_ms)


@check(
    "groups.commit",
    proves="offsets that a group committed are there for its next member, and only for that group",
    without="a restarted worker does not know where it was",
)
def commit(ground: Ground) -> None:
    topic, group = ground.topic(2), ground.group()
    with ground.consumer(group) as first:
        first.commit(offsets=[TopicPartition(topic, 0, 7), TopicPartition(topic, 1, 0)], asynchronous=False)
    asked = [TopicPartition(topic, number) for number in range(2)]
    with ground.consumer(group) as second, ground.consumer(ground.group()) as stranger:
        seen = [one.offset for one in second.committed(asked, timeout=CALL_S)]
        expect(seen == [7, 0], "7 and 0 as committed", seen)
        others = [one.offset for one in stranger.committed(asked, timeout=CALL_S)]
        expect(others == [NOTHING, NOTHING], f"nothing committed ({NOTHING}) in another group", others)


@check(
    "groups.delete",
    proves="a group without members can be deleted, with its offsets",
    without="a deployment cannot be drained and rebuilt under its name",
)
def delete(ground: Ground) -> None:
    topic, group = _left_at(ground, 3)
    ground.admin.delete_consumer_groups([group])[group].result(CALL_S)
    _expect_at(ground, group, topic, NOTHING, f"no offset ({NOTHING})")


@check(
    "groups.alter",
    proves="the offsets of a group without members can be set from outside",
    without="nobody can move a group past a log that was lost",
)
def alter(ground: Ground) -> None:
    topic, group = _left_at(ground, 3)
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 9)])
    ground.admin.alter_consumer_group_offsets([wanted])[group].result(CALL_S)
    _expect_at(ground, group, topic, 9, "9 as set")


@check(
    "groups.range",
    proves="range gives a member the same partition numbers of every topic, also after another joined",
    without="a claim and its liquidation are screened by two workers, which fence each other out",
)
def in_ranges(ground: Ground) -> None:
    topics, group = [ground.topic(PARTITIONS), ground.topic(PARTITIONS)], ground.group()
    with ExitStack() as stack:
        members = []
        for _ in range(2):
            reader = stack.enter_context(ground.consumer(group, partition_assignment_strategy="range"))
            members.append(Member(reader, topics))
            _share(members, _places(*topics))
        for member in members:
            numbers = [{number for topic, number in member.have() if topic == name} for name in topics]
            expect(numbers[0] == numbers[1], "the same numbers of both topics", numbers)


@check(
    "groups.cooperative",
    proves="cooperative rebalances take from a member only what another gets",
    without="a consumer of verdicts that asks for it stops altogether whenever one joins",
)
def cooperative(ground: Ground) -> None:
    topic, group = ground.topic(PARTITIONS), ground.group()
    with ExitStack() as stack:
        members = []
        for _ in range(2):
            reader = ground.consumer(group, partition_assignment_strategy="cooperative-sticky")
            members.append(Member(stack.enter_context(reader), [topic]))
            _share(members, _places(topic))
        taken = members[0].revoked
        expect(taken == [members[1].have()], f"only {members[1].have()} revoked", taken)


@check(
    "groups.leave",
    proves="the partitions of a member that leaves go to those that stay",
    without="nobody screens what a drained worker had",
)
def leave(ground: Ground) -> None:
    topic, group = ground.topic(PARTITIONS), ground.group()
    with ground.consumer(group) as stays:
        one = Member(stays, [topic])
        with ground.consumer(group) as goes:
            other = Member(goes, [topic])
            _share([one, other], _places(topic))
        alone = together([one], lambda: one.have() == _places(topic))
        expect(alone, "all partitions", one.have())


@check(
    "groups.crashed",
    proves="the partitions of a member that fell silent are taken over after its session",
    without="claims of a worker that died wait until it is started again under its name",
)
def crashed(ground: Ground) -> None:
    topic, group = ground.topic(PARTITIONS), ground.group()
    with _named(ground, group, "stays", SESSION_MS) as stays:
        one = Member(stays, [topic])
        with _named(ground, group, "dies", SESSION_MS) as dies:
            other = Member(dies, [topic])
            _share([one, other], _places(topic))
        # A member with a name of its own does not say goodbye when it is closed: to the broker it fell silent.
        seconds = SESSION_MS / 1000 + ground.patience
        alone = together([one], lambda: one.have() == _places(topic), seconds)
        expect(alone, f"all partitions within {seconds:g} s", sorted(one.have()))


@check(
    "groups.return",
    proves="a named member that returns within its session has its partitions again, and nobody is disturbed",
    without="each restart of a worker stops all others",
)
def returning(ground: Ground) -> None:
    topic, group = ground.topic(PARTITIONS), ground.group()
    with _named(ground, group, "stays") as stays:
        one = Member(stays, [topic])
        with _named(ground, group, "restarts") as before:
            other = Member(before, [topic])
            _share([one, other], _places(topic))
            had, told = other.have(), one.assignments
        with _named(ground, group, "restarts") as after:
            again = Member(after, [topic])
            back = together([one, again], lambda: again.have() == had)
            expect(back, f"the partitions it had, {sorted(had)}", sorted(again.have()))
            expect(one.assignments == told, "the other member undisturbed", "it was assigned anew")


@check(
    "groups.one-name",
    proves="a second member of the same name shuts the first out",
    without="two workers started under one CRIBLE_WORKER_ID both go on reading",
)
def one_name(ground: Ground) -> None:
    topic, group = ground.topic(), ground.group()
    send(ground.producer(), topic, b"x")
    with _named(ground, group, "same") as first, _named(ground, group, "same") as second:
        one = Member(first, [topic])
        expect(together([one], lambda: bool(one.have())), "an assignment", one.have())
        other = Member(second, [topic])
        out = together([one, other], lambda: one.error is not None)
        seen = one.error.name() if one.error is not None else f"it reads on with {sorted(one.have())}"
        expect(out, "the first is told that it is fenced", seen)


@check(
    "groups.stale-commit",
    proves="a member that was shut out cannot commit offsets",
    without="a worker that slept through a rebalance moves the group back",
)
def stale_commit(ground: Ground) -> None:
    topic, group = ground.topic(), ground.group()
    with _named(ground, group, "same") as first, _named(ground, group, "same") as second:
        one = Member(first, [topic])
        expect(together([one], lambda: bool(one.have())), "an assignment", one.have())
        other = Member(second, [topic])
        expect(together([other], lambda: bool(other.have())), "an assignment of the second", other.have())
        try:
            first.commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False)
        except KafkaException:
            pass
        else:
            expect(False, "a refusal", "committed")


CHECKS = (
    commit,
    delete,
    alter,
    in_ranges,
    cooperative,
    leave,
    crashed,
    returning,
    one_name,
    stale_commit,
)
