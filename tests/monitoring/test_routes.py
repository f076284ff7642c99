"""Each alert reaches its team, by amtool; and one fault pages once, by a running Alertmanager."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from state.loopback import HOST, free_port
from tests.monitoring.pack import ALERTMANAGER, Rule, rules
from tests.monitoring.servers import START_S, running, tool

ALERTS = rules("alert")
RECEIVERS = {("page", "on-call"): "on-call", ("ticket", "soc"): "soc", ("ticket", "fraud"): "fraud-team"}
TEXT = ALERTMANAGER.read_text(encoding="utf-8")
SETTLE_S = 0.5  # what keeps an alert back is told to the inhibitor a moment after the alert is there

# What fires together when one thing goes wrong, and what of it is told.
FAULTS = {
    "all workers gone": (
        [
            "CribleNoWorker",
            "CribleWorkerMissing",
            "CribleLag",
            "CribleSlowBudgetBurnsFast",
            "CribleDeadLetters",
        ],
        ["CribleNoWorker"],
    ),
    "redis stopped": (
        [
            "CribleRedisAway",
            "CribleLag",
            "CriblePartitionStuck",
            "CribleWorkerNotReady",
            "CribleSlowBudgetBurnsFast",
        ],
        ["CribleRedisAway"],
    ),
    "broker gone": (
        ["CribleBrokerAway", "CribleLag", "CribleWorkerRestarts", "CribleSlowBudgetBurnsSlowly"],
        ["CribleBrokerAway"],
    ),
    "one partition stuck": (
        ["CriblePartitionStuck", "CribleLag", "CribleSlowBudgetBurnsFast"],
        ["CriblePartitionStuck"],
    ),
    "a burst": (
        ["CribleLag", "CribleSlowBudgetBurnsFast", "CribleSlowBudgetBurnsSlowly"],
        ["CribleLag"],
    ),
    "slow all day": (
        ["CribleSlowBudgetBurnsFast", "CribleSlowBudgetBurnsSlowly"],
        ["CribleSlowBudgetBurnsFast"],
    ),
    "poison messages": (
        ["CribleUnscreenedBudgetBurnsFast", "CribleUnscreenedBudgetBurnsSlowly", "CribleDeadLetters"],
        ["CribleUnscreenedBudgetBurnsFast"],
    ),
    "a few poison messages": (
        ["CribleDeadLetters", "CribleUnscreenedBudgetBurnsSlowly"],
        ["CribleDeadLetters"],
    ),
    "a worker that does not stay": (
        ["CribleWorkerRestarts", "CribleWorkerMissing", "CribleWorkerNotReady"],
        ["CribleWorkerRestarts"],
    ),
    "a detector gone mad": (["CribleDetectorDominates", "CribleHoldRateHigh"], ["CribleDetectorDominates"]),
    "a bad table": (
        ["CribleReferentialRejected", "CribleReferentialStale", "CribleCannotCheck"],
        ["CribleReferentialRejected"],
    ),
    "two faults": (
        ["CribleRedisAway", "CribleReferentialStale"],
        ["CribleRedisAway", "CribleReferentialStale"],
    ),
}


def _labels(alert: Rule) -> dict[str, str]:
    found = re.fullmatch(r"\{ severity: (\S+), team: (\S+) \}", alert.field("labels"))
    assert found, alert.name
    return {"alertname": alert.name, "severity": found[1], "team": found[2], "job": "crible"}


def test_only_alerts_that_exist_are_named() -> None:
    named = set(re.findall(r"Crible[A-Z]\w+(?!\w|\.)", TEXT))
    assert named <= set(ALERTS)
    for beginning in re.findall(r"(Crible[A-Z]\w+)\.\+", TEXT):
        assert any(name.startswith(beginning) for name in ALERTS)


def test_every_receiver_is_reached_by_some_alert() -> None:
    reached = {RECEIVERS[one["severity"], one["team"]] for one in map(_labels, ALERTS.values())}
    assert reached == set(re.findall(r"- name: (\S+)", TEXT))


@pytest.fixture(scope="module")
def amtool() -> str:
    return tool("amtool")


def _amtool(amtool: str, *words: str) -> str:
    done = subprocess.run([amtool, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alertmanager_takes_the_configuration(amtool: str) -> None:
    assert "SUCCESS" in _amtool(amtool, "check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("alert", list(ALERTS.values()), ids=lambda rule: rule.name)
def test_an_alert_reaches_its_team_and_nobody_else(amtool: str, alert: Rule) -> None:
    labels = _labels(alert)
    words = [f"{name}={value}" for name, value in labels.items()]
    told = _amtool(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *words)
    assert told.split() == [RECEIVERS[labels["severity"], labels["team"]]]


def test_what_no_route_expects_reaches_the_soc(amtool: str) -> None:
    told = _amtool(
        amtool,
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        "alertname=Other",
        "severity=info",
    )
    assert told.split() == ["soc"]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Alertmanager that runs on the configuration."""
    program = tool("alertmanager", "prometheus-alertmanager")
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    url = f"http://{HOST}:{(port := free_port())}"
    command = [
        program,
        f"--config.file={ALERTMANAGER}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, folder / "run", url):
        yield url


def _fire(url: str, job: str, alerts: list[str], common: dict[str, str]) -> None:
    body = [{"labels": _labels(ALERTS[name]) | common | {"job": job}} for name in alerts]
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", orjson.dumps(body), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def _read(url: str, job: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts?filter=job%3D%22{job}%22", timeout=10) as answer:
        found: list[dict[str, Any]] = orjson.loads(answer.read())
    return found


def _told(url: str, job: str, count: int) -> set[str]:
    """The alerts of a job that are not kept back, once all of them have been looked at."""
    deadline = time.monotonic() + START_S
    while len(_read(url, job)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(SETTLE_S)
    return {one["labels"]["alertname"] for one in _read(url, job) if not one["status"]["inhibitedBy"]}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_told_once(alertmanager: str, fault: str) -> None:
    """Each fault in an installation (`job`) of its own, so that none keeps back another's alerts."""
    fired, told = FAULTS[fault]
    job = fault.replace(" ", "-")
    _fire(alertmanager, job, fired, {"instance": "a", "referential": "rates"})
    assert _told(alertmanager, job, len(fired)) == set(told)


def test_a_fault_elsewhere_keeps_nothing_back(alertmanager: str) -> None:
    _fire(alertmanager, "north", ["CribleRedisAway"], {})
    _fire(alertmanager, "south", ["CribleLag"], {})
    assert _told(alertmanager, "north", 1) == {"CribleRedisAway"}
    assert _told(alertmanager, "south", 1) == {"CribleLag"}


def test_another_table_is_told_of(alertmanager: str) -> None:
    _fire(alertmanager, "tables", ["CribleReferentialRejected"], {"referential": "rates"})
    _fire(alertmanager, "tables", ["CribleReferentialStale"], {"referential": "acts"})
    assert _told(alertmanager, "tables", 2) == {"CribleReferentialRejected", "CribleReferentialStale"}
