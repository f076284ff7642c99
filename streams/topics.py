"""Creates and checks the topics of `schemas.topics`; every finding names the command that mends it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from schemas.topics import TOPICS, Topic

REPLICAS = 3  # one may fail while another is under maintenance
TIMEOUT_S = 15.0
UNLIMITED = -1  # of retention.ms
PROCEDURE = 'follow "Change the number of tags or partitions" of docs/operations.md, nothing is deleted'
NO_ID = "A" * 22  # sixteen zero bytes: the broker gives topics no ids


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be, and the command that mends it."""

    topic: str
    problem: str
    fix: str


class BrokerAway(RuntimeError):
    """The broker does not answer, or refuses; the message names its address."""


class Topics:
    """The topics of one cluster. `client` are librdkafka settings, as `Settings.client()` gives them."""

    def __init__(self, client: Mapping[str, Any], timeout: float | None = None) -> None:
        self._timeout = TIMEOUT_S if timeout is None else timeout
        self._address = str(client["bootstrap.servers"])
        # The client must outlive its futures: one that is collected early fails them.
        # It logs to nobody, since every failure ends in an exception of ours.
        self._admin = AdminClient({**client, "log_level": 0})

    def create(self, partitions: int) -> list[str]:
        """Create what is missing, `partitions` each unless the topic has a fixed number; the names created.

        Topics already there are left as they are; `check` says what is wrong with them. Raises BrokerAway.
        """
        cluster = self._cluster()
        replicas = min(REPLICAS, len(cluster.brokers))
        wanted = [
            NewTopic(topic.name, topic.partitions or partitions, replicas, config=_config(topic, replicas))
            for topic in TOPICS.values()
            if topic.name not in cluster.topics
        ]
        if not wanted:
            return []
        created = []
        for name, future in self._admin.create_topics(wanted, operation_timeout=TIMEOUT_S).items():
            try:
                future.result(TIMEOUT_S)
                created.append(name)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another creator was faster
                    raise BrokerAway(f"topic {name} was not created: {error.args[0].str()}") from error
        self._wait_for(created)
        return created

    def _wait_for(self, names: Iterable[str]) -> None:
        """Wait until the broker that is asked knows of new topics too: it may learn of them a little later."""
        deadline = time.monotonic() + TIMEOUT_S
        while set(names) - self._cluster().topics.keys() and time.monotonic() < deadline:
            time.sleep(0.1)

    def check(self) -> list[Finding]:
        """Everything that is not as `schemas.topics` asks, in its order. Raises BrokerAway."""
        cluster = self._cluster()
        count = self._shared_count(cluster)
        there = [topic for topic in TOPICS.values() if topic.name in cluster.topics]
        settings = self._settings(topic.name for topic in there)
        findings = []
        for topic in TOPICS.values():
            metadata = cluster.topics.get(topic.name)
            if metadata is None:
                findings.append(
                    Finding(topic.name, "does not exist", f"crible topics create --partitions {count}")
                )
                continue
            findings += self._check_partitions(topic, metadata, count)
            findings += self._check_replicas(topic, metadata, len(cluster.brokers))
            replicas = min(REPLICAS, len(cluster.brokers))
            findings += self._check_settings(topic, settings[topic.name], replicas)
        return findings

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """The id of each topic, which changes when it is made anew; its name where the broker gives no id.

        Raises BrokerAway, also for a topic that does not exist.
        """
        ids = {}
        for name, future in self._admin.describe_topics(TopicCollection(list(names))).items():
            try:
                number = str(future.result(TIMEOUT_S).topic_id)
            except KafkaException as error:
                raise BrokerAway(f"topic {name} on {self._address}: {error.args[0].str()}") from error
            ids[name] = name if number == NO_ID else number
        return ids

    def partitions(self) -> int:
        """How many partitions the screening topics share. Raises BrokerAway."""
        return self._shared_count(self._cluster())

    def _cluster(self) -> ClusterMetadata:
        try:
            return self._admin.list_topics(timeout=self._timeout)
        except KafkaException as error:
            raise BrokerAway(
                f"no Kafka broker answers at {self._address} ({error.args[0].str()}): "
                "start it, or set CRIBLE_BROKERS"
            ) from error

    def _settings(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        answers = self._admin.describe_configs(resources)
        try:
            return {
                resource.name: {key: entry.value for key, entry in future.result(TIMEOUT_S).items()}
                for resource, future in answers.items()
            }
        except KafkaException as error:
            raise BrokerAway(
                f"{self._address} does not tell topic settings: {error.args[0].str()}"
            ) from error

    @staticmethod
    def _shared_count(cluster: ClusterMetadata) -> int:
        """The highest partition count of the screening topics that exist: no number can be lowered. 1 where there is
        none.
        """
        return max(
            (
                len(cluster.topics[topic.name].partitions)
                for topic in TOPICS.values()
                if topic.with_screening and topic.name in cluster.topics
            ),
            default=1,
        )

    def _check_partitions(self, topic: Topic, metadata: TopicMetadata, count: int) -> list[Finding]:
        wanted = topic.partitions or (count if topic.with_screening else None)
        have = len(metadata.partitions)
        if wanted is None or have == wanted:
            return []
        tool = f"kafka-topics.sh --bootstrap-server {self._address}"
        if have < wanted:  # keys move away from their history: Redis has to be filled anew
            fix = f"{PROCEDURE}; its step 2 is {tool} --alter --topic {topic.name} --partitions {wanted}"
        else:  # only of a topic with a fixed number, which holds nothing once it is folded
            fix = (
                f"drain all workers, then {tool} --delete --topic {topic.name} && crible topics create "
                f"--partitions {count}; models can then no longer be rebuilt from what it held"
            )
        return [Finding(topic.name, f"has {have} partitions instead of {wanted}", fix)]

    def _check_replicas(self, topic: Topic, metadata: TopicMetadata, brokers: int) -> list[Finding]:
        wanted = min(REPLICAS, brokers)
        have = min((len(partition.replicas) for partition in metadata.partitions.values()), default=0)
        if have >= wanted:
            return []
        fix = f"kafka-reassign-partitions.sh --bootstrap-server {self._address} --execute"
        problem = f"has {have} replicas of a partition instead of {wanted}"
        return [Finding(topic.name, problem, f"{fix} --reassignment-json-file FILE")]

    def _check_settings(self, topic: Topic, have: Mapping[str, str], replicas: int) -> list[Finding]:
        findings = []
        for key, wanted in _config(topic, replicas).items():
            if key in have and not _suffices(key, have[key], wanted):
                fix = f"kafka-configs.sh --bootstrap-server {self._address} --alter --entity-type topics"
                fix += f" --entity-name {topic.name} --add-config {key}={wanted}"
                findings.append(Finding(topic.name, f"{key} is {have[key]} instead of {wanted}", fix))
        return findings


def _config(topic: Topic, replicas: int) -> dict[str, str]:
    """The settings a topic is created with; retention of a compacted topic is for ever."""
    retention = UNLIMITED if topic.retention_ms is None else topic.retention_ms
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention),
        "max.message.bytes": str(topic.max_message_bytes),
        "min.insync.replicas": str(2 if replicas >= REPLICAS else 1),
    }


def _suffices(key: str, have: str, wanted: str) -> bool:
    """Whether a setting in force keeps at least what ours would."""
    if key == "cleanup.policy":
        return have == wanted
    if key == "retention.ms":
        if wanted == str(UNLIMITED):
            return True  # a compacted topic never deletes by age
        return int(have) == UNLIMITED or int(have) >= int(wanted)
    return int(have) >= int(wanted)
