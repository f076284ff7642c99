"""Page and Hinkley's test against River's."""

from __future__ import annotations

import random

import pytest
from river.drift import PageHinkley

from detectors.models import drift
from detectors.models.folds import fold_provider
from detectors.models.records import Drift, ProviderRecord, decode, encode


@pytest.mark.parametrize("seed", range(4))
def test_alarms_are_rivers(seed: int) -> None:
    rng = random.Random(seed)
    plain = PageHinkley(drift.MIN_CLAIMS, drift.DELTA, drift.LIMIT, drift.ALPHA, mode="up")
    own: dict[str, Drift] = {}
    alarms, theirs = [], []
    for day in range(1, 2_000):
        value = min(1.5, max(0.1, rng.gauss(0.6 if day % 700 < 400 else 1.0, 0.3)))
        own = drift.fold(own, "K", value, day)
        plain.update(value)  # type: ignore[no-untyped-call]
        if drift.alarm(own, "K") == day:
            alarms.append(day)
        if plain.drift_detected:
            theirs.append(day)
    assert alarms == theirs
    assert alarms
    assert 400 < alarms[0] < 500


def test_steady_coding_raises_no_alarm() -> None:
    rng = random.Random(9)
    own: dict[str, Drift] = {}
    for _ in range(5_000):
        own = drift.fold(own, "K", min(1.5, max(0.1, rng.gauss(0.6, 0.3))), 1)
    assert drift.alarm(own, "K") == 0


def test_letters_are_bounded_and_a_frozen_provider_teaches_nothing() -> None:
    record = ProviderRecord(frozen_until=50)
    told = {"level": 5.0, "peers": None, "new": 0, "top": 0, "weekend": 0, "letters": {"K": 0.5}}
    assert fold_provider(record, {**told, "day": 50}).drifts == {}
    assert fold_provider(record, {**told, "day": 51}).drifts == {"K": (1, 0.5, -0.05, -0.05, 0)}
    many: dict[str, Drift] = {}
    for number in range(40):
        many = drift.fold(many, f"L{number}", 0.5, 1)
    assert len(many) == drift.MOST_LETTERS
    assert drift.fold(many, "L0", float("nan"), 1) == many
    assert decode("provider", encode(ProviderRecord(drifts=many))) == ProviderRecord(drifts=many)
