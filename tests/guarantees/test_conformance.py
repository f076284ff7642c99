"""The same checks on every broker that Crible runs on, and as `crible doctor --broker`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from rich.console import Console

from streams.broker import EmbeddedBroker
from streams.conformance import report
from streams.conformance.check import Check, Unlike, check
from streams.conformance.ground import PATIENCE_S, Ground
from streams.conformance.limits import EMBEDDED
from streams.conformance.suite import CHECKS, Outcome, run
from streams.topics import BrokerAway
from tests.support import apache_kafka
from tests.support.apache_kafka import ApacheCluster, ApacheKafka

SHORT_S = 10.0  # for what the embedded broker never does
BROKERS = [
    "embedded",
    pytest.param("apache-1", marks=[pytest.mark.kafka, apache_kafka.needed]),
    pytest.param("apache-3", marks=[pytest.mark.kafka, apache_kafka.needed]),
]


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="module", params=BROKERS)
def tried(request: pytest.FixtureRequest) -> tuple[str, str, Outcome]:
    """The broker's name, its address and what came of the checks."""
    fixture = {"apache-1": "apache_one", "apache-3": "apache_three"}.get(request.param, request.param)
    server: EmbeddedBroker | ApacheKafka | ApacheCluster = request.getfixturevalue(fixture)
    patience = SHORT_S if request.param == "embedded" else PATIENCE_S
    return request.param, server.bootstrap, run({"bootstrap.servers": server.bootstrap}, patience=patience)


@pytest.mark.parametrize("name", [one.name for one in CHECKS])
def test_a_broker_does_as_apache_kafka_would(tried: tuple[str, str, Outcome], name: str) -> None:
    broker, _, outcome = tried
    (result,) = [one for one in outcome.results if one.check.name == name]
    if broker == "embedded" and name in EMBEDDED:
        assert not result.passed, f"the embedded broker now does this: take {name} out of the limits"
        assert result.expected
        assert result.seen
    else:
        assert result.passed, report.line(result)


def test_nothing_of_the_checks_stays(tried: tuple[str, str, Outcome]) -> None:
    broker, bootstrap, outcome = tried
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    assert [name for name in admin.list_topics(timeout=20).topics if name.startswith("crible-doctor-")] == []
    groups = {one.group_id for one in admin.list_consumer_groups().result(20).valid}
    ours = {name for name in groups if name.startswith("crible-doctor-")}
    assert ours == set(outcome.left)
    if broker == "embedded":
        assert all(name.endswith("-group") for name in ours)  # with members it takes for living
    else:
        assert not ours


def test_checks_are_named_once_and_limits_name_checks() -> None:
    names = [one.name for one in CHECKS]
    assert len(set(names)) == len(names)
    assert set(EMBEDDED) <= set(names)
    assert {one.subject for one in CHECKS} == {"topics", "records", "groups", "transactions"}


@check("tests.unlike", proves="it cannot", without="tests prove nothing")
def _unlike(ground: Ground) -> None:
    ground.topic()
    raise Unlike("one thing", "another")


@check("tests.broken", proves="it cannot", without="tests prove nothing")
def _broken(ground: Ground) -> None:
    ground.topic()
    raise RuntimeError("a mistake of ours")


@check("tests.hanging", proves="it ends", without="tests wait for ever")
def _hanging(ground: Ground) -> None:
    threading.Event().wait()


def _topics(bootstrap: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=20).topics)


def test_a_failed_check_is_told_in_one_line(embedded: EmbeddedBroker) -> None:
    before = _topics(embedded.bootstrap)
    outcome = run({"bootstrap.servers": embedded.bootstrap}, [_unlike])
    assert _topics(embedded.bootstrap) == before
    text = io.StringIO()
    report.show(outcome, embedded.bootstrap, Console(file=text, width=120))
    said = "tests.unlike: expected one thing; seen: another. Without it, tests prove nothing."
    assert said in text.getvalue()
    assert "0 of 1 checks passed" in text.getvalue()
    told = json.loads(report.to_json(outcome, embedded.bootstrap))
    assert (told["failed"], told["checks"][0]["seen"]) == (1, "another")


def test_a_mistake_of_ours_is_no_finding_and_leaves_nothing_either(embedded: EmbeddedBroker) -> None:
    before = _topics(embedded.bootstrap)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        run({"bootstrap.servers": embedded.bootstrap}, [_broken])
    assert _topics(embedded.bootstrap) == before


def test_a_check_that_hangs_is_a_result_and_holds_up_nobody(embedded: EmbeddedBroker) -> None:
    outcome = run({"bootstrap.servers": embedded.bootstrap}, [_hanging, _unlike], at_a_time=1, seconds=1.0)
    assert [one.seen for one in outcome.results] == ["it did not end within 1 s", "another"]


def test_no_broker_is_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.conformance.ground.CALL_S", 1.0)
    with pytest.raises(BrokerAway, match=r"no Kafka broker answers at 127\.0\.0\.1:1 "):
        run({"bootstrap.servers": "127.0.0.1:1"}, [_unlike])


def _doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "streams.cli", "doctor", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**kept, **path}, capture_output=True, text=True, timeout=300
    )


def test_the_command_says_what_it_was_given_wrong(tmp_path: Path) -> None:
    done = _doctor(tmp_path, "--broker", "no-port")
    assert done.returncode == 2
    assert "expected host:port" in done.stderr
    assert done.stdout == ""


@pytest.mark.kafka
@apache_kafka.needed
def test_the_command_passes_apache_kafka(apache_one: ApacheKafka, tmp_path: Path) -> None:
    done = _doctor(tmp_path, "--broker", apache_one.bootstrap, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert [one["name"] for one in told["checks"]] == [one.name for one in CHECKS]
    assert (told["failed"], told["left"]) == (0, [])


@pytest.mark.slow
def test_the_command_names_what_the_embedded_broker_lacks(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    done = _doctor(tmp_path, "--broker", embedded.bootstrap)
    assert done.returncode == 1
    assert done.stderr == ""
    without: dict[str, Check] = {one.name: one for one in CHECKS}
    for name in EMBEDDED:
        (said,) = [line for line in done.stdout.splitlines() if line.startswith(f"{name}: expected ")]
        assert without[name].without in said
