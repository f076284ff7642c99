"""Where checks work: topics, groups and transactions under one unique prefix, and nothing else of the cluster."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.topics import REPLICAS, BrokerAway

PREFIX = "crible-doctor-"
CALL_S = 20.0  # for one answer of a broker
NOTHING = -1001  # librdkafka's "no offset"
PATIENCE_S = 40.0  # Apache Kafka looks for old transactions every 10 s, for what to compact every 15 s
SESSION_MS = 6_000  # the shortest that Apache Kafka allows by default (group.min.session.timeout.ms)
LONGER_MS = 2 * SESSION_MS  # of members that are to be back before it is over
QUIET_S = 2.0  # for what must not come
GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND}  # deleted by the check itself

SILENT = logging.getLogger("crible.conformance")
SILENT.setLevel(logging.CRITICAL + 1)

Place = tuple[str, int]


class Ground:
    """Makes what a check needs and removes all of it at the end; use it as a context manager.

    Args:
        client: librdkafka settings, as `Settings.client()` gives them.
        patience: seconds for what a broker does in its own time, such as compaction.
    """

    def __init__(self, client: Mapping[str, Any], *, patience: float = PATIENCE_S) -> None:
        self.prefix = f"{PREFIX}{uuid.uuid4().hex[:10]}-"
        self.patience = patience
        self.admin = AdminClient({**client, "log_level": 0})
        # What a check provokes is no news: it would stand in the middle of the table.
        self._client = {**client, "log_level": 0, "logger": SILENT, "error_cb": lambda error: None}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._topics: list[str] = []
        self._groups: list[str] = []
        self.replicas = 1
        self.left: list[str] = []
        """Names that could not be deleted at the end."""

    def __enter__(self) -> Ground:
        """Raises BrokerAway where no broker answers."""
        try:
            brokers = self.admin.list_topics(timeout=CALL_S).brokers
        except KafkaException as error:
            address = self._client["bootstrap.servers"]
            raise BrokerAway(
                f"no Kafka broker answers at {address} ({error.args[0].str()}): "
                "see its address and the security settings"
            ) from error
        self.replicas = min(REPLICAS, len(brokers))
        return self

    def __exit__(self, *exc: object) -> None:
        self._delete(self._groups, self.admin.delete_consumer_groups)
        self._delete(self._topics, self.admin.delete_topics)

    def name(self, what: str) -> str:
        """A name that nobody else has."""
        with self._lock:
            return f"{self.prefix}{next(self._numbers)}-{what}"

    def group(self) -> str:
        """The name of a group; deleted at the end."""
        name = self.name("group")
        self._groups.append(name)
        return name

    def topic(self, partitions: int = 1, config: Mapping[str, str] | None = None, name: str = "") -> str:
        """A new topic, ready to be written; deleted at the end. `name`: make it under this name of ours."""
        name = name or self.name("topic")
        self._topics.append(name)
        wanted = NewTopic(name, partitions, self.replicas, config=dict(config or {}))
        self.admin.create_topics([wanted])[name].result(CALL_S)
        if not self.until(lambda: self._led(name, partitions)):
            raise TimeoutError(f"a topic just created has no leaders after {CALL_S:g} s")
        return name

    def delete_topic(self, name: str) -> None:
        """Delete one of our topics now, and wait until it is gone."""
        assert name.startswith(self.prefix)
        self.admin.delete_topics([name])[name].result(CALL_S)
        if not self.until(lambda: name not in self.topics()):
            raise TimeoutError(f"a deleted topic is still there after {CALL_S:g} s")

    def topics(self) -> dict[str, Any]:
        """What the cluster says of our topics, by name."""
        every = self.admin.list_topics(timeout=CALL_S).topics
        return {name: told for name, told in every.items() if name.startswith(self.prefix)}

    def partitions(self, topic: str) -> list[Any]:
        """What the cluster says of a topic's partitions; a broker that has not heard of it yet is asked again."""
        found: dict[str, Any] = {}

        def told() -> bool:
            found.update(self.topics())
            return topic in found

        if not self.until(told):
            raise TimeoutError(f"a topic just created is not told of after {CALL_S:g} s")
        return list(found[topic].partitions.values())

    def producer(self, **settings: object) -> Producer:
        """A producer as Crible's: idempotent, keys placed by murmur2."""
        ours = {"enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 0}
        return Producer({**self._client, **ours, **_dotted(settings)})

    def transactional(self, name: str, timeout_ms: int = 30_000) -> Producer:
        """A transactional producer, initialised: whoever had the name before is fenced."""
        producer = self.producer(transactional_id=name, transaction_timeout_ms=timeout_ms, retry_backoff_ms=1)
        producer.init_transactions(CALL_S)
        return producer

    @contextlib.contextmanager
    def consumer(self, group: str = "", **settings: object) -> Iterator[Consumer]:
        """A consumer of read_committed; without a group, one that is told its partitions and commits nothing.

        Closed at the end.
        """
        ours = {
            "group.id": group or f"{self.prefix}reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": 500,
            "fetch.wait.max.ms": 50,
        }
        consumer = Consumer({**self._client, **ours, **_dotted(settings)})
        try:
            yield consumer
        finally:
            consumer.close()

    def read(
        self,
        places: Sequence[Place],
        count: int,
        seconds: float = CALL_S,
        *,
        quiet: float = 0.0,
        isolation: str = "read_committed",
    ) -> list[Message]:
        """The first `count` records from the beginning of some partitions, fewer where no more come in `seconds`.

        And one more, where one comes that was not to be, in the `quiet` seconds after.
        """
        with self.consumer(isolation_level=isolation) as reader:
            reader.assign([TopicPartition(topic, number, 0) for topic, number in places])
            records = drain(reader, count, seconds)
            return records + drain(reader, 1, quiet) if quiet else records

    def read_to(self, topic: str, end: int) -> list[Message]:
        """Every record of a topic's only partition that is left of those before an offset, the last included."""
        records: list[Message] = []
        with self.consumer() as reader:
            reader.assign([TopicPartition(topic, 0, 0)])
            deadline = time.monotonic() + CALL_S
            while not records or records[-1].offset() != end - 1:
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"a record written at offset {end - 1} was not read within {CALL_S:g} s"
                    )
                records += drain(reader, 1, 0.5)
        return records

    def until(self, done: Callable[[], bool], seconds: float = CALL_S, every: float = 0.1) -> bool:
        """Wait until something is so; whether it became so."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(every)
        return True

    def _led(self, name: str, partitions: int) -> bool:
        told = self.topics().get(name)
        return (
            told is not None
            and len(told.partitions) == partitions
            and all(one.leader >= 0 for one in told.partitions.values())
        )

    def _delete(self, names: list[str], delete: Callable[[list[str]], Mapping[str, Any]]) -> None:
        if not names:
            return
        left = set(names)

        def gone() -> bool:
            for name, future in delete(sorted(left)).items():
                try:
                    future.result(CALL_S)
                    left.discard(name)
                except KafkaException as error:
                    if error.args[0].code() in GONE:
                        left.discard(name)
                except TimeoutError:
                    pass
            return not left

        # A static member of a group stays in it until its session is over.
        if not self.until(gone, LONGER_MS / 1000 + 3.0, every=1.0):
            self.left += sorted(left)


def stands(reader: Consumer, topic: str) -> int:
    """What the reader's group has committed of a topic's first partition, NOTHING where it has not."""
    return int(reader.committed([TopicPartition(topic, 0)], timeout=CALL_S)[0].offset)


def drain(reader: Consumer, count: int, seconds: float = CALL_S) -> list[Message]:
    """Records from a consumer until there are `count`, or none more come within the time."""
    records: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < deadline:
        records += [one for one in reader.consume(count - len(records), 0.1) if one.error() is None]
    return records


def send(producer: Producer, topic: str, *values: bytes | None, **settings: Any) -> None:
    """Produce and wait until the broker has them. Raises KafkaException where it refuses one."""
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, record: object) -> None:
        if error is not None:
            refused.append(error)

    for value in values:
        producer.produce(topic, value, on_delivery=delivered, **settings)
    if producer.flush(CALL_S):
        raise TimeoutError(f"the broker did not take {len(values)} records within {CALL_S:g} s")
    if refused:
        raise KafkaException(refused[0])


def _dotted(settings: Mapping[str, object]) -> dict[str, object]:
    """Keyword arguments as librdkafka's names: `group_instance_id` is `group.instance.id`."""
    return {name.replace("_", "."): value for name, value in settings.items()}
