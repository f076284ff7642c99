from __future__ import annotations

from pathlib import Path

import orjson

from simulation.write import write_log
from tests.simulation.conftest import Run


def test_log_and_truth_are_written_with_progress(run: Run, tmp_path: Path) -> None:
    steps: list[int] = []
    written = write_log(run.pairs, tmp_path / "log.jsonl", tmp_path / "truth.jsonl", steps.append, every=500)
    log = [orjson.loads(line) for line in (tmp_path / "log.jsonl").read_bytes().splitlines()]
    truth = [orjson.loads(line) for line in (tmp_path / "truth.jsonl").read_bytes().splitlines()]
    assert log == [event for event, _ in run.pairs]
    assert truth == [line for _, line in run.pairs if line]
    assert steps[0] == 500
    assert steps[-1] == written.events == len(log)
    assert sum(written.classes.values()) == len(truth)
    assert written.types["claim"] >= len(truth)


def test_the_truth_stays_out_of_the_log(run: Run, tmp_path: Path) -> None:
    write_log(run.pairs[-500:], tmp_path / "log.jsonl")
    text = (tmp_path / "log.jsonl").read_text()
    assert not any(word in text for word in ("FRAUD", "LOOKALIKE", "scheme"))
    assert list(tmp_path.iterdir()) == [tmp_path / "log.jsonl"]
