"""The demo from outside, as `make demo` starts it: what it prints, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCHEMES = {
    "clone_campaign",
    "dental_ring",
    "doctor_shopping",
    "impossible_day",
    "phantom_after_death",
    "recycled_documents",
}


def test_a_small_demo_answers_everything_once_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streams.cli", "demo", "--claims", "2000", "--days", "40", "--json"]
    done = subprocess.run(
        command,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert (told["lost"], told["duplicated"], told["dead_letters"]) == (0, 0, 0)
    assert told["events"] >= 3_000
    assert told["claims"] == told["holds"] + told["flagged"] + told["released"]
    assert told["schemes"].keys() == SCHEMES
    for name, scheme in told["schemes"].items():
        assert scheme["money_held"] >= scheme["money"] / 2, name
    assert told["precision_of_holds"] >= 0.6
    assert told["latency_ms"]["p50"] <= told["latency_ms"]["p95"] <= told["latency_ms"]["p99"]
    assert len(told["examples"]) == 3
    assert list(tmp_path.iterdir()) == []
