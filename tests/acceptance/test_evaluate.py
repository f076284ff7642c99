"""`crible evaluate rules` from outside, on a year that is small: what it measures is in docs/evaluation.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CRIBLE = [sys.executable, "-m", "streams.cli"]
SIZE = ["--claims", "5000", "--waves", "1", "--seed", "3"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], str, Path]:
    folder = tmp_path_factory.mktemp("evaluate")
    page = folder / "page.md"
    left = folder / "left"
    left.mkdir()
    done = subprocess.run(
        [*CRIBLE, "evaluate", "rules", *SIZE, "--json", "--markdown", str(page)],
        env={**os.environ, "TMPDIR": str(left)},
        capture_output=True,
        timeout=900,
        check=False,
    )
    assert done.stderr == b""
    assert list(left.iterdir()) == []
    return done.returncode, json.loads(done.stdout), page.read_text(encoding="utf-8"), left


def test_every_event_is_answered_and_nothing_is_refused(
    run: tuple[int, dict[str, Any], str, Path],
) -> None:
    _, told, _, _ = run
    assert told["claims"] >= 5_000
    assert (told["unanswered"], told["dead_letters"]) == (0, {})


def test_the_exit_code_says_whether_all_targets_are_met(run: tuple[int, dict[str, Any], str, Path]) -> None:
    code, told, page, _ = run
    assert code == (0 if all(one["met"] for one in told["targets"]) else 1)
    head = page.split("## By truth")[0]
    assert head.count("| met |") + head.count("| NOT MET |") == len(told["targets"])


def test_rules_are_right_and_honest_claims_go_on(run: tuple[int, dict[str, Any], str, Path]) -> None:
    _, told, _, _ = run
    measured = {one["what"]: one["measured"] for one in told["targets"]}
    assert measured["hard rules: lines held that are fraud or error"] >= 0.9
    assert measured["hard rules: their lines found"] >= 0.85
    assert measured["look-alikes held for control"] < 0.03
    assert measured["honest claims held for FRAUD, MEDICAL or INTERNAL"] < 0.01


def test_help_has_examples() -> None:
    said = subprocess.run(
        [*CRIBLE, "evaluate", "rules", "--help"], capture_output=True, check=True, timeout=60
    ).stdout.decode()
    assert "crible evaluate rules --quick" in said
