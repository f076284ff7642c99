"""`make bench` measures what it says, on little data; its figures mean nothing here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.claims import Event, take
from bench.figures import quantile


def _claims(*sizes: int) -> list[Event]:
    return [{"type": "claim", "lines": [{}] * size} for size in sizes]


def test_quick_run_writes_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--out", str(tmp_path)])
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text())
    assert [one["lines"] for one in result["event_log"]] == [1.0, 2.5, 5.0]
    for one in result["event_log"]:
        assert one["claims_per_worker_cpu_second"] > 0
        assert {"decode", "observe", "models", "detect", "decide", "record", "redis"} <= one["shares"].keys()
        assert sum(share for stage, share in one["shares"].items() if stage != "redis") <= 1.0
    latency = result["kafka"]["latency"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
    assert result["kafka"]["throughput"]["claims_per_second"] > 0
    assert result["memory"]["log_bytes_per_line"] >= result["memory"]["record_bytes"]
    assert "claims per worker CPU second" in capsys.readouterr().out


def test_claims_are_chosen_to_a_mean_number_of_lines() -> None:
    live = _claims(1, 5, 2, 9, 4, 1, 3, 2, 2, 4)
    chosen = take(live, 2.5, 4)
    assert abs(sum(len(event["lines"]) for event in chosen) - 10) <= 2
    assert len(live) == 6


def test_too_few_claims_of_a_size_are_an_error() -> None:
    with pytest.raises(ValueError, match="wanted 3 of 5"):
        take(_claims(1, 2, 5), 5.0, 3)


def test_quantiles_take_the_nearest_rank() -> None:
    assert quantile([3.0, 1.0, 2.0, 4.0], 0.5) == 3.0
    assert quantile([1.0], 0.99) == 1.0
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
