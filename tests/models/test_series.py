"""River runs beside the closed forms; the shrinkage keeps its promise on simulated normal habits."""

from __future__ import annotations

import math
import random

import pytest
from river import stats

from detectors.models.series import KNOT, angle, clip, hinge, root, shrunk_z, step, warm_factor

VALUES = [random.Random(7).gauss(5.0, 0.6) for _ in range(400)]


@pytest.mark.parametrize("fading", [0.02, 0.1, 0.5])
def test_step_is_rivers_exponentially_weighted_mean_and_variance(fading: float) -> None:
    centre, spread = stats.EWMean(fading), stats.EWVar(fading)
    mean, var = VALUES[0], 0.0
    centre.update(mean)
    spread.update(mean)
    for x in VALUES[1:]:
        mean, var = step(mean, var, x, fading)
        centre.update(x)
        spread.update(x)
        assert mean == pytest.approx(centre.get(), rel=1e-12)
        assert var == pytest.approx(spread.get(), rel=1e-7, abs=1e-12)


def test_a_warm_start_is_rivers_running_mean_and_variance_then_its_exponential_ones() -> None:
    running, spread = stats.Mean(), stats.Var(ddof=0)
    mean = var = 0.0
    for n, x in enumerate(VALUES[:50], start=1):
        mean, var = step(mean, var, x, warm_factor(n, 0.02))
        running.update(x)
        spread.update(x)
        assert mean == pytest.approx(running.get(), rel=1e-12)
        assert var == pytest.approx(spread.get(), rel=1e-9, abs=1e-12)
    # a River mean that has seen one value is that value: this restores it from a float
    restored = stats.EWMean(0.02)
    restored.update(mean)
    for n, x in enumerate(VALUES[50:], start=51):
        mean, var = step(mean, var, x, warm_factor(n, 0.02))
        restored.update(x)
        assert mean == pytest.approx(restored.get(), rel=1e-12)


def test_river_itself_never_recovers_from_a_nan() -> None:
    poisoned = stats.EWMean(0.02)
    for x in (1.0, math.nan, 1.0, 1.0):
        poisoned.update(x)
    assert math.isnan(poisoned.get())


def test_clipping_begins_once_there_is_something_to_clip_by() -> None:
    assert clip(100.0, 0.0, 1.0, n=9) == 100.0
    assert clip(100.0, 0.0, 1.0, n=10) == 3.0
    assert clip(-100.0, 0.0, 0.0, n=10) == pytest.approx(-0.15)


def test_hinge_starts_at_the_knot_is_capped_and_refuses_nan() -> None:
    assert hinge(KNOT) == 0.0
    assert hinge(KNOT + 1.0) == 1.0
    assert hinge(math.inf) * 0.7 == pytest.approx(3.0)
    assert hinge(math.nan) == 0.0


def test_transforms_steady_the_variance() -> None:
    assert root(9.0) - root(4.0) == pytest.approx(root(4.0) - root(1.0), abs=0.2)
    assert angle(0.0) == 0.0
    assert angle(1.0) == pytest.approx(math.pi)


def false_alarms(k: float, observations: int, rounds: int = 20_000) -> float:
    """Share of normal claims beyond the knot, for people who each have a habit of their own."""
    rng = random.Random(observations)
    alarms = 0
    for _ in range(rounds):
        habit = rng.gauss(0.0, 0.6)  # with 0.8 around it, the peers' variance is 1
        mean = var = 0.0
        for n in range(1, observations + 1):
            mean, var = step(mean, var, rng.gauss(habit, 0.8), 1.0 / n)
        alarms += shrunk_z(rng.gauss(habit, 0.8), observations, mean, var, k) > KNOT
    return alarms / rounds


@pytest.mark.parametrize("observations", [2, 3, 4])
def test_shrinkage_keeps_false_alarms_of_short_histories_below_one_percent(observations: int) -> None:
    bare, shrunk = false_alarms(1e-9, observations), false_alarms(8.0, observations)
    assert bare > 0.05
    assert shrunk < 0.01
    assert false_alarms(4.0, observations) < 0.015
