"""A real Prometheus takes the pack as it is: it scrapes workers' metrics, and every rule can be computed from them."""

from __future__ import annotations

import datetime as dt
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from monitoring.metrics import Endpoint, Metrics
from state.loopback import HOST, free_port
from tests.monitoring.pack import PROMETHEUS, rules
from tests.monitoring.servers import START_S, running, tool

TARGET = "127.0.0.1:9464"


def _worker(lag: int) -> Metrics:
    """One of each metric that a rule reads."""
    metrics = Metrics()
    metrics.events({("claims", "AMO"): 300})
    metrics.verdicts({("HOLD", "FRAUD_REVIEW"): 3, ("RELEASE", ""): 297, ("CANNOT_SCREEN", ""): 1})
    metrics.fired({("D01", "H"): 2, ("E01", "H"): 1, ("M01", "S"): 9})
    metrics.cannot_check({("B01", "drugs"): 20, ("E03", "drugs"): 10, ("E03", "acts"): 10})
    metrics.dead_letters({"not-json": 1, "version": 2})
    metrics.rejected("drugs")
    metrics.ages({"acts": 8 * 86_400.0, "drugs": 60.0})
    metrics.latencies([0.002, 0.003, 2.0])
    for partition in (0, 1):
        metrics.lag("claims", partition, lag)
        metrics.fence("claims", partition, 41)
    metrics.ready(True)
    return metrics


def _asked(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=10) as answer:
        return orjson.loads(answer.read())["data"]


def _quick(text: str) -> str:
    """The same rules and configuration, every second: nobody waits half a minute for a test."""
    for slow in ("interval: 30s", "interval: 15s"):
        text = text.replace(slow, "interval: 1s")
    return text


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that watches two workers, one of which waits for Redis."""
    program = tool("prometheus")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    shutil.copytree(PROMETHEUS, folder / "pack")
    for file in [folder / "pack" / "prometheus.yml", *(folder / "pack" / "rules").glob("*.yml")]:
        file.write_text(_quick(file.read_text(encoding="utf-8")), encoding="utf-8")
    workers = [(free_port(), _worker(lag=500)), (free_port(), _worker(lag=0))]
    workers[0][1].waiting("redis", True)
    settings = folder / "pack" / "prometheus.yml"
    text = settings.read_text(encoding="utf-8")
    assert text.count(TARGET) == 1
    targets = ", ".join(f"{HOST}:{port}" for port, _ in workers)
    settings.write_text(text.replace(TARGET, targets), encoding="utf-8")
    endpoints = [Endpoint(metrics, port) for port, metrics in workers]
    url = f"http://{HOST}:{(port := free_port())}"
    command = [
        program,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    try:
        with running(command, folder / "run", url):
            yield url
    finally:
        for endpoint in endpoints:
            endpoint.close()


def _computed(url: str) -> dict[str, dict[str, Any]]:
    """Every rule, once each has been computed while both workers were scraped."""
    deadline = time.monotonic() + START_S
    while True:
        seen = _asked(url, "query?query=count(crible_up)")["result"]
        if seen and seen[0]["value"][1] == "2":
            break
        assert time.monotonic() < deadline, "the workers are not scraped"
        time.sleep(0.2)
    since = time.time()
    while True:
        found = [one for group in _asked(url, "rules")["groups"] for one in group["rules"]]
        if all(_stamp(one) > since + 1 for one in found):
            return {one["name"]: one for one in found}
        assert time.monotonic() < deadline, "not every rule is computed"
        time.sleep(0.2)


def _stamp(rule: dict[str, Any]) -> float:
    """When a rule was last computed; long ago where it never was."""
    return dt.datetime.fromisoformat(rule["lastEvaluation"]).timestamp()


def test_every_rule_is_computed_without_an_error(prometheus: str) -> None:
    found = _computed(prometheus)
    assert set(found) == set(rules("alert")) | set(rules("record"))
    assert {name: one["lastError"] for name, one in found.items() if one["health"] != "ok"} == {}


def test_it_sees_what_is_wrong_and_nothing_else(prometheus: str) -> None:
    found = _computed(prometheus)
    alerts = {
        name: one["alerts"] for name, one in found.items() if one["type"] == "alerting" and one["alerts"]
    }
    # Counters that stood there at the first scrape count as new: their messages and loads were never told of.
    assert set(alerts) == {
        "CribleRedisAway", "CribleReferentialStale", "CribleDeadLetters", "CribleReferentialRejected",
    }  # fmt: skip
    (away,) = alerts["CribleRedisAway"]
    assert away["state"] == "pending"  # it fires after a minute
    assert away["labels"]["job"] == "crible"
    assert {one["labels"]["referential"] for one in alerts["CribleReferentialStale"]} == {"acts"}
    told = {one["labels"]["reason"]: one["annotations"]["description"] for one in alerts["CribleDeadLetters"]}
    assert told == {
        "not-json": "2 messages went to dead-letters within 15 minutes: not-json.",
        "version": "4 messages went to dead-letters within 15 minutes: version.",
    }
