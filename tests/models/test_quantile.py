"""At most 2 % of claims are flagged, as River's rolling quantile would have it."""

from __future__ import annotations

import math
import random

import pytest
from river import stats

from detectors.models import quantile
from detectors.models.records import QuantileRecord, decode, encode
from detectors.models.score import sigmoid


def test_the_flag_stays_near_rivers_rolling_quantile_and_under_its_share() -> None:
    rng = random.Random(11)
    record, rolling = QuantileRecord(), stats.RollingQuantile(0.98, 5000)
    flagged = 0
    for index in range(12_000):
        score = sigmoid(-5.0 + max(0.0, rng.gauss(0.0, 2.0)))
        if index >= 4000:
            flagged += score >= quantile.flag_from(record)
        record = quantile.fold(record, score)
        rolling.update(score)
    assert flagged / 8000 <= 0.0215
    edge, exact = quantile.flag_from(record), rolling.get()
    assert exact is not None
    assert abs(math.log(edge / (1 - edge)) - math.log(exact / (1 - exact))) <= 0.35
    assert decode("quantile", encode(record)) == record
    assert sum(record.counts) <= quantile.CAPACITY + quantile.CAPACITY // 2
    assert len(encode(record)) < 400


def test_the_floor_holds_while_there_are_few_scores_or_only_low_ones() -> None:
    record = QuantileRecord()
    assert quantile.flag_from(record) == 0.03
    for _ in range(2000):
        record = quantile.fold(record, 0.0067)
    assert quantile.flag_from(record) == 0.03


def test_every_score_has_a_bin_and_nan_has_none() -> None:
    assert [quantile.bin_of(score) for score in (0.0, 1e-9, 0.5, 1.0 - 1e-12, 1.0)] == [0, 0, 51, 101, 101]
    record = QuantileRecord()
    assert quantile.fold(record, math.nan) is record


@pytest.mark.parametrize("score", [0.01, 0.03, 0.2, 0.97])
def test_a_bin_holds_the_scores_between_its_edges(score: float) -> None:
    lower = sigmoid(quantile.LOWEST + quantile.WIDTH * (quantile.bin_of(score) - 1))
    upper = sigmoid(quantile.LOWEST + quantile.WIDTH * quantile.bin_of(score))
    assert lower <= score < upper
