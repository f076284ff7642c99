"""The score's published numbers, its caps and its floor."""

from __future__ import annotations

import math

import pytest

from detectors.base import Finding
from detectors.models.finding import Component, build
from detectors.models.records import FusionRecord
from detectors.models.score import MODEL_WEIGHT, key_of, score, sigmoid, start_weight, term

EMPTY = FusionRecord()


def soft(code: str, weight: float, strength: float = 1.0) -> Finding:
    return Finding(code, "S", strength=strength, weight=weight)


def model(code: str, z: float) -> Finding:
    found = build(code, [Component("act", z, 40, {})], (1,), 100)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("weights", "published"),
    [((), 0.007), ((0.5,), 0.05), ((0.7,), 0.20), ((0.5, 0.5), 0.31), ((0.8,), 0.45)],
)
def test_the_score_reads_as_a_probability_from_the_first_day(
    weights: tuple[float, ...], published: float
) -> None:
    found = score([soft(f"P0{index}", weight) for index, weight in enumerate(weights)], EMPTY)
    assert found.value == pytest.approx(published, abs=0.01)
    assert found.state == "UNCALIBRATED"


def test_strength_scales_a_soft_finding() -> None:
    assert term(soft("B01", 0.5, 0.5), EMPTY).contribution == pytest.approx(start_weight(0.5) / 2)


def test_hard_and_administrative_findings_have_weights_of_their_own() -> None:
    assert term(Finding("D01", "H", weight=0.3), EMPTY).weight == pytest.approx(start_weight(0.95))
    assert term(Finding("E01", "H", nature="ADM"), EMPTY).weight == pytest.approx(start_weight(0.1))
    assert term(Finding("T02", "S", nature="ADM", strength=0.5), EMPTY).value == 0.5


def test_a_models_term_starts_at_seven_tenths_and_stops_at_three() -> None:
    assert start_weight(MODEL_WEIGHT) == pytest.approx(0.7)
    assert term(model("M01", 3.5), EMPTY).contribution == pytest.approx(0.7)
    assert term(model("M01", 50.0), EMPTY).contribution == pytest.approx(3.0)
    learned = FusionRecord(weights={key_of("M01", start_weight(MODEL_WEIGHT)): 4.0})
    assert term(model("M01", 3.0), learned).contribution == pytest.approx(2.0)
    assert term(model("M01", 50.0), learned).contribution == pytest.approx(3.0)


def test_no_learned_weight_falls_below_its_floor() -> None:
    start = start_weight(0.5)
    forgotten = FusionRecord(weights={key_of("P01", start): -8.0})
    assert term(soft("P01", 0.5), forgotten).weight == pytest.approx(0.35 * start)


def test_findings_of_one_code_count_once_with_the_largest() -> None:
    both = score([soft("P01", 0.3), soft("P01", 0.5), soft("B01", 0.2)], EMPTY)
    assert [item.code for item in both.terms] == ["P01", "B01"]
    assert both.value == score([soft("B01", 0.2), soft("P01", 0.5)], EMPTY).value


def test_terms_add_up_to_the_score() -> None:
    found = score([soft("P01", 0.3), Finding("D01", "H"), model("M02", 4.0)], EMPTY)
    total = sum(item.weight * item.value for item in found.terms)
    assert found.value == pytest.approx(sigmoid(-5.0 + total), abs=1e-6)
    assert [item.contribution for item in found.terms] == sorted(
        (i.contribution for i in found.terms), reverse=True
    )


def test_a_strength_that_is_out_of_range_is_brought_back() -> None:
    assert term(soft("P01", 0.5, 7.0), EMPTY).value == 1.0
    assert term(soft("P01", 1.0), EMPTY).weight < 25.0
    assert math.isfinite(score([soft("P01", 1.0)] * 3, EMPTY).value)
    assert sigmoid(-800.0) == 0.0
    assert sigmoid(800.0) == 1.0
