"""`crible evaluate worlds` from outside, on one small world: what is measured on large ones is in docs/worlds.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as Tree
from pathlib import Path
from typing import Any

import pytest

from streams.evaluation import worlds
from streams.evaluation.scorers import NAMES

CRIBLE = [sys.executable, "-m", "streams.cli"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("worlds")
    files = ["--html", str(folder / "page.html"), "--markdown", str(folder / "page.md")]
    done = subprocess.run(
        [*CRIBLE, "evaluate", "worlds", "--quick", "--json", *files],
        env={**os.environ},
        capture_output=True,
        timeout=900,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout), folder


def test_every_build_is_ranked_and_rules_and_models_beat_the_first_idea(
    run: tuple[int, dict[str, Any], Path],
) -> None:
    code, told, _ = run
    (world,) = told["worlds"]
    assert world["dossiers"] > 3_000
    assert world["frauds"] > 100
    assert world["reviews"] > 20
    assert set(told["builds"]) == set(NAMES)
    area = {name: one["auc_pr"]["median"] for name, one in told["builds"].items()}
    assert all(0.0 < value <= 1.0 for value in area.values())
    assert area["rules and models"] > 2 * area["amount z-score"]
    assert code == (0 if all(one["met"] for one in told["targets"]) else 1)


def test_the_report_is_one_file_with_its_plots_and_a_page(run: tuple[int, dict[str, Any], Path]) -> None:
    _, told, folder = run
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    plots = sorted((folder / "plots").glob("*.svg"))
    assert [plot.name for plot in plots] == ["worlds-money.svg", "worlds-reliability.svg"]
    for plot in plots:
        assert Tree.parse(plot).getroot().tag.endswith("svg")
        assert f"](plots/{plot.name})" in (folder / "page.md").read_text(encoding="utf-8")
    assert page.count(">NOT MET<") == sum(not one["met"] for one in told["targets"])


def test_a_world_says_the_same_again(run: tuple[int, dict[str, Any], Path]) -> None:
    _, told, _ = run
    assert (
        json.loads(json.dumps(worlds.world(worlds.FIRST_REPORT, worlds.Job(worlds.QUICK))))
        == told["worlds"][0]
    )


def test_worlds_for_tuning_play_nothing_that_is_kept_for_reports() -> None:
    for seed in range(1, 6):
        _, happens = worlds.plan(seed, worlds.Size())
        assert happens.played is not None
        assert not happens.played & (worlds.UNSEEN | worlds.INSIDE)
    for seed in range(worlds.FIRST_REPORT, worlds.FIRST_REPORT + 5):
        _, happens = worlds.plan(seed, worlds.QUICK)
        assert happens.played is not None
        assert happens.played >= worlds.UNSEEN
        assert not happens.played & worlds.INSIDE


@pytest.mark.parametrize("seeds", ["five", "1-", "7-3", ""])
def test_wrong_seeds_are_told(seeds: str) -> None:
    done = subprocess.run(
        [*CRIBLE, "evaluate", "worlds", "--seeds", seeds], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "expected FIRST-LAST" in done.stderr
