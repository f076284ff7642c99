"""A load under traffic, through a real worker that is killed meanwhile: one offset a partition, verdicts that agree."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from schemas.topics import TOPIC_OF
from state import EmbeddedRedis, Store
from streams import cli, effects
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.embedded import free_port
from streams.topics import Topics
from tests.streams.stage import Desk, held
from tests.streams.test_effects import boxes
from tests.support.published import read_all
from tests.support.worker import Worker

PARTITIONS = 2
TIMEOUT = 60.0
HEAD = "ean13,ppv\n"
Record = dict[str, Any]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with EmbeddedRedis(durable=True) as redis, EmbeddedBroker() as broker:
        settings = Settings(brokers=broker.bootstrap)
        Topics(settings.client()).create(PARTITIONS)
        yield {
            "CRIBLE_BROKERS": broker.bootstrap,
            "CRIBLE_REDIS": redis.url,
            "CRIBLE_WORKER_ID": "w",
            "CRIBLE_METRICS_PORT": str(free_port()),
        }


class Traffic:
    """Sends a claim every few milliseconds until told to stop, each of another person."""

    def __init__(self, brokers: str) -> None:
        self.sent = 0
        self._producer = Producer(
            {
                **Settings(brokers=brokers).client(),
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "log_level": 0,
            }
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        desk, topic = Desk(), TOPIC_OF["claim"]
        while not self._stop.wait(0.015):
            (claim,) = boxes(desk, self.sent, 1)
            self._producer.produce(topic.name, orjson.dumps(claim), topic.key_of(claim).encode())
            self._producer.poll(0)
            self.sent += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert self._producer.flush(20) == 0


def load(environment: dict[str, str], file: Path, *more: str) -> Any:
    words = ["referentials", "load", "drugs", str(file), *more]
    return CliRunner().invoke(cli.app, words, env=environment, catch_exceptions=False)


def sender(brokers: str) -> Callable[..., None]:
    """Sends one event and waits until the broker has it. `at`: milliseconds; 0 = now."""
    producer = Producer(
        {**Settings(brokers=brokers).client(), "partitioner": "murmur2_random", "log_level": 0}
    )

    def send(event: Record, at: int = 0) -> None:
        topic = TOPIC_OF[event["type"]]
        producer.produce(topic.name, orjson.dumps(event), topic.key_of(event).encode(), timestamp=at)
        assert producer.flush(20) == 0

    return send


def metrics(environment: dict[str, str]) -> str:
    url = f"http://127.0.0.1:{environment['CRIBLE_METRICS_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.3)


def screened(brokers: str) -> list[Record]:
    return [orjson.loads(record.value() or b"") for record in read_all(brokers, ("screened",))]


def named(record: Record) -> str:
    return str(record["referentials"].get("drugs", ""))


def everywhere(records: list[Record], editions: str) -> bool:
    """Whether every partition has some verdicts that name these editions."""
    found = Counter(one["input"]["partition"] for one in records if named(one) == editions)
    return len(found) == PARTITIONS and min(found.values()) > 20


def test_a_load_takes_effect_at_one_recorded_offset_a_partition(
    environment: dict[str, str], tmp_path: Path
) -> None:
    brokers = environment["CRIBLE_BROKERS"]
    dear, cheap = tmp_path / "dear.csv", tmp_path / "cheap.csv"
    dear.write_text(HEAD + "6118001230068,9500\n")
    cheap.write_text(HEAD + "6118001230068,5000\n")
    assert load(environment, dear, "-e", "1", "--from", "2015-01-01").exit_code == 0
    traffic = Traffic(brokers)
    try:
        with Worker(environment, tmp_path, name="one") as worker:
            worker.wait_ready()
            until(lambda: everywhere(screened(brokers), "1"))
            assert load(environment, cheap, "-e", "2", "--from", "2015-01-02").exit_code == 0
            until(lambda: everywhere(screened(brokers), "2,1"))
            worker.kill()
        with Worker(environment, tmp_path, name="two") as worker:
            worker.wait_ready()
            traffic.stop()
            until(lambda: len(screened(brokers)) == traffic.sent)
            assert worker.terminate() == 0
    finally:
        traffic.stop()
    found = defaultdict(list)
    for one in screened(brokers):
        place = one["input"]
        found[place["partition"]].append(
            (place["offset"], named(one), "T02" in {r["code"] for r in one["reasons"]})
        )
    assert sum(map(len, found.values())) == traffic.sent
    ids = Topics(Settings(brokers=brokers).client()).ids(["claims"])
    store = Store(environment["CRIBLE_REDIS"])
    switches: dict[int, int] = {}
    for partition, said in found.items():
        said.sort()
        assert [offset for offset, *_ in said] == sorted({offset for offset, *_ in said})
        switch = min(offset for offset, editions, _ in said if editions == "2,1")
        assert all(
            (editions, dear) == (("1", False) if offset < switch else ("2,1", True))
            for offset, editions, dear in said
        )
        (blob,) = store.models([effects.name(f"claims|{ids['claims']}|{partition}")])
        last = effects.read(blob).effects[-1]
        assert (last.offset, {load[1] for load in last.loads}) == (switch, {"1", "2"})
        switches[partition] = switch
    assert len(found) == PARTITIONS
    store.close()
    listed = CliRunner().invoke(cli.app, ["referentials", "list", "--effects", "--json"], env=environment)
    told = [one for one in orjson.loads(listed.stdout)["effects"] if one["topic"] == "claims"]
    assert {one["partition"]: one["offset"] for one in told if one["came"] == ["drugs 2"]} == switches
    assert {(one["partition"], one["offset"]) for one in told if one["came"] == ["drugs 1"]} == {
        (0, 0),
        (1, 0),
    }


def test_a_policy_takes_a_detector_from_shadow_to_enforce_while_the_worker_runs(
    environment: dict[str, str], tmp_path: Path
) -> None:
    brokers, desk = environment["CRIBLE_BROKERS"], Desk()
    send = sender(brokers)
    world = desk.world()
    for event in world[1:]:
        send(event)
    send(desk.table("detectors", {"code": "E04", "mode": "shadow"}))
    with Worker(environment, tmp_path) as worker:
        worker.wait_ready()
        send(desk.claim("C-1", held()))
        until(lambda: len(screened(brokers)) == 1)
        until(lambda: 'crible_detector_shadow_fired_total{class="H",code="E04"} 1.0' in metrics(environment))
        send(desk.table("detectors", {"code": "E04", "mode": "enforce"}, edition="2"))
        number = 1

        def enforced() -> bool:
            nonlocal number
            number += 1
            send(desk.claim(f"C-{number}", held(service_date=f"2026-02-{number % 28 + 1:02d}")))
            until(lambda: len(screened(brokers)) == number)
            return any(one["decision"] == "HOLD" for one in screened(brokers))

        until(enforced)
        assert worker.terminate() == 0
    by_decision = {
        decision: {one["ruleset"] for one in screened(brokers) if one["decision"] == decision}
        for decision in ("RELEASE", "HOLD")
    }
    assert [len(rulesets) for rulesets in by_decision.values()] == [1, 1]
    assert not by_decision["RELEASE"] & by_decision["HOLD"]
    assert all(one["shadow"] for one in screened(brokers) if one["decision"] == "RELEASE")


@pytest.mark.parametrize("days", [6.9, 7.1])
def test_a_table_that_nobody_told_again_for_a_week_is_not_held_upon(
    environment: dict[str, str], tmp_path: Path, days: float
) -> None:
    """What rests on it is put to review, what does not is held; the same load told again ends it."""
    brokers, desk = environment["CRIBLE_BROKERS"], Desk()
    send = sender(brokers)
    drugs = desk.table("drugs", {"ean13": "6118001230068", "ppv": 5_000})
    ago = int(time.time() * 1000 - days * 86_400_000)
    for event in desk.world():
        send(event)
    send(drugs, ago)

    def answer(claim: Record) -> Record:
        found: list[Record] = []

        def answered() -> bool:
            found[:] = [one for one in screened(brokers) if one["event_id"] == claim["event_id"]]
            return bool(found)

        send(claim)
        until(answered)
        return found[-1]

    def stale_alerts() -> list[Record]:
        said = [orjson.loads(record.value() or b"") for record in read_all(brokers, ("fraud-alerts",))]
        return [one for one in said if one["kind"] == "REFERENTIAL_STALE"]

    def dear(name: str) -> Record:
        (claim,) = boxes(desk, desk.number, 1)
        return {**claim, "event_id": name, "claim_id": f"D-{name}"}

    with Worker(environment, tmp_path) as worker:
        worker.wait_ready()
        first = answer(dear("C-1"))
        assert {reason["code"] for reason in first["reasons"]} == {"T02"}
        assert first["decision"] == ("HOLD" if days < 7 else "RELEASE_FLAGGED")
        assert answer(desk.claim("C-2", held()))["decision"] == "HOLD"
        assert [one["entity"] for one in stale_alerts()] == ([] if days < 7 else ["referential:drugs"])
        if days > 7:
            age = 'crible_referential_age_seconds{referential="drugs"} '
            told = next(line for line in metrics(environment).splitlines() if line.startswith(age))
            assert float(told.removeprefix(age)) > 7 * 86_400
            send(drugs)
            until(lambda: answer(dear(f"C-{desk.number}"))["decision"] == "HOLD")
        assert worker.terminate() == 0


def test_a_bad_load_on_the_topic_is_refused_counted_and_alerted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """What somebody sends past `crible referentials load`: a broken row, and a table cut short."""
    brokers = environment["CRIBLE_BROKERS"]
    desk = Desk()
    drugs = [{"ean13": "6118001230068", "ppv": 9_500}, {"ean13": "4006381333931", "ppv": 100}]
    good = desk.table("drugs", *drugs)
    broken = desk.table(
        "drugs", drugs[0], {"ean13": "4006381333931", "ppv": "dear"}, edition="2", valid_from="2016-01-01"
    )
    short = desk.table("drugs", drugs[0], edition="3", valid_from="2017-01-01")
    send = sender(brokers)

    def alerts() -> list[Record]:
        return [orjson.loads(record.value() or b"") for record in read_all(brokers, ("fraud-alerts",))]

    send(good)
    send(broken)
    with Worker(environment, tmp_path) as worker:
        worker.wait_ready()
        until(lambda: len(alerts()) == 1)
        send(short)
        until(lambda: len(alerts()) == 2)
        before, hot = alerts()
        assert {before["entity"], hot["entity"]} == {"referential:drugs"}
        assert {before["kind"], hot["kind"]} == {"REFERENTIAL_REJECTED"}
        assert "row 2: ppv: 'dear', expected a whole number" in before["reasons"][0]["facts_en"]
        assert "rows: '1', expected at least 95% of the 2 keys" in hot["reasons"][0]["facts_en"]
        assert 'crible_referential_rejected_total{referential="drugs"} 2.0' in metrics(environment)
        for claim in boxes(desk, 0, 1):
            send({**claim, "lines": [{**claim["lines"][0], "code": "4006381333948"}]})
        until(lambda: len(screened(brokers)) == 1)
        (said,) = screened(brokers)
        assert named(said) == "1"
        assert {reason["code"] for reason in said["reasons"]} == {"T02"}
        assert said["decision"] != "HOLD"  # its table's last load was refused: a review is proposed instead
        assert worker.terminate() == 0
    listed = CliRunner().invoke(cli.app, ["referentials", "list"], env={**environment, "COLUMNS": "200"})
    assert listed.exit_code == 1
    assert "drugs 2: row 2: ppv: 'dear', expected a whole number" in listed.stdout
