"""Transactions: read when committed, never when aborted, never overtaken while open, and fenced."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from streams.conformance.check import check, expect
from streams.conformance.ground import CALL_S, NOTHING, QUIET_S, Ground, drain, send, stands
from streams.conformance.groups import Member, together

SHORT_MS = 2_000  # of a transaction that nobody will end


def _values(
    ground: Ground, topic: str, count: int, *, quiet: float = 0.0, isolation: str = "read_committed"
) -> list[bytes]:
    records = ground.read([(topic, 0)], count, quiet=quiet, isolation=isolation)
    return [one.value() or b"" for one in records]


def _transaction(producer: Producer, topic: str, *values: bytes) -> None:
    """Begun and written, not ended."""
    producer.begin_transaction()
    send(producer, topic, *values)


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except KafkaException:
        return True
    return False


@check(
    "transactions.committed",
    proves="what one transaction wrote to several topics is read whole after its commit, and not before",
    without="a verdict may be seen without its suspension, or the other way round",
)
def committed(ground: Ground) -> None:
    topics = [ground.topic(), ground.topic()]
    producer = ground.transactional(ground.name("tx"))
    producer.begin_transaction()
    for topic in topics:
        send(producer, topic, b"a", b"b")
    before = [_values(ground, topic, 0, quiet=QUIET_S) for topic in topics]
    expect(before == [[], []], "nothing before the commit", before)
    producer.commit_transaction(CALL_S)
    after = [_values(ground, topic, 2) for topic in topics]
    expect(after == [[b"a", b"b"]] * 2, "both records of both topics", after)


@check(
    "transactions.aborted",
    proves="what an aborted transaction wrote is never read by read_committed",
    without="answers of a batch that was taken again are seen twice",
)
def aborted(ground: Ground) -> None:
    topic = ground.topic()
    producer = ground.transactional(ground.name("tx"))
    for value, end in (
        (b"first", producer.commit_transaction),
        (b"dropped", producer.abort_transaction),
        (b"last", producer.commit_transaction),
    ):
        _transaction(producer, topic, value)
        end(CALL_S)
    seen = _values(ground, topic, 2, quiet=QUIET_S)
    expect(seen == [b"first", b"last"], "the two committed", seen)


@check(
    "transactions.open",
    proves="read_committed does not pass an open transaction, and reads all of it in order once it is committed",
    without="consumers see later answers first, and miss those that were still open",
)
def still_open(ground: Ground) -> None:
    topic = ground.topic()
    producer, plain = ground.transactional(ground.name("tx")), ground.producer()
    send(plain, topic, b"before")
    _transaction(producer, topic, b"open")
    send(plain, topic, b"after")
    raw = _values(ground, topic, 3, isolation="read_uncommitted")
    expect(raw == [b"before", b"open", b"after"], "all three by read_uncommitted", raw)
    with ground.consumer() as reader:
        reader.assign([TopicPartition(topic, 0, 0)])
        seen = [one.value() for one in drain(reader, 2, QUIET_S)]
        expect(seen == [b"before"], "only what lies before the open transaction", seen)
        producer.commit_transaction(CALL_S)
        rest = [one.value() for one in drain(reader, 2)]
        expect(rest == [b"open", b"after"], "the rest in order after the commit", rest)


@check(
    "transactions.fenced",
    proves="a producer whose transactional.id was taken over cannot write or commit; its open transaction is aborted",
    without="a paused worker that wakes up answers what another has answered",
)
def fenced(ground: Ground) -> None:
    topic, name = ground.topic(), ground.name("tx")
    old = ground.transactional(name)
    _transaction(old, topic, b"zombie")
    new = ground.transactional(name)
    _transaction(new, topic, b"heir")
    new.commit_transaction(CALL_S)
    seen = _values(ground, topic, 1)
    expect(seen == [b"heir"], "the heir's record at once", seen)
    expect(_refused(lambda: old.commit_transaction(CALL_S)), "the old producer refused", "it could commit")
    after = _values(ground, topic, 1, quiet=QUIET_S)
    expect(after == [b"heir"], "nothing of the old producer", after)


@check(
    "transactions.timeout",
    proves="the broker ends a transaction whose producer is gone, after `transaction.timeout.ms`",
    without="a worker that died with a transaction open stops every consumer of its answers",
)
def timeout(ground: Ground) -> None:
    topic = ground.topic()
    producer = ground.transactional(ground.name("tx"), SHORT_MS)
    _transaction(producer, topic, b"left open")
    send(ground.producer(), topic, b"after")
    seen = [one.value() for one in ground.read([(topic, 0)], 1, ground.patience)]
    expect(seen == [b"after"], f"what comes after it, within {ground.patience:g} s", seen)
    late = _refused(lambda: producer.commit_transaction(CALL_S))
    expect(late, "its commit refused afterwards", "it could commit")


def _sent(ground: Ground, reader: Consumer, producer: Producer, topic: str, offset: int) -> None:
    producer.send_offsets_to_transaction(
        [TopicPartition(topic, 0, offset)], reader.consumer_group_metadata(), CALL_S
    )


def _end(reader: Consumer, producer: Producer, topic: str, offset: int) -> None:
    """Commit the transaction; Unlike where its offset is not in force then."""
    producer.commit_transaction(CALL_S)
    seen = stands(reader, topic)
    expect(seen == offset, f"{offset} after the commit", seen)


@check(
    "transactions.offsets",
    proves="offsets sent with a transaction are committed with it, and dropped with one that is aborted",
    without="a killed worker's batch is answered twice, or not at all",
)
def offsets(ground: Ground) -> None:
    topic, answers, group = ground.topic(), ground.topic(), ground.group()
    send(ground.producer(), topic, b"in")
    producer = ground.transactional(ground.name("tx"))
    with ground.consumer(group) as reader:
        member = Member(reader, [topic])
        expect(together([member], lambda: bool(member.have())), "an assignment", member.have())
        _transaction(producer, answers, b"dropped")
        _sent(ground, reader, producer, topic, 5)
        producer.abort_transaction(CALL_S)
        seen = stands(reader, topic)
        expect(seen == NOTHING, "nothing committed by an aborted transaction", seen)
        _transaction(producer, answers, b"kept")
        _sent(ground, reader, producer, topic, 1)
        _end(reader, producer, topic, 1)


@check(
    "transactions.unstable-offsets",
    proves="who asks for an offset that is under way in a transaction is told to wait, not the old one",
    without="a worker that takes over a partition starts before answers that are about to be committed",
)
def unstable_offsets(ground: Ground) -> None:
    topic, group = ground.topic(), ground.group()
    producer = ground.transactional(ground.name("tx"))
    with ground.consumer(group) as reader:
        reader.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
        producer.begin_transaction()
        _sent(ground, reader, producer, topic, 2)
        try:
            early = reader.committed([TopicPartition(topic, 0)], timeout=QUIET_S)[0]
        except KafkaException:
            pass
        else:
            expect(early.error is not None, "no answer while the transaction is open", early.offset)
        _end(reader, producer, topic, 2)


@check(
    "transactions.stale-member",
    proves="offsets sent with group metadata taken before a rebalance are refused, with newer ones accepted",
    without="two workers answer the same claims around every rebalance, and the broker accepts both",
)
def stale_member(ground: Ground) -> None:
    topics, group = [ground.topic(2)], ground.group()
    producer = ground.transactional(ground.name("tx"))
    offset = [TopicPartition(topics[0], 0, 1)]
    with ground.consumer(group, partition_assignment_strategy="range") as first:
        one = Member(first, topics)
        expect(together([one], lambda: len(one.have()) == 2), "both partitions", one.have())
        taken = first.consumer_group_metadata()  # as with a batch's first message
        with ground.consumer(group, partition_assignment_strategy="range") as second:
            other = Member(second, topics)
            parted = together([one, other], lambda: len(one.have()) == 1 and len(other.have()) == 1)
            expect(parted, "one partition each", [one.have(), other.have()])
            producer.begin_transaction()
            late = _refused(lambda: producer.send_offsets_to_transaction(offset, taken, CALL_S))
            producer.abort_transaction(CALL_S)
            expect(late, "metadata from before the rebalance refused", "accepted")
            producer.begin_transaction()
            producer.send_offsets_to_transaction(offset, first.consumer_group_metadata(), CALL_S)
            producer.commit_transaction(CALL_S)


BASIC = (aborted, fenced)
"""What a worker cannot be started without, in a few seconds."""
CHECKS = (
    committed,
    aborted,
    still_open,
    fenced,
    timeout,
    offsets,
    unstable_offsets,
    stale_member,
)
