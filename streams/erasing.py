"""One person's erasure as a whole: which answers are out, what is removed, and what remains where."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.topics import DAY_MS, SCREENING_INPUTS, TOPICS
from state.erasure import Answered, Erasure, Plan
from streams.config import Settings
from streams.topics import BrokerAway, Topics

BROKER_SECONDS = 5.0
NOBODY: Final = (
    "providers",
    "liquidators",
    "referentials",
    "policies",
    "orders",
    "learning",
    "provider-activity",
)
"""Topics that tell of no beneficiary."""
AGAIN_SECONDS = 1.0


def answered(erasure: Erasure, settings: Settings, *, workers_stopped: bool) -> Answered:
    """Which events' answers are out: those of a topic below the committed offset, a file's once recorded.

    `workers_stopped`: what was recorded counts as answered, and the broker is not asked. Raises BrokerAway.
    """
    recorded = erasure.inputs()
    files = {_middle(name) for name in recorded if name.startswith("log|")}
    on_kafka = {name for name in recorded if _middle(name) not in files}
    topics = sorted({name.partition("|")[0] for name in on_kafka} & set(SCREENING_INPUTS))
    if workers_stopped or not topics:
        return lambda where, offset: offset <= recorded.get(where, -1)
    committed = _committed(settings, topics)

    def out(where: str, offset: int) -> bool:
        if where not in on_kafka:
            return offset <= recorded.get(where, -1)
        # a log that is not there any more cannot be read again
        return where not in committed or offset < committed[where]

    return out


def _middle(name: str) -> str:
    """The topic's id in an input's name, or the name of the event log that was screened."""
    return name.split("|", 1)[-1].rpartition("|")[0]


def _committed(settings: Settings, topics: list[str]) -> dict[str, int]:
    """Input -> the offset that the screening group has committed."""
    client = {"log_level": 0, **settings.client()}
    broker = Topics(client, timeout=BROKER_SECONDS)
    broker.partitions()  # says well that no broker answers
    ids = broker.ids(topics)
    consumer = Consumer({**client, "group.id": settings.group, "enable.auto.commit": False})
    try:
        known = consumer.list_topics(timeout=BROKER_SECONDS).topics
        wanted = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
        found = {}
        for one in consumer.committed(wanted, timeout=BROKER_SECONDS):
            if one.error is not None:
                raise KafkaException(one.error)
            found[f"{one.topic}|{ids[one.topic]}|{one.partition}"] = max(0, one.offset)
        return found
    except KafkaException as error:
        raise BrokerAway(f"the broker does not tell what is committed: {error.args[0].str()}") from error
    finally:
        consumer.close()


def erase(
    erasure: Erasure,
    person: str,
    out: Callable[[], Answered],
    seconds: float,
    progress: Callable[[int], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Plan:
    """Remove, look again, and go on until nothing is left or the time is over. Returns what was left."""
    deadline = time.monotonic() + seconds
    plan = erasure.plan(person, out(), progress)
    while not plan.empty or plan.waiting:
        if not plan.empty:
            erasure.run(plan)
        elif time.monotonic() > deadline:
            break
        else:
            sleep(AGAIN_SECONDS)
        plan = erasure.plan(person, out(), progress)
        if not plan.empty and time.monotonic() > deadline:
            break
    return plan


def remains(plan: Plan, verdict_days: int) -> list[dict[str, Any]]:
    """Where something of the person stays after the erasure, and until when."""
    said: list[dict[str, Any]] = [
        {
            "where": "windows, day sheets and event records in Redis",
            "what": "counts under an anonymous label, which nobody can lead back; no name, no reference",
            "until": "each expires; event records after 24 months",
        },
        {
            "where": "windows of bank accounts in Redis",
            "what": "under an account's own pseudonym: how many payments it took, without the person",
            "until": "400 days after its last payment",
        },
        {
            "where": "memo of answers to others in Redis",
            "what": "references (hashes) of uses of a document or signature, where others were compared with them",
            "until": "some 9,000 more messages of the same partition",
        },
        {
            "where": "verdicts on other people in Redis",
            "what": f"{plan.cited} name this person; others may cite the ids of events",
            "until": f"{verdict_days} days, twice that while held",
        },
        {
            "where": "backups and append-only files of Redis",
            "what": "everything, as it was; after a restore, run this again",
            "until": "BGREWRITEAOF; your backups' retention",
        },
    ]
    kept: dict[int | None, list[str]] = {}
    for topic in TOPICS.values():
        if topic.name not in NOBODY:
            kept.setdefault(topic.retention_ms, []).append(topic.name)
    for retention, names in kept.items():
        until = (
            f"{retention // DAY_MS} days, unless set otherwise"
            if retention
            else "for ever: produce a tombstone under the key"
        )
        where = f"Kafka topics {', '.join(names)}" if len(names) > 1 else f"Kafka topic {names[0]}"
        said.append({"where": where, "what": "messages as they came", "until": until})
    return said
