"""Closed forms of tails against SciPy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.odds import beta_binomial_below, poisson_tail


@given(count=st.integers(0, 400), mean=st.floats(1e-3, 300))
def test_the_poisson_tail_is_scipys(count: int, mean: float) -> None:
    assert poisson_tail(count, mean) == pytest.approx(stats.poisson.sf(count - 1, mean), rel=1e-7, abs=1e-12)


def test_nothing_expected_makes_any_count_impossible() -> None:
    assert poisson_tail(1, 0.0) == 0.0
    assert poisson_tail(0, 0.0) == 1.0
    assert poisson_tail(10.9, 2.0) == poisson_tail(10, 2.0)


@given(trials=st.integers(0, 500), share=st.floats(0, 1.2), alpha=st.floats(0.1, 60), beta=st.floats(0.1, 60))
def test_the_beta_binomial_is_scipys(trials: int, share: float, alpha: float, beta: float) -> None:
    count = round(share * trials)
    wanted = stats.betabinom.cdf(count - 1, trials, alpha, beta)
    assert beta_binomial_below(count, trials, alpha, beta) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
