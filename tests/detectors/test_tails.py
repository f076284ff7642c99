"""Closed forms against SciPy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.tails import (
    beta_above,
    beta_binomial_below,
    binomial_tail,
    binomial_z,
    digits_tail,
    median,
    poisson_tail,
    robust_z,
)


@given(k=st.integers(-2, 400), mean=st.floats(0.001, 200))
def test_poisson(k: int, mean: float) -> None:
    assert poisson_tail(k, mean) == pytest.approx(float(stats.poisson.sf(k - 1, mean)), rel=1e-7, abs=1e-12)


@given(n=st.integers(0, 500), k=st.integers(-1, 501), p=st.floats(0.001, 0.999))
def test_binomial(n: int, k: int, p: float) -> None:
    assert binomial_tail(k, n, p) == pytest.approx(float(stats.binom.sf(k - 1, n, p)), rel=1e-7, abs=1e-12)


def test_far_tails_keep_their_digits() -> None:
    assert poisson_tail(40, 0.5) == pytest.approx(float(stats.poisson.sf(39, 0.5)), rel=1e-9)
    assert binomial_tail(90, 100, 0.5) == pytest.approx(float(stats.binom.sf(89, 100, 0.5)), rel=1e-9)
    assert poisson_tail(1, 0.0) == 0.0


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30), value=st.floats(-1e3, 1e3))
def test_robust_z(values: list[float], value: float) -> None:
    spread = max(float(stats.median_abs_deviation(values)), 0.5)
    assert robust_z(value, values, 0.5) == pytest.approx(0.6745 * (value - median(values)) / spread)


def test_nothing_to_compare_with() -> None:
    assert robust_z(3.0, [], 0.1) is None


@given(trials=st.integers(0, 500), share=st.floats(0, 1.2), alpha=st.floats(0.1, 60), beta=st.floats(0.1, 60))
def test_the_beta_binomial_is_scipys(trials: int, share: float, alpha: float, beta: float) -> None:
    count = round(share * trials)
    wanted = stats.betabinom.cdf(count - 1, trials, alpha, beta)
    assert beta_binomial_below(count, trials, alpha, beta) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@given(share=st.floats(-0.1, 1.1), a=st.floats(0.1, 3_000), b=st.floats(0.1, 3_000))
def test_the_posterior_is_scipys(share: float, a: float, b: float) -> None:
    assert beta_above(share, a, b) == pytest.approx(float(stats.beta.sf(share, a, b)), rel=1e-7, abs=1e-10)


@given(count=st.integers(0, 500), more=st.integers(1, 500), share=st.floats(0.001, 0.999))
def test_the_binomial_z_is_that_of_scipys_mean_and_deviation(count: int, more: int, share: float) -> None:
    mean, variance = stats.binom.stats(count + more, share)
    assert binomial_z(count, count + more, share) == pytest.approx((count - mean) / variance**0.5, abs=1e-9)


@given(statistic=st.floats(0, 400))
def test_ten_digits_are_scipys_chi_squared(statistic: float) -> None:
    assert digits_tail(statistic) == pytest.approx(float(stats.chi2.sf(statistic, 9)), rel=1e-9)
