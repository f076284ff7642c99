"""Topics are created and checked on the embedded broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.topics import TOPICS
from streams.broker import EmbeddedBroker
from streams.topics import BrokerAway, Topics


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


def _topics(bootstrap: str) -> Topics:
    return Topics({"bootstrap.servers": bootstrap})


def test_all_topics_are_created_once_and_found_good(bootstrap: str) -> None:
    topics = _topics(bootstrap)
    assert topics.create(3) == list(TOPICS)
    assert topics.create(3) == []
    assert topics.check() == []
    assert topics.partitions() == 3
    have = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics
    assert len(have["learning"].partitions) == 1
    assert len(have["screened"].partitions) == len(have["claims"].partitions) == 3


def test_missing_topics_are_named_with_the_command_that_creates_them(bootstrap: str) -> None:
    findings = _topics(bootstrap).check()
    assert [finding.topic for finding in findings] == list(TOPICS)
    assert {finding.fix for finding in findings} == {"crible topics create --partitions 1"}


def test_wrong_partitions_cleanup_and_retention_are_findings(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wrong = [
        NewTopic("claims", 5, 1, config={"cleanup.policy": "compact"}),
        NewTopic("payments", 2, 1, config={"retention.ms": "1000"}),
        NewTopic("learning", 3, 1),
    ]
    for future in admin.create_topics(wrong).values():
        future.result(10)
    topics = _topics(bootstrap)
    topics.create(5)
    problems = [(finding.topic, finding.problem) for finding in topics.check()]
    assert ("claims", "cleanup.policy is compact instead of delete") in problems
    assert ("payments", "has 2 partitions instead of 5") in problems
    assert ("learning", "has 3 partitions instead of 1") in problems
    assert any(topic == "payments" and "retention.ms is 1000" in problem for topic, problem in problems)
    assert {topic for topic, _ in problems} == {"claims", "payments", "learning"}
    assert all(finding.fix for finding in topics.check())


def test_no_advice_deletes_what_holds_claims(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("payments", 5, 1)])["payments"].result(10)
    topics = _topics(bootstrap)
    topics.create(2)
    fixes = {finding.topic: finding.fix for finding in topics.check() if "partitions" in finding.problem}
    shared = {topic.name for topic in TOPICS.values() if topic.with_screening}
    assert set(fixes) == shared - {"payments"}, "no number can be lowered, so that the others follow"
    for name, fix in fixes.items():
        assert "docs/operations.md" in fix
        assert fix.endswith(f"--alter --topic {name} --partitions 5")
        assert "--delete" not in fix
    assert topics.partitions() == 5


def test_a_topic_without_an_id_is_known_by_its_name(bootstrap: str) -> None:
    topics = _topics(bootstrap)
    topics.create(1)
    assert topics.ids(["claims", "payments"]) == {"claims": "claims", "payments": "payments"}
    with pytest.raises(BrokerAway, match="nowhere"):
        topics.ids(["nowhere"])


def test_an_absent_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.topics.TIMEOUT_S", 1.0)
    with pytest.raises(BrokerAway, match=r"127\.0\.0\.1:1 .*CRIBLE_BROKERS"):
        _topics("127.0.0.1:1").check()
