"""The weights learn as River's logistic regression does, whatever the snapshots, within a floor and a cap."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from river import linear_model, optim

from detectors.models import fusion
from detectors.models.records import FusionRecord, decode, encode
from detectors.models.score import key_of, start_weight

P01, B01 = start_weight(0.5), start_weight(0.7)


def review(outcome: str, *terms: tuple[str, float, float], by: str = "R1", **reasons: str) -> dict[str, Any]:
    named = [{"code": code, "value": value, "start": start} for code, value, start in terms]
    return fusion.message("V-E1-1", outcome, [by], reasons, named)


def test_a_snapshot_after_every_review_equals_river_run_continuously() -> None:
    rng = random.Random(5)
    model = linear_model.LogisticRegression(optim.SGD(0.03), intercept_init=-5.0, intercept_lr=0.0)
    keys = {"P01": key_of("P01", P01), "B01": key_of("B01", B01)}
    model._weights.update({keys["P01"]: P01, keys["B01"]: B01})
    record = FusionRecord()
    for index in range(300):
        x = {"P01": rng.random(), "B01": rng.random()}
        fraud = rng.random() < 0.6
        terms = [("P01", x["P01"], P01), ("B01", x["B01"], B01)]
        told = review("ABUSE" if fraud else "LEGITIMATE", *terms, by=f"R{index % 40}")
        record = decode("fusion", encode(fusion.fold(record, told)))  # type: ignore[assignment]
        model.learn_one({keys[code]: value for code, value in x.items()}, fraud)
        for code in x:
            assert record.weights[keys[code]] == pytest.approx(float(model.weights[keys[code]]), rel=1e-12)
    assert record.edition == record.reviews == 300
    assert model.intercept == -5.0


def test_confirmed_reasons_gain_and_rejected_ones_lose() -> None:
    record = FusionRecord()
    told = review("CONFIRMED_FRAUD", ("P01", 1.0, P01), ("B01", 1.0, B01), P01="CONFIRMED", B01="REJECTED")
    record = fusion.fold(record, told)
    assert record.weights[key_of("P01", P01)] > P01
    assert record.weights[key_of("B01", B01)] < B01
    assert (record.reviews, record.frauds) == (1, 1)


@pytest.mark.parametrize("outcome", ["INSUFFICIENT", "EXPERTISE", "APPEAL_REJECTED", "UNHEARD_OF"])
def test_outcomes_that_say_nothing_teach_nothing(outcome: str) -> None:
    record = FusionRecord()
    assert fusion.fold(record, review(outcome, ("P01", 1.0, P01))) is record


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_a_term_without_a_usable_value_teaches_nothing(value: float) -> None:
    record = FusionRecord()
    assert fusion.fold(record, review("LEGITIMATE", ("P01", value, P01))) is record


def test_a_weight_stops_at_its_floor() -> None:
    record = FusionRecord()
    for index in range(3000):
        record = fusion.fold(
            record, review("LEGITIMATE", ("P01", 1.0, P01), ("B01", 1.0, B01), by=f"R{index}")
        )
    assert record.weights[key_of("P01", P01)] >= 0.35 * P01 - 1e-12
    assert record.weights[key_of("B01", B01)] >= 0.35 * B01 - 1e-12
    assert not record.calibrated


def test_one_reviewer_holds_half_of_the_turns_at_most() -> None:
    record = FusionRecord()
    for _ in range(100):
        record = fusion.fold(record, review("ABUSE", ("P01", 1.0, P01)))
    assert record.reviews == 60  # 20 of the first 40, then one for each that leaves the window
    assert len(record.recent) == 40


def test_calibrated_after_enough_reviews_that_agree_with_the_score() -> None:
    rng = random.Random(9)
    record = FusionRecord()
    for index in range(900):
        terms = [("P01", 1.0, P01)] if index % 2 else [("P01", 1.0, P01), ("B01", 1.0, B01)]
        chance = 0.06 if index % 2 else 0.66
        outcome = "CONFIRMED_FRAUD" if rng.random() < chance else "LEGITIMATE"
        record = fusion.fold(record, review(outcome, *terms, by=f"R{index % 40}"))
    assert record.calibrated
    for index in range(400):
        record = fusion.fold(
            record, review("LEGITIMATE", ("P01", 1.0, P01), ("B01", 1.0, B01), by=f"R{index % 40}")
        )
    bins = [held for held in record.bins if held.n >= 30]
    assert record.calibrated == (len(bins) > 1 and all(abs(b.expected - b.observed) <= 0.1 for b in bins))
