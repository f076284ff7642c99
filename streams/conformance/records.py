"""Records: what a producer gave comes back, in order, where its key puts it, and is found by time."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.conformance.check import check, expect
from streams.conformance.ground import CALL_S, QUIET_S, Ground, send

RECORDS = 2_000
START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
# murmur2 of keys, from the tests of Apache Kafka's own clients (UtilsTest.testMurmur2).
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@check(
    "records.headers",
    proves="headers come back in order: two of one name, an empty one, one without a value, bytes that are no text",
    without="dead letters lose their reason, and traces end at the broker",
)
def headers(ground: Ground) -> None:
    name = ground.topic()
    given = [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None), ("bytes", b"\x00\xff")]
    send(ground.producer(), name, b"value", headers=given)
    seen = [record.headers() for record in ground.read([(name, 0)], 1)]
    expect(seen == [given], str(given), seen)


@check(
    "records.tombstones",
    proves="a key without a value comes back as that",
    without="a registry's deleted entry stays in force",
)
def tombstones(ground: Ground) -> None:
    name = ground.topic(config={"cleanup.policy": "compact"})
    producer = ground.producer()
    send(producer, name, b"there", key=b"k")
    send(producer, name, None, key=b"k")
    seen = [(record.key(), record.value()) for record in ground.read([(name, 0)], 2)]
    expect(seen == [(b"k", b"there"), (b"k", None)], "a value, then none", seen)


@check(
    "records.keys",
    proves="keys lie in the partitions that Java's producers choose for them (murmur2)",
    without="one beneficiary's claims, sent by others, lie in two partitions and out of order",
)
def keys(ground: Ground) -> None:
    count = 7
    name = ground.topic(count)
    producer = ground.producer()
    for key in MURMUR2:
        send(producer, name, b"", key=key)
    records = ground.read([(name, number) for number in range(count)], len(MURMUR2))
    seen = {record.key(): record.partition() for record in records}
    wanted = {key: (number & 0x7FFFFFFF) % count for key, number in MURMUR2.items()}
    expect(seen == wanted, str(wanted), seen)


@check(
    "records.order",
    proves="an idempotent producer's records, several batches under way at a time, come back once and in order",
    without="a claim may stand before the one it corrects, or twice",
)
def order(ground: Ground) -> None:
    name = ground.topic()
    producer = ground.producer(batch_num_messages=20)
    values = [b"%d" % number for number in range(RECORDS)]
    send(producer, name, *values)
    seen = [record.value() for record in ground.read([(name, 0)], RECORDS, quiet=QUIET_S)]
    wrong = next((at for at, pair in enumerate(zip(seen, values, strict=False)) if pair[0] != pair[1]), None)
    found = f"{len(seen)} records" + ("" if wrong is None else f", the first out of place at {wrong}")
    expect(seen == values, f"{RECORDS} records in order", found)


@check(
    "records.too-large",
    proves="a record above the topic's `max.message.bytes` is refused, and the producer is told",
    without="a record that nobody can take is lost in silence",
)
def too_large(ground: Ground) -> None:
    name = ground.topic(config={"max.message.bytes": "10000"})
    producer = ground.producer()
    try:
        send(producer, name, b"x" * 50_000)
    except KafkaException as error:
        seen = error.args[0].name()
        expect(error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE, "MSG_SIZE_TOO_LARGE", seen)
    else:
        expect(False, "MSG_SIZE_TOO_LARGE", "accepted")


@check(
    "records.watermarks",
    proves="the ends of a partition's log are told: 0 and 0 when empty, then what was written",
    without="a worker cannot tell when it has read the registries whole, nor how far it lags",
)
def watermarks(ground: Ground) -> None:
    name = ground.topic()
    place = TopicPartition(name, 0)
    with ground.consumer() as reader:
        ground.until(lambda: bool(reader.list_topics(name, timeout=CALL_S).topics[name].partitions))
        before = reader.get_watermark_offsets(place, timeout=CALL_S)
        expect(before == (0, 0), "0 and 0 of an empty log", before)
        send(ground.producer(), name, b"a", b"b", b"c")
        after = reader.get_watermark_offsets(place, timeout=CALL_S)
        expect(after == (0, 3), "0 and 3 after three records", after)


@check(
    "records.by-time",
    proves="the first offset at or after a time is found, and none where all are older",
    without="nobody can start reading at a day, as a rescreening does",
)
def by_time(ground: Ground) -> None:
    name = ground.topic()
    producer = ground.producer()
    for number in range(5):
        send(producer, name, b"%d" % number, timestamp=START_MS + number * MINUTE_MS)
    asked = {START_MS: 0, START_MS + MINUTE_MS + 1: 2, START_MS + 4 * MINUTE_MS: 4}
    seen = {}
    with ground.consumer() as reader:
        for at in (*asked, START_MS + 5 * MINUTE_MS):
            (found,) = reader.offsets_for_times([TopicPartition(name, 0, at)], timeout=CALL_S)
            seen[at] = found.offset
    none = seen.pop(START_MS + 5 * MINUTE_MS)
    expect(seen == asked, f"offsets {list(asked.values())}", list(seen.values()))
    expect(none == -1, "no offset (-1) after the last record", none)


@check(
    "records.timestamps",
    proves="a record keeps the time that its producer gave it",
    without="an event that claims to come from the future cannot be told from one that does not",
)
def timestamps(ground: Ground) -> None:
    name = ground.topic()
    send(ground.producer(), name, b"", timestamp=START_MS)
    seen = [record.timestamp() for record in ground.read([(name, 0)], 1)]
    expect(seen == [(1, START_MS)], f"{START_MS}, of its creation", seen)


CHECKS = (headers, tombstones, keys, order, too_large, watermarks, by_time, timestamps)
