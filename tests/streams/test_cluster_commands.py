"""What an operator looks at and does is the same on a Redis Cluster as on one server of as many tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from state import EmbeddedRedis
from tests.streams.stage import Stage
from tests.streams.test_inspect import crible, told
from tests.support import redis_cluster as support
from tests.support.redis_cluster import RedisCluster

pytestmark = [pytest.mark.cluster, support.needed]
TAGS = 16


@pytest.fixture(scope="module")
def both(simulated: Path) -> Iterator[tuple[EmbeddedRedis, RedisCluster]]:
    """One server and a cluster that have screened the same log."""
    lines = simulated.read_bytes().splitlines()
    with EmbeddedRedis(durable=True) as server, RedisCluster(durable=True) as cluster:
        for url in (server.url, cluster.url):
            Stage(url).screen(lines, tags=TAGS)
        yield server, cluster


@pytest.fixture(scope="module")
def names(simulated: Path) -> dict[str, str]:
    """The beneficiary, the provider, the prescriber and the liquidator that the log names most often."""
    seen: dict[str, Counter[str]] = {}
    for raw in simulated.read_bytes().splitlines():
        event: dict[str, Any] = orjson.loads(raw)
        named = [(kind, event.get(kind)) for kind in ("beneficiary", "liquidator")]
        for line in event.get("lines", ()):
            named += [("provider", line.get("executor")), ("prescriber", line.get("prescriber"))]
        for kind, name in named:
            if name is not None:
                seen.setdefault(kind, Counter())[name] += 1
    return {kind: counted.most_common(1)[0][0] for kind, counted in seen.items()}


def settled(said: Any) -> Any:
    """What is told, without the times at which verdicts were given."""
    if isinstance(said, dict):
        return {name: settled(value) for name, value in said.items() if name != "issued_at"}
    return [settled(one) for one in said] if isinstance(said, list) else said


@pytest.mark.parametrize("what", ["beneficiary", "provider", "prescriber", "liquidator"])
def test_it_is_inspected_alike(
    both: tuple[EmbeddedRedis, RedisCluster], names: dict[str, str], what: str
) -> None:
    one, many = (told(server, what, names[what]) for server in both)
    assert settled(one) == settled(many)


def test_it_is_checked_alike(both: tuple[EmbeddedRedis, RedisCluster]) -> None:
    reports = []
    for server in both:
        done = crible(server, "state", "check", "--json")
        assert done.exit_code == 0, done.output
        report = orjson.loads(done.stdout)
        del report["bytes"]  # as the servers' allocators have it
        report["kinds"] = {name: found["keys"] for name, found in report["kinds"].items()}
        reports.append(report)
    assert reports[0] == reports[1]
    assert reports[0]["problems"] == []


def test_a_person_is_forgotten_alike(both: tuple[EmbeddedRedis, RedisCluster], names: dict[str, str]) -> None:
    plans = []
    for server in both:
        done = crible(server, "state", "forget", "beneficiary", names["beneficiary"], "--yes")
        assert done.exit_code == 0, done.output
        plans.append(done.output)
    assert plans[0] == plans[1]
    for server in both:
        done = crible(server, "inspect", "beneficiary", names["beneficiary"])
        assert done.exit_code == 1, done.output
