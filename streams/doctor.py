"""`crible doctor`: looks at broker, Redis and files before traffic does, and names what mends them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.pseudonym import PseudonymKeyError, Pseudonyms
from state.checks import check_server
from state.errors import ConfigurationError
from state.router import connect
from streams.config import Settings
from streams.topics import BrokerAway, Topics

TIMEOUT_S = 15.0
MARKS = {"ok": "[green]ok[/]", "wrong": "[bold red]wrong[/]", "skipped": "[yellow]skipped[/]"}


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing looked at. `fix` is a command or a setting; empty where there is nothing to mend."""

    what: str
    state: Literal["ok", "wrong", "skipped"]
    detail: str
    fix: str = ""


def examine(settings: Settings) -> list[Examined]:
    """Every check, in order; a check that needs a failed one is skipped. Leaves nothing behind."""
    return [*_files(settings), *_broker(settings), *_redis(settings)]


def healthy(examined: list[Examined]) -> bool:
    """Whether nothing was wrong."""
    return all(one.state != "wrong" for one in examined)


def show(examined: list[Examined], console: Console) -> None:
    """Print the table, then the commands that mend what is wrong."""
    table = Table("what", "", "found", title="crible doctor")
    for one in examined:
        table.add_row(one.what, MARKS[one.state], Text(one.detail))
    console.print(table)
    fixes = dict.fromkeys(one.fix for one in examined if one.state == "wrong" and one.fix)
    if fixes:
        console.print("To mend it:")
    for fix in fixes:
        console.print(Text(f"  {fix}"), soft_wrap=True)


def _files(settings: Settings) -> Iterator[Examined]:
    path = settings.pseudonym_key_file
    if path is None:
        yield Examined("pseudonym key", "ok", "none set: identifiers are taken as pseudonyms already")
        return
    try:
        Pseudonyms.from_file(path)
    except PseudonymKeyError as error:
        yield Examined("pseudonym key", "wrong", str(error), f"head -c 32 /dev/urandom | base64 > {path}")
    else:
        yield Examined("pseudonym key", "ok", f"read from {path}")


def _broker(settings: Settings) -> Iterator[Examined]:
    client = settings.client()
    topics = Topics(client)
    try:
        findings = topics.check()
    except BrokerAway as error:
        yield Examined("Kafka", "wrong", str(error))
        yield Examined("topics", "skipped", "no broker")
        yield Examined("transactions", "skipped", "no broker")
        return
    yield Examined("Kafka", "ok", f"answers at {settings.brokers}")
    for finding in findings:
        yield Examined(f"topic {finding.topic}", "wrong", finding.problem, finding.fix)
    if not findings:
        yield Examined("topics", "ok", f"all there, {topics.partitions()} partitions for screening")
    yield _guarded("transactions", lambda: _transactions(client))


def _redis(settings: Settings) -> Iterator[Examined]:
    try:
        router = connect(settings.redis)
        try:
            for server in router.primaries():
                check_server(server)
        finally:
            router.close()
    except ConfigurationError as error:
        yield Examined("Redis", "wrong", str(error))
    except (RedisError, OSError) as error:
        yield Examined("Redis", "wrong", f"{error}: start it, or set CRIBLE_REDIS")
    else:
        kind = "a cluster" if router.cluster else "a standalone server"
        yield Examined("Redis", "ok", f"{kind} answers; it evicts nothing and keeps an append-only file")


def _guarded(what: str, check: Callable[[], str]) -> Examined:
    """A check that returns what it found; an exception is a finding."""
    try:
        return Examined(what, "ok", check())
    except (AssertionError, KafkaException, TimeoutError) as error:
        return Examined(
            what, "wrong", str(error), "use Apache Kafka 4, or a broker whose transactions behave as its do"
        )


def _transactions(client: dict[str, Any]) -> str:
    """In a topic of its own: the committed is read, the aborted is not, an old producer is fenced."""
    quiet = {**client, "log_level": 0}
    topic = f"crible-doctor-{uuid.uuid4().hex[:12]}"
    admin = AdminClient(quiet)
    admin.create_topics([NewTopic(topic, 1)])[topic].result(TIMEOUT_S)
    try:
        old = _producer(quiet, topic)
        for value, commit in ((b"committed", True), (b"aborted", False)):
            _transaction(old, topic, value, commit)
        started = time.perf_counter()
        new = _producer(quiet, topic)
        _transaction(new, topic, b"last", True)
        took = (time.perf_counter() - started) * 1000
        seen = _read(quiet, topic, until=b"last")
        if seen != [b"committed", b"last"]:
            raise AssertionError(f"a read_committed consumer saw {seen} instead of the two committed records")
        if not _fenced(old, topic):
            raise AssertionError("a producer whose transactional.id was taken over could still commit")
    finally:
        admin.delete_topics([topic])[topic].result(TIMEOUT_S)
    return f"committed is read, aborted is not, an old producer is fenced ({took:.0f} ms a take-over)"


def _producer(client: dict[str, Any], name: str) -> Producer:
    producer = Producer({**client, "transactional.id": name})
    producer.init_transactions(TIMEOUT_S)
    return producer


def _transaction(producer: Producer, topic: str, value: bytes, commit: bool) -> None:
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.flush(TIMEOUT_S)
    (producer.commit_transaction if commit else producer.abort_transaction)(TIMEOUT_S)


def _fenced(producer: Producer, topic: str) -> bool:
    try:
        _transaction(producer, topic, b"zombie", True)
    except KafkaException:
        return True
    return False


def _read(client: dict[str, Any], topic: str, until: bytes) -> list[bytes | None]:
    """The records of a topic as a read_committed consumer sees them, up to one value."""
    consumer = Consumer({**client, "group.id": topic, "isolation.level": "read_committed"})
    seen: list[bytes | None] = []
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline = time.monotonic() + TIMEOUT_S
        while until not in seen:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"a read_committed consumer saw {seen} and then nothing for {TIMEOUT_S:g} s"
                )
            seen += [message.value() for message in consumer.consume(10, 0.2) if message.error() is None]
    finally:
        consumer.close()
    return seen
