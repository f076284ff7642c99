"""The doctor finds what is wrong before traffic does, and leaves nothing behind."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from rich.console import Console

from state.embedded import EmbeddedRedis
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.doctor import Examined, examine, healthy, show
from streams.topics import Topics
from tests.support import apache_kafka

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """An absent broker is not waited for, except where a real one is asked."""
    if "kafka" not in request.keywords:
        monkeypatch.setattr("streams.topics.TIMEOUT_S", 2.0)


def _states(examined: list[Examined]) -> dict[str, str]:
    return {one.what: one.state for one in examined}


def test_good_servers_pass_and_no_topic_of_ours_stays() -> None:
    with EmbeddedBroker() as broker, EmbeddedRedis(durable=True) as redis:
        settings = Settings(brokers=broker.bootstrap, redis=redis.url)
        Topics(settings.client()).create(2)
        before = set(AdminClient(settings.client()).list_topics(timeout=10).topics)
        examined = examine(settings)
        assert set(AdminClient(settings.client()).list_topics(timeout=10).topics) == before
    assert healthy(examined)
    assert list(_states(examined)) == ["pseudonym key", "Kafka", "topics", "transactions", "Redis"]


def test_a_redis_that_forgets_is_named_with_the_command() -> None:
    with EmbeddedRedis() as redis:
        found = examine(Settings(brokers="127.0.0.1:1", redis=redis.url))[-1]
    assert (found.what, found.state) == ("Redis", "wrong")
    assert "CONFIG SET appendonly yes" in found.detail


@pytest.mark.kafka
@apache_kafka.needed
def test_apache_kafka_passes() -> None:
    with apache_kafka.ApacheKafka() as broker:
        settings = Settings(brokers=broker.bootstrap, redis=NOWHERE)
        topics = Topics(settings.client())
        topics.create(2)
        assert topics.check() == []
        ids = topics.ids(["claims", "payments"])
        assert len(set(ids.values()) | {"claims", "payments"}) == 4
        assert _states(examine(settings))["transactions"] == "ok"


def test_the_fixes_are_printed_with_the_table(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("short")
    examined = examine(Settings(brokers="127.0.0.1:1", redis=NOWHERE, pseudonym_key_file=str(key)))
    assert not healthy(examined)
    assert _states(examined)["transactions"] == "skipped"
    text = io.StringIO()
    show(examined, Console(file=text, width=100))
    assert "CRIBLE_BROKERS" in text.getvalue()
    assert "CRIBLE_REDIS" in text.getvalue()
    assert f"head -c 32 /dev/urandom | base64 > {key}" in text.getvalue()
