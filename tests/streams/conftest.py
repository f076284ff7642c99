"""A real Redis for the tests of the loop, and a log of a simulated AMO."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import redis

from simulation import Plan, World, generate
from state import EmbeddedRedis
from tests.streams.stage import Stage


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(durable=True) as running:
        yield running


@pytest.fixture
def stage(server: EmbeddedRedis) -> Stage:
    """A stage on the emptied server."""
    client = redis.Redis.from_url(server.url)
    client.flushall()
    client.close()
    return Stage(server.url)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event log of about 1,500 claims with every scheme, corrections, cancellations, resubmissions and
    payments, reviews and reports among them."""
    file = tmp_path_factory.mktemp("log") / "log.jsonl"
    events = [event for event, _ in generate(World(11), Plan(claims=1_000, days=24, live_days=14))]
    patients = {event["beneficiary"] for event in events if event["type"] == "claim"}
    last: dict[str, object] = {}
    with file.open("wb") as log:
        for number, event in enumerate(events):
            if event["type"] == "beneficiary" and event["beneficiary"] not in patients:
                continue
            log.write(orjson.dumps(event) + b"\n")
            if event["type"] == "claim" and event["kind"] == "AMBULATOIRE" and number % 7 == 0:
                last = event
            if number % 250 == 249 and last:
                for more in _control(last, event, number):
                    log.write(orjson.dumps(more) + b"\n")
    return file


def _control(claim: dict[str, object], now: dict[str, object], number: int) -> Iterator[dict[str, object]]:
    """What people say of a claim that came a while ago."""
    same = {name: now[name] for name in ("version", "event_time", "ingest_time", "organism")}
    yield {
        **same,
        "type": "review",
        "event_id": f"RV-{number}",
        "verdict_id": f"V-{claim['event_id']}-1",
        "claim_id": claim["claim_id"],
        "beneficiary": claim["beneficiary"],
        "outcome": ("LEGITIMATE", "CONFIRMED_FRAUD", "INSUFFICIENT")[number // 250 % 3],
        "decided_by": [f"reviewer-{number % 3}"],
    }
    yield {
        **same,
        "type": "signal",
        "event_id": f"SG-{number}",
        "entity": f"beneficiary:{claim['beneficiary']}",
        "source": "CAISSE",
        "strength": 0.5,
        "expires": "2099-12-31",
    }
