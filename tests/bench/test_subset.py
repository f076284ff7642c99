"""Every build gives the same windows and scores on the same log: those of plain Python."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from bench.brokers import EMBEDDED, broker
from bench.builds import builds
from bench.claims import Event, eligible, encoded, simulate
from bench.engines import BUILDS
from bench.kafka_runs import Stage
from bench.subset import WEIGHTED, WINDOWS, care_of
from bench.surroundings import quix_python
from state import EmbeddedRedis
from tests.bench.subset_oracle import MODELS, differences

CLAIMS = 700


@pytest.fixture(scope="module")
def log() -> list[Event]:
    """Claims of few people, so that most windows hold something."""
    claims = eligible(simulate(1_800, 300).live)
    often = Counter(claim["beneficiary"] for claim in claims)
    few = {name for name, _ in often.most_common(120)}
    return [claim for claim in claims if claim["beneficiary"] in few][:CLAIMS]


def test_the_log_fills_every_window(log: list[Event]) -> None:
    with EmbeddedRedis() as server:
        rows = [orjson.loads(row) for row in BUILDS["naive"](server)(encoded(log))]
    for name in (*WINDOWS, *MODELS):
        assert sum(row[name] != 0 for row in rows) > len(rows) / 50, name
    assert any(row["claims_24h"] > 1 for row in rows)


@pytest.mark.parametrize("build", ["reduced", "naive"])
def test_without_a_broker_a_build_gives_what_the_oracle_expects(build: str, log: list[Event]) -> None:
    with EmbeddedRedis() as server:
        rows = [orjson.loads(row) for row in BUILDS[build](server)(encoded(log))]
    assert differences(rows, list(map(care_of, log)), exact=build == "naive") == []


@pytest.mark.parametrize("build", ["reduced", "naive", "quixstreams"])
def test_behind_a_broker_a_build_gives_what_the_oracle_expects(build: str, log: list[Event]) -> None:
    if build == "quixstreams" and quix_python() is None:
        pytest.skip("quixstreams is not installed in .venv-bench: make bench installs it")
    with ExitStack() as stack:
        behind = builds()[build]
        stage: Stage = behind.stage(stack, stack.enter_context(broker(EMBEDDED)))
        behind.start(stage)
        rows = stage.rows(log)
    assert differences(rows, list(map(care_of, log)), exact=build != "reduced") == []


def test_the_oracle_notices_a_wrong_row(log: list[Event]) -> None:
    cares = list(map(care_of, log[:200]))
    with EmbeddedRedis() as server:
        right = [orjson.loads(row) for row in BUILDS["naive"](server)(encoded(log[:200]))]
    for name in (*WINDOWS, *MODELS):
        wrong: list[dict[str, Any]] = [*right[:-1], {**right[-1], name: right[-1][name] + 1}]
        found = differences(wrong, cares, exact=True)
        assert len(found) == 1
        assert found[0].startswith(name)


def test_a_tiled_window_may_miss_by_its_oldest_tile_only(log: list[Event]) -> None:
    cares = list(map(care_of, log))
    with EmbeddedRedis() as server:
        rows = [orjson.loads(row) for row in BUILDS["reduced"](server)(encoded(log))]
    wrong = [{**row, **{name: row[name] + 40 for name in WEIGHTED}} for row in rows]
    assert len(differences(wrong, cares, exact=False)) == 2 * len(rows)
