"""Peers follow River, and no one of them can move the group."""

from __future__ import annotations

import math
import random

import pytest
from river import stats

from detectors.models import peers
from detectors.models.amounts import peer_z
from detectors.models.keys import source_number
from detectors.models.records import PeerRecord, decode, encode

VALUES = [5.0 + 0.3 * math.sin(index * 1.7) for index in range(200)]


def taught(values: list[float], sources: int = 50) -> PeerRecord:
    record: PeerRecord | None = None
    for index, value in enumerate(values):
        record = peers.fold(record, value, index % sources + 1)
    assert record is not None
    return record


def test_a_snapshot_at_every_step_equals_river_run_continuously() -> None:
    rng = random.Random(3)
    mean, early = stats.EWMean(0.02), stats.Mean()
    record: PeerRecord | None = None
    for n in range(1, 501):
        value = rng.uniform(4.0, 6.0)  # never beyond 3 sd: nothing is clipped
        held = peers.fold(record, value, n % 50 + 1)
        record = decode("peers", encode(held))  # type: ignore[assignment]
        assert record == held
        if n <= 50:
            early.update(value)
            if n == 50:
                mean.update(early.get())
        else:
            mean.update(value)
        assert held.mean == pytest.approx(early.get() if n <= 50 else mean.get(), rel=1e-12)


def test_one_source_holds_a_quarter_of_the_turns_at_most() -> None:
    record = taught([5.0] * 100)
    for _ in range(1000):
        record = peers.fold(record, 9.0, 7)
    assert record.n == 100 + 250  # it taught in a quarter of its turns
    moved = taught([5.0] * 100)
    for index in range(20):
        moved = peers.fold(moved, 9.0, 7 if index % 2 else index + 60)
    assert moved.recent.count(7) <= 5


def test_an_absurd_amount_counts_for_three_standard_deviations() -> None:
    record = taught(VALUES)
    after = peers.fold(record, 50.0, 99)
    assert after.mean - record.mean == pytest.approx(0.02 * 3.0 * math.sqrt(record.var))


def test_a_tariff_reform_is_followed() -> None:
    record = taught([math.log(150.0)] * 300)
    assert record.var == 0.0
    assert peer_z(math.log(250.0), record) > 2.5
    flags = 0
    for index in range(300):
        flags += peer_z(math.log(250.0), record) > 2.5
        record = peers.fold(record, math.log(250.0), index % 50 + 1)
    assert flags < 60
    assert record.mean == pytest.approx(math.log(250.0), abs=0.05)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_teaches_nothing(bad: float) -> None:
    record = taught([5.0, 5.1, 4.9])
    assert peers.fold(record, bad, 1) is record
    assert peers.fold(record, 5.0, 0) is record


def test_sources_are_numbered_alike_in_every_process() -> None:
    assert (source_number("100000001"), source_number("200000001"), source_number(None)) == (
        source_number("100000001"),
        source_number("200000001"),
        1,
    )
    assert all(1 <= source_number(str(number)) <= 255 for number in range(100000001, 100002001))
