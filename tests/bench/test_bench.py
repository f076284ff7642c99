"""`make bench` measures what it says, on little data; its figures mean nothing here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import flame
from bench.__main__ import QUICK, main
from bench.claims import Event, take
from bench.detector_cost import DEAREST
from bench.figures import quantile
from bench.surroundings import quix_python
from detectors.catalogue import BY_CODE
from state import codecs


def _claims(*sizes: int) -> list[Event]:
    return [{"type": "claim", "lines": [{}] * size} for size in sizes]


Result = tuple[dict[str, Any], Path]
"""What was measured, and the folder of the results."""


def _measured(folder: Path, *sections: str) -> Result:
    main([*sections, "--quick", "--out", str(folder)])
    (path,) = folder.glob("bench-*.json")
    return json.loads(path.read_text()), folder


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Crible alone, measured once in quick mode."""
    return _measured(tmp_path_factory.mktemp("bench"), "log", "worker", "latency")


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The other sections."""
    return _measured(tmp_path_factory.mktemp("bench"), "compare", "memory", "scaling", "burst")


def test_the_log_is_measured_at_three_sizes(quick: Result) -> None:
    result, _ = quick
    assert [one["lines"] for one in result["event_log"]] == [1.0, 2.5, 5.0]
    for one in result["event_log"]:
        assert one["claims_per_worker_cpu_second"] > 0
        assert {"decode", "observe", "models", "detect", "decide", "record", "redis"} <= one["shares"].keys()
        assert sum(share for stage, share in one["shares"].items() if stage != "redis") <= 1.0
        calls = one["latency_us"]["fcall"]
        assert calls["calls"] >= 2 * QUICK.runs  # observe and record
        assert calls["p50"] <= calls["p99"] <= calls["p99.9"]


def test_the_detectors_are_timed_alone(quick: Result) -> None:
    found = quick[0]["detectors"]
    assert 0 < found["claims"] <= QUICK.checked
    assert found["median_us"] > 0
    assert len(found["dearest_us"]) == DEAREST
    assert found["dearest_us"].keys() <= BY_CODE.keys()
    assert sorted(found["dearest_us"].values(), reverse=True) == list(found["dearest_us"].values())
    assert sum(found["dearest_us"].values()) < 2 * found["mean_us"], (
        "some of them cost more than all together"
    )


def test_the_worker_is_measured_on_a_broker(quick: Result) -> None:
    latency = quick[0]["kafka"]["latency"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
    assert quick[0]["kafka"]["throughput"]["claims_per_second"] > 0


def test_latency_is_taken_apart(quick: Result) -> None:
    (measured,) = quick[0]["latency"].values()
    assert [one["rate"] for one in measured] == [50.0, 100.0, 200.0]
    for one in measured:
        assert 0 < one["p50"] <= one["p95"] <= one["p99"]
        assert one["batch"]["events"] >= 1
        assert one["batch"]["observe"] > 0
        assert one["batch"]["publish"] > 0
        assert sum(one["processors"].values()) > 0


def test_each_kind_of_record_has_its_size(quick: Result) -> None:
    memory = quick[0]["memory"]
    assert memory["log_bytes_per_line"] >= memory["record_bytes"]
    kinds = memory["kinds"]
    assert {
        "log",
        "verdict",
        "event id",
        "document",
        "claim",
        "executor's tiles",
        "model peers",
    } <= kinds.keys()
    assert all(kind["bytes_each"] > 0 and kind["keys"] > 0 for kind in kinds.values())
    assert kinds["event id"]["keys"] >= kinds["verdict"]["keys"]


@pytest.mark.slow
def test_all_builds_are_compared_on_one_log(more: Result) -> None:
    compared, folder = more[0]["compare"], more[1]
    assert list(compared["engine"]) == ["crible", "reduced", "naive"]
    wanted = ["crible", "reduced", "naive", *(["quixstreams"] if quix_python() else [])]
    assert list(compared["broker"]) == wanted
    for build in (*compared["engine"].values(), *compared["broker"].values()):
        assert build["claims_per_second"] > 0
        assert build["claims_per_worker_cpu_second"] > 0
        assert build["bytes_per_event"] > 0
    if flame.available():
        frames = json.loads((folder / "flame.speedscope.json").read_text())["shared"]["frames"]
        assert "screen" in {frame["name"] for frame in frames}


@pytest.mark.slow
def test_a_year_is_filled_and_extrapolated(more: Result) -> None:
    year = more[0]["year"]
    assert [point["people"] for point in year["points"]] == list(QUICK.filled)
    assert year["kinds"]["log"]["keys"] == QUICK.filled[-1]
    assert year["kinds"]["log"]["bytes_each"] >= 5 * codecs.LOG_BYTES
    assert year["bytes_a_person"] * year["people"] == pytest.approx(year["gigabytes"] * 1e9, rel=0.2)
    assert "event id" not in year["kinds"]


@pytest.mark.slow
def test_cost_is_measured_among_more_people_and_with_more_history(more: Result) -> None:
    scaling = more[0]["scaling"]
    assert [case["case"] for case in scaling["people"]] == ["100 people", "1,000 people"]
    assert [case["case"] for case in scaling["history"]] == ["1 month", "24 months"]
    for cases in scaling.values():
        assert cases[0]["ratio"] == 1.0
        assert all(case["redis_cpu_us"] > 0 and case["worker_cpu_us"] > 0 for case in cases)


@pytest.mark.slow
def test_a_burst_is_watched_until_it_is_absorbed(more: Result) -> None:
    burst = more[0]["burst"]
    assert burst["claims"] == QUICK.burst
    assert burst["points"][-1][2] == 0
    assert 0 < burst["most_missing"] <= burst["claims"]
    assert burst["mb_most"] >= burst["mb_after"] > 0


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


def test_sections_are_chosen_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["memory", "--quick", "--filled", "40,80", "--out", str(tmp_path)])
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text())
    assert result.keys() == {"surroundings", "year"}
    assert [point["people"] for point in result["year"]["points"]] == [40, 80]
    assert "3,000,000 people, extrapolated" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["everything"], ["memory", "--filled", "80,40"]])
def test_what_cannot_be_measured_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)
    assert "usage" in capsys.readouterr().err
